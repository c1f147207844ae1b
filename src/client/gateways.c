/* SPDX-License-Identifier: Apache-2.0 */
/* Asking gateways for the site's location data: which ones, in which order, and with which credential. */
#include "client/gateways.h"

#include <stdio.h>

#include "base/clock.h"
#include "client/entra.h"
#include "client/health.h"
#include "client/state.h"

enum { CLOCK_ALERT_S = 30 };

/* --- gateways: those set, then those that the site told of --- */

static bool has_gateway(const struct client_fqdns *l, const char *host, unsigned port)
{
    for (size_t i = 0; i < l->count; i++) {
        if (l->items[i].port == port && slice_eq_nocase(slice_of(l->items[i].host), slice_of(host)))
            return true;
    }
    return false;
}

void client_gateways_add(struct client_session *s, const json_t *location)
{
    size_t i;
    json_t *o;
    json_array_foreach(json_object_get(location, "gateways"), i, o)
    {
        const char *host = json_opt_str(o, "host", "");
        int64_t port = json_opt_int(o, "port", 443);
        if (s->gateways.count == CLIENT_FQDNS_MAX || !*host || port < 1 || port > 65535 ||
            has_gateway(&s->gateways, host, (unsigned)port))
            continue;
        struct client_fqdn *f = &s->gateways.items[s->gateways.count];
        *f = (struct client_fqdn){.port = (unsigned)port};
        if (slice_to_cstr(slice_of(host), f->host, sizeof f->host))
            s->gateways.count++;
    }
}

/* --- service metadata --- */

static const char *good_until(const char *token, int64_t expires, int64_t now)
{
    return token && expires > now ? token : NULL;
}

/* Tokens of the site that it holds already; entra and token share the device's own key. */
static const char *held_token(const struct client_session *s)
{
    const struct client_identity *id = &s->c->identity;
    int64_t now = clock_wall_s() + s->offset;
    for (enum choice_client m = CHOICE_ENTRA; m <= CHOICE_TOKEN; m++) {
        const char *token = good_until(id->of[m].access_token, id->of[m].access_expires, now);
        if (!token)
            token = good_until(id->of[m].device_token, id->of[m].device_expires, now);
        if (token)
            return token;
    }
    return NULL;
}

enum opening { OPENED_BY_NOTHING, OPENED, OPENING_FAILED };

/* The ways that open ServiceMetadata beside a certificate, in the order of preference. */
static enum opening bearer_credential(struct client_session *s, struct client_call *call)
{
    call->method = CHOICE_TOKEN;
    call->bearer = held_token(s);
    if (!call->bearer && s->entra.usable && !client_entra_token(s, &call->bearer))
        return OPENING_FAILED;
    if (!call->bearer)
        call->bearer = s->c->identity.bulk_token;
    return call->bearer ? OPENED : OPENED_BY_NOTHING;
}

static enum opening metadata_credential(struct client_session *s, struct client_call *call)
{
    call->method = CHOICE_PKI;
    return s->has_pki ? OPENED : bearer_credential(s, call);
}

static void check_clock(const struct client_session *s, const json_t *answer)
{
    int64_t skew = json_opt_int(answer, "time", 0) - clock_wall_s();
    if (skew > CLOCK_ALERT_S || skew < -CLOCK_ALERT_S)
        client_logf(&s->c->logs, CLIENT_LOG_LOCATION, LOG_WARN,
                    "This device's clock differs from the gateway's by %lld s", (long long)skew);
}

static bool take_metadata(struct client_session *s, const struct web_answer *a)
{
    json_t *root = NULL;
    const char *text = NULL;
    struct error err;
    enum result r = json_parse(buf_data(&a->body), WEB_ANSWER_MAX, &root, &err);
    if (r == OK)
        r = json_need_str(root, "signed", &text, &err);
    bool ok;
    if (r != OK) {
        (void)error_prefix(&err, "ServiceMetadata");
        ok = client_session_fail(s, "not_a_gateway", &err, "check what answers at the address in CMGFQDNs");
    } else {
        check_clock(s, root);
        ok = client_location_take(s, text);
    }
    json_decref(root);
    return ok;
}

static bool ask(struct client_session *s, struct client_call *call, long *ret_ms)
{
    struct web_answer answer;
    bool ok = client_session_send(s, call, &answer) && take_metadata(s, &answer);
    *ret_ms = answer.millis;
    web_answer_free(&answer);
    return ok;
}

/* Another gateway may do better than one that can't be reached, or has no connection or no fresh bundle. */
static bool try_next_gateway(const struct web_outcome *o)
{
    return o->ending == WEB_UNREACHABLE || (o->ending == WEB_REFUSED && o->status >= 500);
}

