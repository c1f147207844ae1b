/* SPDX-License-Identifier: Apache-2.0 */
/* Where the site is: a management point that can be reached directly, else a gateway; what location data to believe;
 * and the choice of management point and method. */
#include <stdio.h>
#include <stdlib.h>

#include "base/clock.h"
#include "client/location/gateways.h"
#include "client/location/health.h"
#include "client/site/resultant.h"
#include "client/state/documents.h"
#include "client/state/state.h"

static void logf_location(const struct client_session *s, enum log_level level, const char *what, const char *detail)
{
    client_logf(&s->c->logs, CLIENT_LOG_LOCATION, level, "%s: %s", what, detail);
}

/* The same for all, so for no key. */
static struct client_reader reader(const struct client_session *s)
{
    return (struct client_reader){s->c->dir, s->pin, "all", NULL};
}

static bool untrusted(struct client_session *s, const char *text, struct error *err)
{
    const struct client_refused r = {
        slice_of(text), DOCUMENT_LOCATION, reader(s), "location_untrusted",
        "compare SiteKey with the pin that `cmg status` shows; if it is right, who answers "
        "is not this site's"};
    (void)error_prefix(err, "the location data could not be taken");
    logf_location(s, LOG_ERROR, "Location refused", err->text);
    return client_session_fail_document(s, &r, err);
}

bool client_location_take(struct client_session *s, const char *text)
{
    struct document d = {0};
    struct error err;
    const struct client_reader who = reader(s);
    enum result r = client_document_accept(&who, slice_of(text), DOCUMENT_LOCATION, clock_wall_s(), &d, &err);
    if (r == R_CONFLICT) {
        logf_location(s, LOG_WARN, "The location data are older than the kept ones, which stay", err.text);
        r = client_document_stored(&who, DOCUMENT_LOCATION, &d, &err);
    }
    if (r != OK)
        return untrusted(s, text, &err);
    json_decref(s->location);
    s->location = json_incref(d.content);
    document_done(&d);
    return true;
}

/* --- the choice --- */

static void log_choice(const struct client_session *s)
{
    const struct client_choice *c = &s->choice;
    const struct client_logs *l = &s->c->logs;
    for (size_t i = 0; i < CHOICE_CLIENTS; i++) {
        if (*c->why_not[i])
            client_logf(l, CLIENT_LOG_REGISTRATION, LOG_INFO, "Method %s passed over: %s",
                        choices_client_name((enum choice_client)i), c->why_not[i]);
    }
    if (c->found)
        client_logf(
            l, CLIENT_LOG_REGISTRATION, c->against_rules ? LOG_WARN : LOG_INFO, "Management point %s (%s), method %s%s",
            c->role.id, choices_mp_name(c->role.mode), choices_client_name(c->method),
            c->against_rules
                ? ", although the rules exclude it there; asking anyway, so that the gateway's refusal names the reason"
                : "");
    else
        client_logf(l, CLIENT_LOG_REGISTRATION, LOG_ERROR, "No method is left%s%s",
                    *c->role.id ? " for management point " : "", c->role.id);
}

/* Inside, a device that has nothing else may ask to be registered; it then waits for approval. */
static bool nobody_may_vouch(const struct client_session *s)
{
    return s->mp && !s->has_pki && !s->entra.usable;
}

/* What the rules are asked about. `no_pki`: why the certificate does not count; NULL: it does. */
static struct choices_device describe(const struct client_session *s, const char *no_pki, const char **lacks)
{
    const struct client_identity *id = &s->c->identity;
    lacks[CHOICE_PKI] = no_pki;
    lacks[CHOICE_ENTRA] = s->entra.usable ? NULL : s->entra.fault;
    lacks[CHOICE_TOKEN] = NULL;
    return (struct choices_device){.join = s->entra.usable ? CHOICE_JOIN_ENTRA : CHOICE_JOIN_NONE,
                                   .has_certificate = no_pki == NULL,
                                   .has_token_way =
                                       id->of[CHOICE_TOKEN].device_token || id->bulk_token || nobody_may_vouch(s),
                                   .client_version = s->version,
                                   .allowed = ~0u};
}

/* Before the management points are known, what can be said of the methods by the credentials alone. */
static void explain_credentials(struct client_session *s)
{
    const char *lacks[CHOICE_CLIENTS];
    struct choices_device d = describe(s, s->has_pki ? NULL : s->pki_fault.text, lacks);
    client_select_blind(&d, lacks, &s->choice);
}

/* allowed_methods of the site count; when they leave nothing, the device asks all the same: the management point's
 * refusal says which setting won, and newer settings can reach it. */
static enum result select_allowed(const struct client_session *s, const struct web_roles *roles, const char *wanted,
                                  struct choices_device *d, const char *const *lacks, struct client_choice *ret,
                                  struct error *err)
{
    struct client_resultant r;
    client_resultant_load(s->c, &r);
    d->allowed = r.methods;
    enum result result = client_select(roles, wanted, d, lacks, ret, err);
    if (result != OK || (ret->found && !ret->against_rules) || d->allowed == ~0u)
        return result;
    d->allowed = ~0u;
    return client_select(roles, wanted, d, lacks, ret, err);
}

