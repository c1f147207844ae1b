/* SPDX-License-Identifier: Apache-2.0 */
/* The result of register, policy and run, as JSON and as text; of a session it only reads. */
#include "client/report.h"

#include <stdlib.h>

#include "client/deploy/deploy.h"

/* Of an answer whose sender knew none. */
#define NO_REMEDY                                                                                                      \
    "see the device's CcmMessaging.log, and the logs of cmg-gateway, cmg-connector and cmg-mp by the request's id"

static json_t *text_or_null(const char *text)
{
    return text && *text ? json_string(text) : json_null();
}

static json_t *management_point(const struct client_session *s)
{
    char authority[CLIENT_AUTHORITY_SIZE] = "";
    if (!*s->choice.role.id)
        return json_null();
    if (s->way.mp)
        client_fqdn_authority(&s->way.mp->at, authority);
    return json_pack("{s:s, s:s, s:s*}", "id", s->choice.role.id, "mode", choices_mp_name(s->choice.role.mode),
                     "address", s->way.mp ? authority : NULL);
}

static json_t *passed_over(const struct client_session *s)
{
    json_t *list = json_array();
    for (size_t i = 0; i < CHOICE_CLIENTS; i++) {
        if (!*s->choice.why_not[i])
            continue;
        json_t *o =
            json_pack("{s:s, s:s}", "method", choices_client_name((enum choice_client)i), "why", s->choice.why_not[i]);
        if (!o || json_array_append_new(list, o) != 0)
            fatal("a report can't be made");
    }
    return list;
}

static json_t *policies_json(const json_t *in_force)
{
    json_t *list = json_array(), *p;
    size_t i;
    json_array_foreach(in_force, i, p) {
        const json_t *version = json_object_get(p, "version");
        json_t *o = json_pack("{s:s, s:O, s:s}", "name", json_opt_str(p, "name", ""), "version",
                              version ? version : json_null(), "sha256", json_opt_str(p, "sha256", ""));
        if (!o || json_array_append_new(list, o) != 0)
            fatal("a report can't be made");
    }
    return list;
}

static json_t *gateway_json(const struct client_session *s)
{
    char authority[CLIENT_AUTHORITY_SIZE];
    if (!s->way.gateway || s->way.mp)
        return json_null();
    client_fqdn_authority(s->way.gateway, authority);
    return json_string(authority);
}

json_t *client_report(const struct client_session *s, bool ok)
{
    const struct web_outcome *o = &s->outcome;
    const struct client_policies *in_force = &s->policies[s->scenario];
    const struct client_registration *r = s->choice.found ? &s->c->identity.of[s->choice.method] : NULL;
    bool registered = r && *r->guid;
    static const struct web_outcome fine;
    if (ok)
        o = &fine;
    json_t *ret = json_pack(
        "{s:b, s:o, s:s, s:o, s:o, s:o, s:s, s:o, s:o, s:o, s:o, s:o, s:o, s:i, s:o, s:o, s:b, s:s, s:o}", "ok",
        (int)ok, "device", text_or_null(registered ? r->guid : NULL), "name", s->name, "method",
        s->choice.found || s->shown ? json_string(choices_client_name(s->choice.method)) : json_null(),
        "management_point", management_point(s), "gateway", gateway_json(s), "network",
        client_network_name(s->way.network), "approval",
        registered ? json_string(r->pending ? "pending" : "approved") : json_null(), "code", text_or_null(o->code),
        "reason", text_or_null(o->reason), "detail", text_or_null(o->detail), "remedy",
        text_or_null(ok || *o->remedy ? o->remedy : NO_REMEDY), "request_id", text_or_null(o->request_id), "status",
        (int)o->status, "passed_over", passed_over(s), "policies", policies_json(in_force->list), "changed",
        (int)in_force->changed, "scenario", choices_scenario_name(s->scenario), "user", text_or_null(s->user));
    if (!ret || json_object_set_new(ret, "deployments", client_deploy_outcomes(s->c->dir)) != 0)
        fatal("a report can't be made");
    return ret;
}

void client_report_json(const json_t *report, FILE *out)
{
    char *text = json_text(report);
    (void)fprintf(out, "%s\n", text);
    (void)fflush(out);
    free(text);
}

static const char *text_of(const json_t *o, const char *name)
{
    return json_opt_str(o, name, "");
}

static void text_failure(const json_t *r, FILE *out)
{
    (void)fprintf(out, "%s %s: %s\n", *text_of(r, "code") ? text_of(r, "code") : "Failed:", text_of(r, "reason"),
                  text_of(r, "detail"));
    if (*text_of(r, "remedy"))
        (void)fprintf(out, "What to do: %s\n", text_of(r, "remedy"));
    if (*text_of(r, "request_id"))
        (void)fprintf(out, "Request:    %s\n", text_of(r, "request_id"));
}

static void text_policies(const json_t *r, FILE *out)
{
    json_t *p;
    size_t i;
    if (*text_of(r, "user"))
        (void)fprintf(out, "User %s\n", text_of(r, "user"));
    json_array_foreach(json_object_get(r, "policies"), i, p)
        (void)fprintf(out, "Policy '%s' version %lld\n", text_of(p, "name"), (long long)json_opt_int(p, "version", 0));
}

void client_report_text(const json_t *r, FILE *out)
{
    const json_t *mp = json_object_get(r, "management_point"), *user = json_object_get(r, "user_policy");
    json_t *p;
    size_t i;
    if (!json_opt_bool(r, "ok", false))
        text_failure(r, out);
    if (*text_of(r, "device"))
        (void)fprintf(out, "Device %s '%s', %s\n", text_of(r, "device"), text_of(r, "name"), text_of(r, "approval"));
    if (*text_of(r, "method") && json_is_object(mp))
        (void)fprintf(out, "Method %s at management point %s (%s) %s %s\n", text_of(r, "method"), text_of(mp, "id"),
                      text_of(mp, "mode"), *text_of(mp, "address") ? "directly at" : "through",
                      *text_of(mp, "address") ? text_of(mp, "address") : text_of(r, "gateway"));
    else if (*text_of(r, "method"))
        (void)fprintf(out, "Method %s at gateway %s\n", text_of(r, "method"), text_of(r, "gateway"));
    json_array_foreach(json_object_get(r, "passed_over"), i, p)
        (void)fprintf(out, "  not %s: %s\n", text_of(p, "method"), text_of(p, "why"));
    text_policies(r, out);
    if (json_is_object(json_object_get(r, "inventory")))
        (void)fprintf(out, "Inventory reported: %s, %lld bytes\n",
                      json_opt_bool(json_object_get(r, "inventory"), "whole", false) ? "all of it" : "what changed",
                      (long long)json_opt_int(json_object_get(r, "inventory"), "size", 0));
    if (json_is_object(user) && !json_opt_bool(user, "ok", false))
        text_failure(user, out);
    else if (json_is_object(user))
        text_policies(user, out);
    (void)fflush(out);
}