static bool ask_one(struct client_session *s, struct client_call *call, json_t *health)
{
    char authority[CLIENT_AUTHORITY_SIZE], why[256];
    long ms = 0;
    client_fqdn_authority(s->gateway, authority);
    client_logf(&s->c->logs, CLIENT_LOG_LOCATION, LOG_INFO,
                "Asking cloud management gateway"
                ": %s",
                authority);
    bool ok = ask(s, call, &ms), failed = !ok && try_next_gateway(&s->outcome);
    (void)snprintf(why, sizeof why, "%.64s: %.180s", s->outcome.reason, s->outcome.detail);
    if (!web_http_stopped())
        client_health_note(health, s->gateway, ms, failed ? why : NULL, clock_wall_s());
    if (ok)
        client_logf(&s->c->logs, CLIENT_LOG_LOCATION, LOG_INFO,
                    "Current gateway"
                    ": %s",
                    authority);
    return ok;
}

/* The best first, by what earlier requests were like. */
static bool ask_gateways(struct client_session *s, struct client_call *call)
{
    json_t *health = client_state_health(s->c->dir, CLIENT_STATE_GATEWAYS);
    struct error err;
    bool ok = false;
    client_health_sort(health, &s->gateways, clock_wall_s());
    for (size_t i = 0; i < s->gateways.count; i++) {
        s->gateway = &s->gateways.items[i];
        ok = ask_one(s, call, health);
        if (ok || !try_next_gateway(&s->outcome) || web_http_stopped())
            break;
    }
    if (client_state_set_health(s->c->dir, CLIENT_STATE_GATEWAYS, health, &err) != OK)
        client_logf(&s->c->logs, CLIENT_LOG_LOCATION, LOG_WARN, "%s", err.text);
    json_decref(health);
    return ok;
}

void client_gateway_failed(const struct client_session *s)
{
    json_t *health = client_state_health(s->c->dir, CLIENT_STATE_GATEWAYS);
    struct error err;
    char why[256];
    (void)snprintf(why, sizeof why, "%.64s: %.180s", s->outcome.reason, s->outcome.detail);
    client_health_note(health, s->gateway, 0, why, clock_wall_s());
    if (client_state_set_health(s->c->dir, CLIENT_STATE_GATEWAYS, health, &err) != OK)
        client_logf(&s->c->logs, CLIENT_LOG_LOCATION, LOG_WARN, "%s", err.text);
    client_logf(&s->c->logs, CLIENT_LOG_LOCATION, LOG_WARN, "The gateway has no way inside, another one is asked: %s",
                why);
    json_decref(health);
}

/* A certificate that this gateway can't judge well, as of a PKI that the site does not use, says nothing of the other
 * methods yet: which one counts is chosen once the management points are known. A final refusal stays. */
static bool ask_without_certificate(struct client_session *s, struct client_call *call)
{
    struct web_outcome refusal = s->outcome;
    if (call->method != CHOICE_PKI || refusal.ending != WEB_REFUSED || refusal.status != 401 ||
        web_outcome_final(&refusal) || bearer_credential(s, call) != OPENED) {
        s->outcome = refusal;
        return false;
    }
    client_logf(&s->c->logs, CLIENT_LOG_LOCATION, LOG_WARN,
                "The certificate was refused; asking with a token where the management points are: %s", refusal.reason);
    s->outcome = (struct web_outcome){.ending = WEB_DONE};
    if (ask_gateways(s, call))
        return true;
    s->outcome = refusal;
    return false;
}

/* The site removed the device: its tokens are revoked, and a bulk token that it was given since is its way back. */
static bool ask_with_bulk_token(struct client_session *s, struct client_call *call)
{
    const char *bulk = s->c->identity.bulk_token;
    bool revoked = s->outcome.ending == WEB_REFUSED &&
                   strcmp(s->outcome.reason, verdict_reason_info(REASON_TOKEN_REVOKED)->name) == 0;
    if (!revoked || call->method != CHOICE_TOKEN || !bulk || call->bearer == bulk)
        return false;
    client_logf(&s->c->logs, CLIENT_LOG_LOCATION, LOG_WARN,
                "The device's token was revoked; asking with the bulk registration token");
    s->outcome = (struct web_outcome){.ending = WEB_DONE};
    call->bearer = bulk;
    return ask_gateways(s, call);
}

enum client_asked client_gateways_ask(struct client_session *s)
{
    struct client_call call = {.verb = "GET", .target = "/ServiceMetadata"};
    enum opening opening = metadata_credential(s, &call);
    s->gateway = &s->gateways.items[0];
    if (opening != OPENED)
        return opening == OPENING_FAILED ? CLIENT_ASKED_IN_VAIN : CLIENT_ASKED_NOBODY;
    s->shown = true;
    bool ok = ask_gateways(s, &call) || ask_without_certificate(s, &call) || ask_with_bulk_token(s, &call);
    return ok ? CLIENT_ASKED : CLIENT_ASKED_IN_VAIN;
}