static bool failed_in_this_run(const struct client_session *s, const char *role)
{
    for (size_t i = 0; i < s->failed_count; i++) {
        if (strcmp(s->failed[i], role) == 0)
            return true;
    }
    return false;
}

/* The less the better: 0, it did not fail lately; else when it did; INT64_MAX: in this run. */
static int64_t failed_at(const struct client_session *s, const json_t *known, const char *role)
{
    if (failed_in_this_run(s, role))
        return INT64_MAX;
    return client_health_failed(known, role, clock_wall_s())
               ? json_opt_int(json_object_get(known, role), "at", INT64_MAX)
               : 0;
}

/* Those of `all` whose failure is the least but over `floor`; returns it, INT64_MAX: there are none. */
static int64_t next_best(const struct client_session *s, const json_t *known, const struct web_roles *all,
                         int64_t floor, struct web_roles *ret)
{
    int64_t best = INT64_MAX;
    for (size_t i = 0; i < all->count; i++) {
        int64_t at = failed_at(s, known, all->items[i].id);
        best = at > floor && at < best ? at : best;
    }
    ret->count = 0;
    for (size_t i = 0; i < all->count && best != INT64_MAX; i++) {
        if (failed_at(s, known, all->items[i].id) == best)
            ret->items[ret->count++] = all->items[i];
    }
    return best;
}

/* One that failed lately is left to its repair where another takes the same method, and comes back in its turn; when
 * all failed, the one is asked whose failure is the oldest. The method stays: that a server is down must not make a
 * device prove less. */
static void avoid_failed(struct client_session *s, const struct web_roles *roles, struct choices_device *d,
                         const char *const *lacks)
{
    static struct web_roles some; /* large; this program is sequential */
    json_t *known = client_state_health(s->c->dir, CLIENT_STATE_MANAGEMENT_POINTS);
    int64_t at = -1, mine = failed_at(s, known, s->choice.role.id);
    const char *why = client_health_failed(known, s->choice.role.id, clock_wall_s());
    while (mine > 0 && (at = next_best(s, known, roles, at, &some)) < mine) {
        struct client_choice other;
        struct error err;
        if (select_allowed(s, &some, NULL, d, lacks, &other, &err) != OK || !other.found || other.against_rules ||
            other.method != s->choice.method)
            continue;
        client_logf(&s->c->logs, CLIENT_LOG_LOCATION, LOG_WARN,
                    "Management point %s is passed over, it failed lately: %s", s->choice.role.id, why ? why : "");
        s->choice = other;
        break;
    }
    json_decref(known);
}

/* Directly, only those that may be asked directly count. */
static void keep_reachable(const struct client_session *s, struct web_roles *roles)
{
    size_t kept = 0;
    for (size_t i = 0; i < roles->count; i++) {
        bool may = false;
        for (size_t k = 0; k < s->inside.count; k++)
            may = may || (!*s->inside.items[k].why &&
                          slice_eq_nocase(slice_of(s->inside.items[k].at.role), slice_of(roles->items[i].id)));
        if (may)
            roles->items[kept++] = roles->items[i];
    }
    roles->count = kept;
}

static bool choose(struct client_session *s, const char *no_pki)
{
    static struct web_roles roles; /* large; this program is sequential */
    const char *lacks[CHOICE_CLIENTS];
    struct choices_device d = describe(s, no_pki, lacks);
    const char *wanted = client_setting(&s->c->settings, SETTING_ROLE_ID);
    struct error err;
    if (!wanted && s->gateway && *s->gateway->role)
        wanted = s->gateway->role;
    enum result r = web_roles_read(s->location, &roles, &err);
    if (r == OK && s->mp)
        keep_reachable(s, &roles);
    if (r == OK)
        r = select_allowed(s, &roles, wanted, &d, lacks, &s->choice, &err);
    if (r == OK && !wanted && !s->mp && s->choice.found)
        avoid_failed(s, &roles, &d, lacks);
    if (r != OK)
        return client_session_fail(s, "no_management_point", &err, "set RoleId to one of those, or unset it");
    log_choice(s);
    return true;
}

