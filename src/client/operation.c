/* SPDX-License-Identifier: Apache-2.0 */
/* The order of the steps of an operation, and after which failures another way is tried: another management point,
 * another gateway, the key registered anew, the next method. What a step does is not said here. */
#include "client/operation.h"

#include <stdio.h>
#include <stdlib.h>

#include "base/clock.h"
#include "base/host/line.h"
#include "client/apart.h"
#include "client/credential/user.h"
#include "client/deploy/deploy.h"
#include "client/inventory/report.h"
#include "client/inventory/tell.h"
#include "client/location/gateways.h"
#include "client/location/location.h"
#include "client/report.h"
#include "client/site/policy.h"
#include "client/site/registration.h"
#include "client/site/settings.h"
#include "client/state/state.h"
#include "facts/facts.h"
#include "jose/token.h"
#include "web/signed.h"

static const char *const names[] = {
    [CLIENT_REGISTER] = "register", [CLIENT_POLICY] = "policy",       [CLIENT_USER_POLICY] = "user-policy",
    [CLIENT_RUN] = "run",           [CLIENT_INVENTORY] = "inventory", [CLIENT_INVENTORY_FULL] = "inventory"};

/* The site forgot this device (removed, or restored from a backup): its key is registered anew, once. */
static bool is_forgotten(const struct web_outcome *o)
{
    return o->ending == WEB_REFUSED && strncmp(o->code, "MP_", 3) == 0 && (strcmp(o->reason, "not_registered") == 0);
}

/* A device that waits for approval is told so by client_policy, without a request. */
static bool fetch_settings_and_policy(struct client_session *s)
{
    if (!client_session_registration(s)->pending && !client_settings_fetch(s))
        return false;
    return client_policy(s, s->scenario);
}

static bool with_method(struct client_session *s, enum client_operation what)
{
    if (!client_register(s, what == CLIENT_REGISTER))
        return false;
    if (what == CLIENT_REGISTER)
        return true;
    if (fetch_settings_and_policy(s))
        return true;
    if (s->choice.method == CHOICE_TOKEN) {
        s->tokens_refused = client_token_is_refused(&s->outcome) && s->c->identity.bulk_token;
        return s->tokens_refused && client_register(s, true) && fetch_settings_and_policy(s);
    }
    if (!is_forgotten(&s->outcome))
        return false;
    return client_register(s, true) && fetch_settings_and_policy(s);
}

/* The way inside is good, the server at its end does not answer. */
static bool management_point_is_down(const struct client_session *s)
{
    const struct web_outcome *o = &s->outcome;
    return !s->way.mp && o->ending == WEB_REFUSED && o->status >= 502 && o->status <= 504 &&
           strncmp(o->code, "CMGConnector_", 13) == 0 && !web_http_stopped();
}

/* Each is asked once at most. */
static bool with_management_points(struct client_session *s, enum client_operation what)
{
    bool ok = with_method(s, what);
    while (!ok && management_point_is_down(s) && client_locate_another(s))
        ok = with_method(s, what);
    return ok;
}

/* The management point went away between two requests: the gateways are asked before the run is given up. */
static bool went_away(const struct client_session *s)
{
    return s->way.mp && s->outcome.ending == WEB_UNREACHABLE && !web_http_stopped();
}

/* A gateway answers for itself where the management points are; that it has no way to them shows only then. */
static bool has_no_way_inside(const struct client_session *s)
{
    const struct web_outcome *o = &s->outcome;
    bool gateway = o->ending == WEB_REFUSED && o->status == 503 && strncmp(o->code, "CMGService_", 11) == 0;
    return !s->way.mp && s->way.gateway && (gateway || o->ending == WEB_UNREACHABLE) && !web_http_stopped();
}

/* Each gateway once at most: the one that failed is asked last from now on. */
static bool with_another_gateway(struct client_session *s, enum client_operation what)
{
    for (size_t tries = s->way.gateways.count; tries > 1 && has_no_way_inside(s); tries--) {
        struct web_outcome before = s->outcome;
        client_gateway_failed(s);
        if (!client_locate_outside(s)) {
            s->outcome = s->outcome.ending == WEB_UNREACHABLE ? before : s->outcome;
            return false;
        }
        if (with_management_points(s, what))
            return true;
    }
    return false;
}

static bool run_steps(struct client_session *s, enum client_operation what)
{
    if (!client_locate(s))
        return false;
    if (with_management_points(s, what))
        return true;
    if (went_away(s))
        return client_locate_outside(s) && (with_management_points(s, what) || with_another_gateway(s, what));
    if (with_another_gateway(s, what))
        return true;
    /* PROTOCOL 4: only mode_forbids_pki moves on; revoked and blocked are final */
    return web_outcome_forbids_method(&s->outcome) && s->choice.method == CHOICE_PKI && client_locate_next(s) &&
           with_method(s, what);
}

/* `run` also fetches the signed-in user's policy. That it fails is told, but the device's own policy is in force. */
static json_t *user_part(struct client_session *s)
{
    struct client_user u;
    struct error err;
    bool signed_in = client_user_load(s->c->dir, &u, &err) == OK && u.token;
    client_user_free(&u);
    if (!signed_in)
        return NULL;
    struct web_outcome before = s->outcome;
    s->scenario = CHOICE_USER;
    bool ok = client_policy(s, CHOICE_USER);
    json_t *ret = client_report(s, ok);
    s->scenario = CHOICE_DEVICE;
    s->outcome = before;
    return ret;
}

