/* SPDX-License-Identifier: Apache-2.0 */
/* cmg-client analyze: the connection analyzer with the device's own settings, credential and tokens. What it learns and
 * the tokens it gets are not kept: the device stays as it was. */
#include <stdio.h>
#include <stdlib.h>

#include "analyze/print.h"
#include "client/location/gateways.h"
#include "client/location/location.h"
#include "client/operation.h"
#include "client/report.h"
#include "client/session/refused.h"
#include "client/state/state.h"

struct device {
    struct client_session session;
    struct analyze_credential credential;
    struct analyze_config config;
    struct finding {
        char cause[64], found[700], remedy[512];
    } local, refused;
};

static void rule_out(struct device *d, const char *cause, const char *found, const char *remedy)
{
    (void)snprintf(d->local.cause, sizeof d->local.cause, "%s", cause);
    (void)snprintf(d->local.found, sizeof d->local.found, "%s", found);
    (void)snprintf(d->local.remedy, sizeof d->local.remedy, "%s", remedy);
    d->config.local_cause = d->local.cause;
    d->config.local_found = d->local.found;
    d->config.local_remedy = d->local.remedy;
}

/* What the device would show: its last method's credential, else by the order of preference. */
static struct analyze_credential_text choose_credential(const struct device *d)
{
    const struct client_session *s = &d->session;
    const struct client_identity *id = &s->c->identity;
    const struct client_registration *r = &id->of[CHOICE_TOKEN];
    bool token = r->device_token || r->access_token;
    struct analyze_credential_text own = {slice_of(s->held.own.certificate_pem), slice_of(s->held.own.key_pem),
                                          SLICE_NONE};
    if (s->held.has_pki && !(id->any && id->method == CHOICE_TOKEN && token))
        return (struct analyze_credential_text){slice_of(s->held.pki.certificate_pem), slice_of(s->held.pki.key_pem),
                                                SLICE_NONE};
    own.token = slice_of(r->device_token ? r->device_token : r->access_token ? r->access_token : id->bulk_token);
    return own;
}

/* Its Entra token, when that is its method: by what it last used, else by the order of preference. false: told. */
static bool take_entra(struct device *d, struct analyze_credential_text *ret)
{
    struct client_session *s = &d->session;
    const struct client_identity *id = &s->c->identity;
    const char *token;
    if (!s->held.entra.usable || (id->any ? id->method != CHOICE_ENTRA : s->held.has_pki))
        return true;
    if (!client_session_entra_token(s, &token)) {
        rule_out(d, s->outcome.reason, s->outcome.detail, s->outcome.remedy);
        return false;
    }
    *ret = (struct analyze_credential_text){slice_of(s->held.own.certificate_pem), slice_of(s->held.own.key_pem),
                                            slice_of(token)};
    return true;
}

static void no_credential(struct device *d)
{
    const struct client_credential_fault *f = &d->session.held.pki_fault;
    const struct web_fault_info *clock = web_fault_info(WEB_FAULT_CLOCK);
    const struct client_fault_words words = client_credential_fault_words(f);
    char found[700], differ[128];
    if (client_clock_is_wrong(&d->session, differ, sizeof differ)) {
        (void)snprintf(found, sizeof found, "%s: %s, and by our clock %.400s", clock->text, differ, f->text);
        rule_out(d, clock->word, found, clock->remedy);
        return;
    }
    (void)snprintf(found, sizeof found,
                   "the device has nothing to show to a gateway: pki: %.400s; token: neither a "
                   "device token nor a bulk registration token",
                   f->text);
    rule_out(d, words.cause, found, words.remedy);
}

static void take_credential(struct device *d)
{
    struct analyze_credential_text text = choose_credential(d);
    struct error err;
    if (!take_entra(d, &text))
        return;
    if (d->session.held.has_pki || text.token.ptr) {
        if (analyze_credential_read(&text, &d->credential, &err) != OK)
            rule_out(d, "credential_unusable", err.text, "register the device again: cmg-client register");
    } else {
        no_credential(d);
    }
    enum choice_client method = analyze_kind_method(d->credential.kind);
    const struct client_registration *r = &d->session.c->identity.of[method];
    (void)snprintf(d->credential.guid, sizeof d->credential.guid, "%s", r->guid);
    d->config.pending = r->pending;
}