static bool no_method(struct client_session *s)
{
    struct error err;
    char differ[128];
    if (client_session_fail_cloned(s))
        return false;
    if (client_clock_is_wrong(s, differ, sizeof differ))
        return client_session_fail_clock(s, differ, s->pki_fault.text);
    (void)error_set(&err, R_DENIED, "pki: %.160s; entra: %.160s; token: %.120s", s->choice.why_not[CHOICE_PKI],
                    s->choice.why_not[CHOICE_ENTRA], s->choice.why_not[CHOICE_TOKEN]);
    const struct client_fault_words words = client_credential_fault_words(&s->pki_fault);
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

/* The kept location data, also past their end, since they are hints alone and each answer is judged by itself: more
 * gateways to try, and the way to CCM_STS of a device whose token has expired. */
static json_t *kept_location(const struct client_session *s)
{
    struct document d = {0};
    const struct client_reader who = reader(s);
    if (client_document_stored(&who, DOCUMENT_LOCATION, &d, NULL) != OK)
        return NULL;
    json_t *content = json_incref(d.content);
    document_done(&d);
    return content;
}

/* --- outside --- */

static bool no_gateway(struct client_session *s)
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

static bool disallowed(struct client_session *s)
{
    char why[300];
    struct error err;
    client_inside_why(&s->inside, why, sizeof why);
    (void)error_set(&err, R_DENIED, "DisAllowCMG is 1 on this device (set locally)%s%s",
                    *why ? ", and no management point can be reached directly: " : "", why);
    client_logf(&s->c->logs, CLIENT_LOG_LOCATION, LOG_ERROR, "No gateway may be used: %s", err.text);
    return client_session_fail(s, "cmg_disallowed", &err,
                               *why ? "cmg-client set DisAllowCMG=0, or bring the device into the office network"
                                    : "cmg-client set DisAllowCMG=0");
}

bool client_gateways_ready(struct client_session *s)
{
    json_t *kept = kept_location(s);
    client_gateways_add(&s->gateways, kept);
    json_decref(kept);
    if (client_setting_on(&s->c->settings, SETTING_DISALLOW_CMG))
        return disallowed(s);
    return s->gateways.count || no_gateway(s);
}

/* Says so when it was another one in the last run. */
static void enter(struct client_session *s, enum client_network network, const char *why)
{
    json_t *state = client_state_load(s->c->dir);
    const char *name = client_network_name(network),
               *before = json_opt_str(json_object_get(state, "last"), "network", name);
    s->network = network;
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
    if (s->c->identity.of[CHOICE_TOKEN].device_token && (s->location = kept_location(s)))
        return true;
    if (!*s->choice.why_not[CHOICE_TOKEN])
        (void)snprintf(s->choice.why_not[CHOICE_TOKEN], sizeof s->choice.why_not[0],
                       "the device token has expired, and the management points are not known");
    log_choice(s);
    return no_method(s);
}

static bool settle(struct client_session *s)
{
    remember_role(s);
    return s->choice.found || no_method(s);
}

bool client_locate_outside(struct client_session *s)
{
    char why[300] = "ClientAlwaysOnInternet is 1";
    if (!client_setting_on(&s->c->settings, SETTING_ALWAYS_ON_INTERNET))
        client_inside_why(&s->inside, why, sizeof why);
    s->mp = NULL;
    json_decref(s->location);
    s->location = NULL;
    s->outcome = (struct web_outcome){.ending = WEB_DONE};
    explain_credentials(s);
    enter(s, CLIENT_INTERNET, why);
    return client_gateways_ready(s) && ask_outside(s) && choose(s, s->has_pki ? NULL : s->pki_fault.text) && settle(s);
}

/* --- inside --- */

static bool choose_inside(struct client_session *s)
{
    struct web_outcome before = s->outcome;
    bool ok = choose(s, s->has_pki ? NULL : s->pki_fault.text);
    if (ok && s->choice.found && !s->choice.against_rules)
        return true;
    logf_location(s, LOG_WARN, "No management point that can be reached directly serves this device",
                  ok ? "none takes a method that it has" : s->outcome.detail);
    s->outcome = before;
    return false;
}

/* Each turn rules out one management point, or ends. */
static bool locate_inside(struct client_session *s)
{
    json_t *kept = kept_location(s);
    bool ok = client_inside_collect(s, kept);
    json_decref(kept);
    if (!ok || !client_inside_find(s))
        return false;
    s->mp = s->inside.items; /* from now on directly; which one is chosen next */
    while (choose_inside(s)) {
        struct client_mp *mp = client_inside_role(s, s->choice.role.id);
        if (mp) {
            char authority[CLIENT_AUTHORITY_SIZE];
            s->mp = mp;
            client_fqdn_authority(&mp->at, authority);
            enter(s, CLIENT_INTRANET, authority);
            return true;
        }
    }
    s->mp = NULL;
    return false;
}

bool client_locate(struct client_session *s)
{
    explain_credentials(s);
    if (!client_setting_on(&s->c->settings, SETTING_ALWAYS_ON_INTERNET)) {
        if (locate_inside(s))
            return settle(s);
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
        logf_location(s, LOG_WARN, "The failure of a management point could not be noted", err.text);
    json_decref(known);
    if (s->failed_count == ARRAY_LEN(s->failed))
        return false; /* enough for one run */
    cstr_copy(s->failed[s->failed_count++], sizeof s->failed[0], s->choice.role.id);
    return true;
}

bool client_locate_another(struct client_session *s)
{
    struct web_outcome refusal = s->outcome;
    struct client_choice before = s->choice;
    if (note_failed(s) && choose(s, s->has_pki ? NULL : s->pki_fault.text) &&
        !failed_in_this_run(s, s->choice.role.id)) {
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
    if (!choose(s, "it was refused: mode_forbids_pki") || !s->choice.found ||
        (s->mp && !(s->mp = client_inside_role(s, s->choice.role.id)))) {
        s->outcome = refusal;
        return false;
    }
    return true;
}
