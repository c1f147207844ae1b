/* SPDX-License-Identifier: Apache-2.0 */
/* The choice of management point and method among those that the location data name, by what the device holds, what the
 * site allows and who failed lately. */
#include "client/location/choose.h"

#include "base/clock.h"
#include "client/location/health.h"
#include "client/session/refused.h"
#include "client/state/resultant.h"
#include "client/state/state.h"
#include "web/roles.h"

void client_choice_log(const struct client_session *s)
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
    return s->way.mp && !s->held.has_pki && !s->held.entra.usable;
}

/* What the rules are asked about. `no_pki`: why the certificate does not count; NULL: it does. */
static struct choices_device describe_device(const struct client_session *s, const char *no_pki, const char **lacks)
{
    const struct client_identity *id = &s->c->identity;
    lacks[CHOICE_PKI] = no_pki;
    lacks[CHOICE_ENTRA] = s->held.entra.usable ? NULL : s->held.entra.fault;
    lacks[CHOICE_TOKEN] = NULL;
    return (struct choices_device){.join = s->held.entra.usable ? CHOICE_JOIN_ENTRA : CHOICE_JOIN_NONE,
                                   .has_certificate = no_pki == NULL,
                                   .has_token_way =
                                       id->of[CHOICE_TOKEN].device_token || id->bulk_token || nobody_may_vouch(s),
                                   .client_version = s->version,
                                   .allowed = ~0u};
}

void client_choose_blind(struct client_session *s)
{
    const char *lacks[CHOICE_CLIENTS];
    struct choices_device d = describe_device(s, s->held.has_pki ? NULL : s->held.pki_fault.text, lacks);
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

bool client_role_failed(const struct client_failed *failed, const char *role)
{
    for (size_t i = 0; i < failed->count; i++) {
        if (strcmp(failed->roles[i], role) == 0)
            return true;
    }
    return false;
}

/* The less the better: 0, it did not fail lately; else when it did; INT64_MAX: in this run. */
static int64_t failed_at(const struct client_failed *failed, const json_t *known, const char *role)
{
    if (client_role_failed(failed, role))
        return INT64_MAX;
    return client_health_failed(known, role, clock_wall_s())
               ? json_opt_int(json_object_get(known, role), "at", INT64_MAX)
               : 0;
}

/* Those of `all` whose failure is the least but over `floor`; returns it, INT64_MAX: there are none. */
static int64_t next_best(const struct client_failed *failed, const json_t *known, const struct web_roles *all,
                         int64_t floor, struct web_roles *ret)
{
    int64_t best = INT64_MAX;
    for (size_t i = 0; i < all->count; i++) {
        int64_t at = failed_at(failed, known, all->items[i].id);
        best = at > floor && at < best ? at : best;
    }
    ret->count = 0;
    for (size_t i = 0; i < all->count && best != INT64_MAX; i++) {
        if (failed_at(failed, known, all->items[i].id) == best)
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
    int64_t at = -1, mine = failed_at(&s->failed, known, s->choice.role.id);
    const char *why = client_health_failed(known, s->choice.role.id, clock_wall_s());
    while (mine > 0 && (at = next_best(&s->failed, known, roles, at, &some)) < mine) {
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
static void keep_reachable(const struct client_inside *in, struct web_roles *roles)
{
    size_t kept = 0;
    for (size_t i = 0; i < roles->count; i++) {
        bool may = false;
        for (size_t k = 0; k < in->count; k++)
            may = may ||
                  (!*in->items[k].why && slice_eq_nocase(slice_of(in->items[k].at.role), slice_of(roles->items[i].id)));
        if (may)
            roles->items[kept++] = roles->items[i];
    }
    roles->count = kept;
}

bool client_choose(struct client_session *s, const char *no_pki)
{
    static struct web_roles roles; /* large; this program is sequential */
    const char *lacks[CHOICE_CLIENTS];
    struct choices_device d = describe_device(s, no_pki, lacks);
    const char *wanted = client_setting(&s->c->settings, SETTING_ROLE_ID);
    struct error err;
    if (!wanted && s->way.gateway && *s->way.gateway->role)
        wanted = s->way.gateway->role;
    enum result r = web_roles_read(s->location, &roles, &err);
    if (r == OK && s->way.mp)
        keep_reachable(&s->way.inside, &roles);
    if (r == OK)
        r = select_allowed(s, &roles, wanted, &d, lacks, &s->choice, &err);
    if (r == OK && !wanted && !s->way.mp && s->choice.found)
        avoid_failed(s, &roles, &d, lacks);
    if (r != OK)
        return client_session_fail(s, "no_management_point", &err, "set RoleId to one of those, or unset it");
    client_choice_log(s);
    return true;
}