/* What the management point said when the device registered with its bulk token: the analyzer registers nobody, and
 * would not hear it again. */
static void take_refusal(struct device *d)
{
    json_t *state = client_state_load(d->session.c->dir);
    const json_t *failure = json_object_get(state, "last_failure");
    struct finding *f = &d->refused;
    const char *code = json_opt_str(failure, "code", "");
    if (strncmp(code, "MP_", 3) == 0) {
        (void)snprintf(f->cause, sizeof f->cause, "%s", json_opt_str(failure, "reason", code));
        (void)snprintf(f->found, sizeof f->found, "the registration was refused: %.500s",
                       json_opt_str(failure, "detail", code));
        (void)snprintf(f->remedy, sizeof f->remedy, "%s", json_opt_str(failure, "remedy", ""));
        d->config.refused_cause = f->cause;
        d->config.refused_found = f->found;
        d->config.refused_remedy = f->remedy;
    }
    json_decref(state);
}

static enum result take_gateway(struct device *d, const char *gateway, struct error *err)
{
    const struct client_session *s = &d->session;
    const char *role = client_setting(&s->c->settings, SETTING_ROLE_ID);
    struct analyze_gateway *g = &d->config.gateway;
    if (gateway) {
        enum result r = analyze_gateway_parse(slice_of(gateway), g, err);
        if (r != OK)
            return error_prefix(err, "%.200s", gateway);
    } else if (s->way.gateways.count) {
        const struct client_fqdn *f = client_gateways_foremost(s->c->dir, &s->way.gateways);
        (void)snprintf(g->host, sizeof g->host, "%s", f->host);
        (void)snprintf(g->role, sizeof g->role, "%s", f->role);
        g->port = f->port;
    }
    if (role)
        (void)snprintf(g->role, sizeof g->role, "%s", role);
    return OK;
}

/* All would seem well here, and nothing that the device is given could be kept. */
static bool can_write(struct device *d)
{
    struct error err;
    return client_state_writable(d->session.c->dir, &err) == OK || client_session_fail_state(&d->session, &err);
}

static enum result prepare_analysis(struct client *c, const char *gateway, struct device *d, struct error *err)
{
    bool ready = client_session_begin(c, &d->session) && client_gateways_ready(&d->session) && can_write(d);
    const struct web_outcome *o = &d->session.outcome;
    d->config.own_device = true;
    d->config.credential = &d->credential;
    if (ready)
        take_credential(d);
    else
        rule_out(d, o->reason, o->detail, o->remedy);
    take_refusal(d);
    d->config.anchors_pem = d->session.anchors;
    d->config.anchors_from = client_setting(&c->settings, SETTING_GATEWAY_CA);
    d->config.has_pin = ready;
    memcpy(d->config.pin, d->session.pin, sizeof d->config.pin);
    return take_gateway(d, gateway, err);
}

static bool run_analysis(const struct device *d, bool json)
{
    struct analyze_report report;
    struct analyze_proof proof;
    struct analyze_print print;
    struct analyze_watch watch = {NULL, NULL, NULL};
    if (!json) {
        analyze_print_begin(&print, stdout, &d->config);
        watch = analyze_print_watch(&print);
    }
    analyze_run(&d->config, &watch, &report, &proof);
    if (json) {
        json_t *o = analyze_json(&d->config, &report, &proof);
        client_report_json(o, stdout);
        json_decref(o);
    } else {
        analyze_print_end(&print, &d->config, &report, &proof);
    }
    bool ok = analyze_report_fault(&report) == NULL;
    analyze_report_free(&report);
    return ok;
}

enum result client_analyze(struct client *c, const struct client_analysis *how, bool *ret_ok, struct error *err)
{
    struct device d = {.config = {.timeout_ms = how->timeout_ms}};
    enum result r = prepare_analysis(c, how->gateway, &d, err);
    if (r == OK)
        *ret_ok = run_analysis(&d, how->json);
    analyze_credential_free(&d.credential);
    client_session_end(&d.session);
    return r;
}
