/* SPDX-License-Identifier: Apache-2.0 */
/* Where the site is: a management point that can be reached directly, else a gateway; what location data to believe;
 * and what is done when one of them fails. */
#include "client/location/location.h"

#include <stdio.h>
#include <stdlib.h>

#include "base/clock.h"
#include "client/location/choose.h"
#include "client/location/document.h"
#include "client/location/gateways.h"
#include "client/location/health.h"
#include "client/location/inside.h"
#include "client/session/refused.h"
#include "client/state/state.h"

static bool fail_no_method(struct client_session *s)
{
    static const struct client_fault_words not_taken = {
        "no_method",
        "let the management point take this device's method: at the site, name it in client_auth of mp.yaml "
        "and restart cmg-mp (cmg status shows what each takes); or give the device a credential of another "
        "method"};
    struct error err;
    char differ[128];
    if (client_session_fail_cloned(s))
        return false;
    if (client_clock_is_wrong(s, differ, sizeof differ))
        return client_session_fail_clock(s, differ, s->held.pki_fault.text);
    (void)error_set(&err, R_DENIED, "pki: %.160s; entra: %.160s; token: %.120s", s->choice.why_not[CHOICE_PKI],
                    s->choice.why_not[CHOICE_ENTRA], s->choice.why_not[CHOICE_TOKEN]);
    const struct client_fault_words words =
        s->choice.not_taken ? not_taken : client_credential_fault_words(&s->held.pki_fault);
    return client_session_fail(s, words.cause, &err, words.remedy);
}

static void remember_role(struct client_session *s)
{
    struct client_identity *id = &s->c->identity;
    const char *mode = choices_mp_name(s->choice.role.mode);
    if (strcmp(id->role, s->choice.role.id) == 0 && strcmp(id->mode, mode) == 0)
        return;
    (void)snprintf(id->role, sizeof id->role, "%s", s->choice.role.id);
    (void)snprintf(id->mode, sizeof id->mode, "%s", mode);
    struct error err;
    if (client_identity_save(s->c->dir, id, &err) != OK)
        client_logf(&s->c->logs, CLIENT_LOG_REGISTRATION, LOG_WARN, "%s", err.text);
}

/* --- outside --- */

static bool fail_no_gateway(struct client_session *s)
{
    for (enum client_log log = CLIENT_LOG_LOCATION; log <= CLIENT_LOG_MESSAGING; log++) {
        if (log != CLIENT_LOG_REGISTRATION)
            client_logf(&s->c->logs, log, LOG_ERROR,
                        "Failed to send a request to http:///ccm_system/request: 0x87d00231, no_management_point: "
                        "the host is empty since CMGFQDNs is not set");
    }
    web_outcome_local(&s->outcome, "no_management_point",
                      "the device knows no gateway, and so no management point: CMGFQDNs is not set",
                      "cmg-client enroll FILE, or cmg-client set CMGFQDNs=FQDN[:port]");
    return false;
}

static bool fail_disallowed(struct client_session *s)
{
    char why[300];
    struct error err;
    client_inside_why(&s->way.inside, why, sizeof why);
    (void)error_set(&err, R_DENIED, "DisAllowCMG is 1 on this device (set locally)%s%s",
                    *why ? ", and no management point can be reached directly: " : "", why);
    client_logf(&s->c->logs, CLIENT_LOG_LOCATION, LOG_ERROR, "No gateway may be used: %s", err.text);
    return client_session_fail(s, "cmg_disallowed", &err,
                               *why ? "cmg-client set DisAllowCMG=0, or bring the device into the office network"
                                    : "cmg-client set DisAllowCMG=0");
}

bool client_gateways_ready(struct client_session *s)
{
    json_t *kept = client_location_kept(s);
    client_gateways_add(&s->way.gateways, kept);
    json_decref(kept);
    if (client_setting_on(&s->c->settings, SETTING_DISALLOW_CMG))
        return fail_disallowed(s);
    return s->way.gateways.count || fail_no_gateway(s);
}

/* Says so when it was another one in the last run. */
static void enter_network(struct client_session *s, enum client_network network, const char *why)
{
    json_t *state = client_state_load(s->c->dir);
    const char *name = client_network_name(network),
               *before = json_opt_str(json_object_get(state, "last"), "network", name);
    s->way.network = network;
    client_logf(&s->c->logs, CLIENT_LOG_LOCATION, LOG_INFO, "Client is on %s%s%s",
                network == CLIENT_INTRANET ? "Intranet: " : "Internet", network == CLIENT_INTERNET && *why ? ": " : "",
                why);
    if (strcmp(before, name) != 0)
        client_logf(&s->c->logs, CLIENT_LOG_LOCATION, LOG_INFO, "The network has changed: from %s to %s", before, name);
    json_decref(state);
}