/* What the device has to tell goes last, and that it can't be told fails nothing: it waits. So it does while the device
 * waits itself, or where no way leads to the site. */
static void tell_site(struct client_session *s, bool ok)
{
    struct web_outcome before = s->outcome;
    if (!ok && strcmp(s->outcome.reason, "policy_handler") != 0)
        return;
    if (!client_tell(s))
        client_logf(&s->c->logs, CLIENT_LOG_MESSAGING, LOG_WARN,
                    "The site is not told what became of its policies: %s: %s", s->outcome.reason, s->outcome.detail);
    s->outcome = before;
}

static bool is_inventory(enum client_operation what)
{
    return what == CLIENT_INVENTORY || what == CLIENT_INVENTORY_FULL;
}

/* What the device is: when it is due, which then fails nothing, or as the operation itself. */
static bool report_facts(struct client_session *s, enum client_operation what, struct client_reported *ret)
{
    struct web_outcome before = s->outcome;
    *ret = (struct client_reported){.sent = false};
    if (!is_inventory(what) && !(what == CLIENT_RUN && client_report_is_due(s->c, clock_wall_s())))
        return true;
    if (client_report_send(s, what == CLIENT_INVENTORY_FULL, ret)) {
        client_logf(&s->c->logs, CLIENT_LOG_MESSAGING, LOG_INFO, "The site has this device's inventory: %s, %lld bytes",
                    ret->whole ? "all of it" : "what changed", (long long)ret->size);
        return true;
    }
    *ret = (struct client_reported){.sent = false};
    client_logf(&s->c->logs, CLIENT_LOG_MESSAGING, LOG_WARN, "The site does not have this device's inventory: %s: %s",
                s->outcome.reason, s->outcome.detail);
    if (is_inventory(what))
        return false;
    s->outcome = before;
    return true;
}

static json_t *reported_json(const struct client_reported *r)
{
    return json_pack("{s:b, s:I, s:I}", "whole", (int)r->whole, "size", (json_int_t)r->size, "taken",
                     (json_int_t)r->taken);
}

bool client_operate_on(struct client *c, struct client_session *s, enum client_operation what, json_t **ret_report)
{
    struct client_reported reported = {.sent = false};
    struct error err;
    bool ok = client_session_begin(c, s);
    s->scenario = what == CLIENT_USER_POLICY ? CHOICE_USER : CHOICE_DEVICE;
    ok = ok && run_steps(s, what);
    json_t *user = ok && what == CLIENT_RUN ? user_part(s) : NULL;
    if (ok && (what == CLIENT_RUN || what == CLIENT_POLICY))
        client_deploy(s);
    if (what != CLIENT_REGISTER)
        tell_site(s, ok);
    ok = ok && report_facts(s, what, &reported);
    *ret_report = client_report(s, ok);
    if (user && json_object_set_new(*ret_report, "user_policy", user) != 0)
        fatal("a report can't be made");
    if (reported.sent && json_object_set_new(*ret_report, "inventory", reported_json(&reported)) != 0)
        fatal("a report can't be made");
    if (client_state_record(c->dir, names[what], *ret_report, &err) != OK)
        client_logf(&c->logs, CLIENT_LOG_MESSAGING, LOG_WARN, "%s", err.text);
    return ok;
}

bool client_operate(struct client *c, enum client_operation what, json_t **ret_report)
{
    struct client_session s;
    bool ok = client_operate_on(c, &s, what, ret_report);
    client_session_end(&s);
    return ok;
}

enum result client_inventory_show(struct client *c, struct error *err)
{
    char *text;
    json_t *facts;
    enum result r = client_apart_facts(c->dir, &c->settings, &text, err);
    if (r == OK)
        r = json_parse(slice_of(text), FACTS_MAX, &facts, err);
    free(text);
    if (r != OK)
        return r;
    (void)json_dumpf(facts, stdout, JSON_INDENT(2));
    (void)puts("");
    json_decref(facts);
    return OK;
}

enum result client_bulk_take(struct client *c, struct slice text, struct error *err)
{
    struct slice pin, jwt;
    struct error odd;
    bool is_token = line_token(text, &text, &odd) == OK;
    if (!is_token || !token_bulk_split(text, &pin, &jwt) || !web_token_valid(jwt))
        return error_set(err, R_INVALID,
                         "this is no bulk registration token (cmg1.<site key>.<token>, of `cmg token new`)%s%.200s",
                         is_token ? "" : ": ", is_token ? "" : odd.text);
    const char *held = client_setting(&c->settings, SETTING_SITE_KEY);
    if (held && !slice_eq_nocase(slice_of(held), pin))
        return error_set(err, R_DENIED,
                         "the token is of another site: its key is %.16s…, SiteKey is %.16s…; take a token of the "
                         "device's own site, or, if SiteKey is wrong, cmg-client set SiteKey=PIN with the pin of `cmg "
                         "status`",
                         pin.ptr, held);
    enum result r = held ? OK : client_settings_set(&c->settings, SLICE("SiteKey"), pin, err);
    if (r == OK && !held)
        r = client_settings_save(c->dir, &c->settings, err);
    if (r != OK)
        return r;
    char *copy = slice_dup(jwt);
    client_secret_set(&c->identity.bulk_token, copy);
    client_secret_set(&copy, NULL);
    return client_identity_save(c->dir, &c->identity, err);
}