static bool ask_outside(struct client_session *s)
{
    enum client_asked asked = client_gateways_ask(s);
    if (asked != CLIENT_ASKED_NOBODY)
        return asked == CLIENT_ASKED;
    if (s->c->identity.of[CHOICE_TOKEN].device_token && (s->location = client_location_kept(s)))
        return true;
    if (!*s->choice.why_not[CHOICE_TOKEN])
        (void)snprintf(s->choice.why_not[CHOICE_TOKEN], sizeof s->choice.why_not[0],
                       "the device token has expired, and the management points are not known");
    client_choice_log(s);
    return fail_no_method(s);
}

static bool settle_choice(struct client_session *s)
{
    remember_role(s);
    return s->choice.found || fail_no_method(s);
}

bool client_locate_outside(struct client_session *s)
{
    char why[300] = "ClientAlwaysOnInternet is 1";
    if (!client_setting_on(&s->c->settings, SETTING_ALWAYS_ON_INTERNET))
        client_inside_why(&s->way.inside, why, sizeof why);
    s->way.mp = NULL;
    json_decref(s->location);
    s->location = NULL;
    s->outcome = (struct web_outcome){.ending = WEB_DONE};
    client_choose_blind(s);
    enter_network(s, CLIENT_INTERNET, why);
    return client_gateways_ready(s) && ask_outside(s) &&
           client_choose(s, s->held.has_pki ? NULL : s->held.pki_fault.text) && settle_choice(s);
}

/* --- inside --- */

static bool choose_inside(struct client_session *s)
{
    struct web_outcome before = s->outcome;
    bool ok = client_choose(s, s->held.has_pki ? NULL : s->held.pki_fault.text);
    if (ok && s->choice.found && !s->choice.against_rules)
        return true;
    client_logf(&s->c->logs, CLIENT_LOG_LOCATION, LOG_WARN, "%s: %s",
                "No management point that can be reached directly serves this device",
                ok ? "none takes a method that it has" : s->outcome.detail);
    s->outcome = before;
    return false;
}

/* Each turn rules out one management point, or ends. */
static bool locate_inside(struct client_session *s)
{
    json_t *kept = client_location_kept(s);
    bool ok = client_inside_collect(s, kept);
    json_decref(kept);
    if (!ok || !client_inside_find(s))
        return false;
    s->way.mp = s->way.inside.items; /* from now on directly; which one is chosen next */
    while (choose_inside(s)) {
        struct client_mp *mp = client_inside_role(s, s->choice.role.id);
        if (mp) {
            char authority[CLIENT_AUTHORITY_SIZE];
            s->way.mp = mp;
            client_fqdn_authority(&mp->at, authority);
            enter_network(s, CLIENT_INTRANET, authority);
            return true;
        }
    }
    s->way.mp = NULL;
    return false;
}

bool client_locate(struct client_session *s)
{
    client_choose_blind(s);
    if (!client_setting_on(&s->c->settings, SETTING_ALWAYS_ON_INTERNET)) {
        if (locate_inside(s))
            return settle_choice(s);
        if (s->outcome.ending != WEB_DONE || web_http_stopped())
            return false;
    }
    return client_locate_outside(s);
}

static bool note_failed(struct client_session *s)
{
    json_t *known = client_state_health(s->c->dir, CLIENT_STATE_MANAGEMENT_POINTS);
    char why[256];
    struct error err;
    (void)snprintf(why, sizeof why, "%.64s: %.180s", s->outcome.reason, s->outcome.detail);
    client_health_note_failed(known, s->choice.role.id, why, clock_wall_s());
    if (client_state_set_health(s->c->dir, CLIENT_STATE_MANAGEMENT_POINTS, known, &err) != OK)
        client_logf(&s->c->logs, CLIENT_LOG_LOCATION, LOG_WARN, "%s: %s",
                    "The failure of a management point could not be noted", err.text);
    json_decref(known);
    if (s->failed.count == CLIENT_FAILED_MAX)
        return false; /* enough for one run */
    cstr_copy(s->failed.roles[s->failed.count++], sizeof s->failed.roles[0], s->choice.role.id);
    return true;
}

bool client_locate_another(struct client_session *s)
{
    struct web_outcome refusal = s->outcome;
    struct client_choice before = s->choice;
    if (note_failed(s) && client_choose(s, s->held.has_pki ? NULL : s->held.pki_fault.text) &&
        !client_role_failed(&s->failed, s->choice.role.id)) {
        remember_role(s);
        return true;
    }
    s->outcome = refusal;
    s->choice = before;
    return false;
}

bool client_locate_next(struct client_session *s)
{
    struct web_outcome refusal = s->outcome;
    if (!client_choose(s, "it was refused: mode_forbids_pki") || !s->choice.found ||
        (s->way.mp && !(s->way.mp = client_inside_role(s, s->choice.role.id)))) {
        s->outcome = refusal;
        return false;
    }
    return true;
}
