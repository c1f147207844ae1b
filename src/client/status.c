/* SPDX-License-Identifier: Apache-2.0 */
/* cmg-client status: from the state folder alone, without a request. */
#include <stdlib.h>

#include "base/clock.h"
#include "base/text/progress.h"
#include "client/credential/user.h"
#include "client/deploy/deploy.h"
#include "client/location/gateways.h"
#include "client/location/health.h"
#include "client/report.h"
#include "client/site/policy.h"
#include "client/state/documents.h"
#include "client/state/resultant.h"
#include "client/state/state.h"

static void put_member(json_t *o, const char *name, json_t *value)
{
    if (!value || json_object_set_new(o, name, value) != 0)
        fatal("the status can't be made");
}

static void put_text(json_t *o, const char *name, const char *value)
{
    put_member(o, name, value && *value ? json_string(value) : json_null());
}

static json_t *token_json(const char *kind, const char *text, int64_t expires, int64_t renew, int64_t now)
{
    json_t *o = json_object();
    put_text(o, "kind", kind);
    put_member(o, "expires", text ? json_integer(expires) : json_null());
    put_member(o, "renew", renew ? json_integer(renew) : json_null());
    put_text(o, "state", expires <= now ? "expired" : renew && renew <= now ? "due for renewal" : "valid");
    return o;
}

static json_t *tokens_json(const struct client_identity *id, int64_t now)
{
    const struct client_registration *r = &id->of[id->method];
    json_t *list = json_array();
    if (id->any && r->device_token &&
        json_array_append_new(list, token_json("device", r->device_token, r->device_expires, r->device_renew, now)) !=
            0)
        fatal("the status can't be made");
    if (id->any && r->access_token &&
        json_array_append_new(list, token_json("access", r->access_token, r->access_expires, 0, now)) != 0)
        fatal("the status can't be made");
    return list;
}

static void put_user(json_t *o, const struct client *c)
{
    struct client_user u;
    bool signed_in = client_user_load(c->dir, &u, NULL) == OK && u.token;
    put_text(o, "user", signed_in ? u.name : NULL);
    client_user_free(&u);
}

static void put_policy(json_t *o, const struct client *c)
{
    unsigned char pin[PKI_SHA256];
    size_t len;
    int64_t sequence = 0;
    const char *key = client_setting(&c->settings, SETTING_SITE_KEY);
    const struct client_registration *as = &c->identity.of[c->identity.method];
    const struct client_reader who = {c->dir, pin, as->guid, as->key_id};
    json_t *content = NULL;
    if (key && c->identity.any && decode_hex(slice_of(key), pin, sizeof pin, &len))
        content = client_policy_stored(&who, &sequence);
    put_member(o, "policy_sequence", content ? json_integer(sequence) : json_null());
    json_t *list = json_object_get(content, "policies");
    put_member(o, "policies", list ? json_incref(list) : json_array());
    json_decref(content);
}

/* What the device really has, and from whom: by hand, by the site's settings, or built in. */
static void put_resultant(json_t *o, const struct client *c)
{
    struct client_resultant r;
    client_resultant_load(c, &r);
    struct client_disallow d = client_disallow_cmg(c, &r);
    bool local = strcmp(d.by, "local") == 0;
    const char *setting = local     ? d.on ? "DisAllowCMG=1, set by hand" : "DisAllowCMG=0, set by hand"
                          : r.known ? r.allow_by
                                    : NULL;
    put_member(o, "cmg_disallowed", json_boolean(d.on));
    put_member(o, "disallow_cmg", json_pack("{s:b, s:s, s:s?}", "value", (int)d.on, "by", d.by, "setting", setting));
    put_member(o, "client_settings",
               r.known ? json_pack("{s:I, s:I}", "sequence", (json_int_t)r.sequence, "issued", (json_int_t)r.issued)
                       : json_null());
    put_member(o, "policy_interval", json_integer((json_int_t)client_policy_interval(c)));
}

static json_t *told_by_the_site(const struct client *c)
{
    unsigned char pin[PKI_SHA256];
    size_t len;
    const char *key = client_setting(&c->settings, SETTING_SITE_KEY);
    const struct client_reader who = {c->dir, pin, "all", NULL};
    struct document d = {0};
    if (!key || !decode_hex(slice_of(key), pin, sizeof pin, &len) ||
        client_document_stored(&who, DOCUMENT_LOCATION, &d, NULL) != OK)
        return NULL;
    json_t *content = json_incref(d.content);
    document_done(&d);
    return content;
}

/* Those set, and those that the site told of, in the order in which they would be asked now. */
static json_t *gateways_json(const struct client *c, const json_t *state, const char *in_use, int64_t now)
{
    const json_t *known = json_object_get(state, "gateways");
    const char *set = client_setting(&c->settings, SETTING_CMG_FQDNS);
    json_t *list = json_array();
    struct client_fqdns g = {.count = 0};
    if (client_fqdns_parse(slice_of(set ? set : ""), &g, NULL) != OK)
        g.count = 0;
    json_t *told = told_by_the_site(c);
    client_gateways_add(&g, told);
    json_decref(told);
    client_health_sort(known, &g, now);
    for (size_t i = 0; i < g.count; i++) {
        char authority[CLIENT_AUTHORITY_SIZE];
        client_fqdn_authority(&g.items[i], authority);
        const json_t *e = json_object_get(known, authority);
        const char *why = json_opt_str(e, "why", NULL);
        int64_t ms = json_opt_int(e, "ms", -1);
        json_t *item = json_pack("{s:s, s:s, s:o, s:s?}", "gateway", authority, "state",
                                 !e                               ? "not asked yet"
                                 : why                            ? "failed"
                                 : strcmp(authority, in_use) == 0 ? "in use"
                                                                  : "answers",
                                 "ms", ms < 0 ? json_null() : json_integer((json_int_t)ms), "why", why);
        if (!item || json_array_append_new(list, item) != 0)
            fatal("the status can't be made");
    }
    return list;
}

/* Those that failed lately: they are passed over where another one serves the device. */
static json_t *failed_points(const json_t *state, int64_t now)
{
    const json_t *known = json_object_get(state, CLIENT_STATE_MANAGEMENT_POINTS);
    json_t *list = json_array(), *e;
    const char *id;
    json_object_foreach((json_t *)(uintptr_t)known, id, e) {
        const char *why = client_health_failed(known, id, now);
        json_int_t until = (json_int_t)json_opt_int(e, "at", 0) + CLIENT_HEALTH_FAILED_S;
        if (why && json_array_append_new(list, json_pack("{s:s, s:s, s:I}", "id", id, "why", why, "until", until)) != 0)
            fatal("the status can't be made");
    }
    return list;
}

/* What the device waits for, when nothing has failed; NULL: nothing. */
static const char *next_step(const struct client *c, bool registered, bool pending)
{
    const struct client_settings *s = &c->settings;
    if (!client_setting(s, SETTING_SITE_KEY))
        return "cmg-client enroll FILE, with the file that `cmg enrollment` prints at the site; or cmg-client register "
               "--token-file FILE, with a token of `cmg token new`";
    if (!client_setting(s, SETTING_CMG_FQDNS) && !client_setting(s, SETTING_MP_URLS))
        return "cmg-client set CMGFQDNs=FQDN[:port], the gateway's public name";
    if (pending)
        return "wait until the site approves the device: cmg device approve GUID, there";
    return registered ? NULL
                      : "cmg-client run, or cmg-client register; without a PKI certificate and Entra add --token-file "
                        "FILE, with a token of `cmg token new`";
}

json_t *client_status(const struct client *c, int64_t now)
{
    const struct client_identity *id = &c->identity;
    const struct client_registration *r = &id->of[id->method];
    json_t *o = json_object(), *state = client_state_load(c->dir);
    json_t *last = json_object_get(state, "last"), *failure = json_object_get(state, "last_failure");
    put_text(o, "state_dir", c->dir);
    put_text(o, "site", client_setting(&c->settings, SETTING_SITE_CODE));
    put_text(o, "site_key", client_setting(&c->settings, SETTING_SITE_KEY));
    put_text(o, "cmg_fqdns", client_setting(&c->settings, SETTING_CMG_FQDNS));
    put_resultant(o, c);
    put_text(o, "gateway", json_opt_str(last, "gateway", NULL));
    put_text(o, "network", json_opt_str(last, "network", "unknown"));
    put_member(o, "always_on_internet", json_boolean(client_setting_on(&c->settings, SETTING_ALWAYS_ON_INTERNET)));
    put_text(o, "direct", json_opt_str(json_object_get(last, "management_point"), "address", NULL));
    put_member(o, "gateways", gateways_json(c, state, json_opt_str(last, "gateway", ""), now));
    put_member(o, "registered", json_boolean(id->any && *r->guid));
    put_text(o, "device", id->any ? r->guid : NULL);
    put_text(o, "cloned_from", id->cloned_from);
    put_text(o, "approval", !id->any ? NULL : r->pending ? "pending" : "approved");
    put_text(o, "method", id->any ? choices_client_name(id->method) : NULL);
    put_member(o, "management_point",
               *id->role ? json_pack("{s:s, s:s}", "id", id->role, "mode", id->mode) : json_null());
    put_member(o, "failed_management_points", failed_points(state, now));
    json_t *passed = json_object_get(last, "passed_over");
    put_member(o, "passed_over", passed ? json_incref(passed) : json_array());
    put_member(o, "tokens", tokens_json(id, now));
    put_member(o, "bulk_token", json_boolean(id->bulk_token != NULL));
    put_user(o, c);
    put_policy(o, c);
    put_text(o, "next", failure ? NULL : next_step(c, id->any && *r->guid, id->any && r->pending));
    put_member(o, "deployments", client_deploy_outcomes(c->dir));
    put_member(o, "last", last ? json_incref(last) : json_null());
    put_member(o, "last_failure", failure ? json_incref(failure) : json_null());
    json_decref(state);
    return o;
}

/* --- for people --- */

static const char *text_of(const json_t *o, const char *name, const char *none)
{
    return json_opt_str(o, name, none);
}

static void line_time(FILE *out, const char *what, int64_t when)
{
    char text[CLOCK_TEXT_SIZE];
    clock_rfc3339(when, text);
    (void)fprintf(out, "%s %s", what, text);
}

static void text_tokens(const json_t *s, FILE *out)
{
    size_t i;
    json_t *t;
    json_array_foreach(json_object_get(s, "tokens"), i, t) {
        (void)fprintf(out, "  %-16s %s,", i ? "" : "tokens", text_of(t, "kind", ""));
        line_time(out, " expires", json_opt_int(t, "expires", 0));
        if (json_opt_int(t, "renew", 0))
            line_time(out, ", renewed from", json_opt_int(t, "renew", 0));
        (void)fprintf(out, " (%s)\n", text_of(t, "state", ""));
    }
    if (json_opt_bool(s, "bulk_token", false))
        (void)fprintf(out, "  %-16s kept until the device is registered\n", "bulk token");
}

static void text_policies(const json_t *s, FILE *out)
{
    size_t i;
    json_t *p;
    if (json_array_size(json_object_get(s, "policies")) == 0)
        (void)fprintf(out, "  %-16s none yet\n", "policy");
    json_array_foreach(json_object_get(s, "policies"), i, p)
        (void)fprintf(out, "  %-16s '%s' version %lld\n", i ? "" : "policy", text_of(p, "name", ""),
                      (long long)json_opt_int(p, "version", 0));
}

static void text_deployments(const json_t *s, FILE *out)
{
    size_t i;
    json_t *d;
    json_array_foreach(json_object_get(s, "deployments"), i, d) {
        char progress[PROGRESS_SIZE] = "";
        if (strcmp(text_of(d, "state", ""), "fetching") == 0)
            progress_text(&(struct progress){.done = (uint64_t)json_opt_int(d, "bytes", 0),
                                             .size = (uint64_t)json_opt_int(d, "size", 0)},
                          progress);
        (void)fprintf(out, "  %-16s '%s' version %s of policy '%s': %s%s%s%s\n", i ? "" : "content",
                      text_of(d, "content", ""), text_of(d, "content_version", ""), text_of(d, "policy", ""),
                      text_of(d, "state", ""), progress, *text_of(d, "detail", "") ? ": " : "",
                      text_of(d, "detail", ""));
    }
}

static void text_last(const json_t *s, FILE *out)
{
    const json_t *last = json_object_get(s, "last"), *f = json_object_get(s, "last_failure");
    if (json_is_object(last)) {
        (void)fprintf(out, "  %-16s %s,", "last", text_of(last, "operation", ""));
        line_time(out, "", json_opt_int(last, "time", 0));
        (void)fprintf(out, ": %s\n", json_opt_bool(last, "ok", false) ? "ok" : "failed");
    }
    if (*text_of(s, "next", ""))
        (void)fprintf(out, "  %-16s %s\n", "what to do next", text_of(s, "next", ""));
    if (!json_is_object(f))
        return;
    (void)fprintf(out, "  %-16s", "last failure");
    line_time(out, "", json_opt_int(f, "time", 0));
    (void)fprintf(out, ": %s%s%s: %s\n", text_of(f, "code", ""), *text_of(f, "code", "") ? " " : "",
                  text_of(f, "reason", ""), text_of(f, "detail", ""));
    if (*text_of(f, "remedy", ""))
        (void)fprintf(out, "  %-16s %s\n", "what to do", text_of(f, "remedy", ""));
}

static void text_gateways(const json_t *s, FILE *out)
{
    const json_t *list = json_object_get(s, "gateways"), *g;
    size_t i;
    json_array_foreach(list, i, g) {
        (void)fprintf(out, "  %-16s %s: %s", "", text_of(g, "gateway", ""), text_of(g, "state", ""));
        if (json_is_integer(json_object_get(g, "ms")))
            (void)fprintf(out, ", %lld ms", (long long)json_opt_int(g, "ms", 0));
        (void)fprintf(out, "%s%s\n", *text_of(g, "why", "") ? ", " : "", text_of(g, "why", ""));
    }
}

static void text_failed_points(const json_t *s, FILE *out)
{
    size_t i;
    const json_t *p;
    json_array_foreach(json_object_get(s, "failed_management_points"), i, p) {
        (void)fprintf(out, "  %-16s", "");
        line_time(out, " passed over until", json_opt_int(p, "until", 0));
        (void)fprintf(out, ": management point %s, %s\n", text_of(p, "id", ""), text_of(p, "why", ""));
    }
}

static void text_disallow(const json_t *s, FILE *out)
{
    static const struct {
        const char *by;
        bool on;
        const char *text;
    } words[] = {
        {"local", true,
         "no gateway is used, and no settings of the site reach the device through one; cmg-client set DisAllowCMG=0"},
        {"local", false, "until the next resultant setting of the site"},
        {"site", true, "a newer setting arrives with the next request; at the site: cmg settings resultant DEVICE"},
        {"site", false, "the resultant setting"},
        {"default", false, "built in; no settings of the site were fetched yet"},
    };
    const json_t *d = json_object_get(s, "disallow_cmg");
    bool on = json_opt_bool(d, "value", false);
    for (size_t i = 0; i < ARRAY_LEN(words); i++) {
        if (strcmp(words[i].by, text_of(d, "by", "")) == 0 && words[i].on == on)
            (void)fprintf(out, "  %-16s %d (%s%s%s): %s\n", "DisAllowCMG", on, words[i].by,
                          text_of(d, "setting", NULL) ? ": " : "", text_of(d, "setting", ""), words[i].text);
    }
}

static void text_network(const json_t *s, FILE *out)
{
    const char *direct = text_of(s, "direct", NULL);
    (void)fprintf(out, "  %-16s %s%s%s%s\n", "network", text_of(s, "network", ""),
                  direct ? ", the management point directly at " : "", direct ? direct : "",
                  json_opt_bool(s, "always_on_internet", false) ? " (ClientAlwaysOnInternet is 1)" : "");
    (void)fprintf(out, "  %-16s %s (set: %s)\n", "gateway",
                  text_of(s, "gateway", direct ? "not needed inside" : "none used yet"),
                  text_of(s, "cmg_fqdns", "none"));
}

void client_status_text(const json_t *s, FILE *out)
{
    const json_t *mp = json_object_get(s, "management_point");
    size_t i;
    json_t *p;
    (void)fprintf(out, "OpenCMG client " CMG_VERSION ", state in %s\n", text_of(s, "state_dir", ""));
    (void)fprintf(out, "  %-16s %s, key %.16s…\n", "site", text_of(s, "site", "unknown"),
                  text_of(s, "site_key", "not set "));
    text_network(s, out);
    text_gateways(s, out);
    text_disallow(s, out);
    (void)fprintf(out, "  %-16s %s%s%s\n", "device", text_of(s, "device", "not registered"),
                  text_of(s, "approval", NULL) ? ", " : "", text_of(s, "approval", ""));
    if (*text_of(s, "cloned_from", ""))
        (void)fprintf(out,
                      "  %-16s this state came from another machine, where it is %s; this one has a key of its own\n",
                      "", text_of(s, "cloned_from", ""));
    (void)fprintf(out, "  %-16s %s", "method", text_of(s, "method", "none yet"));
    if (json_is_object(mp))
        (void)fprintf(out, " at management point %s (%s)", text_of(mp, "id", ""), text_of(mp, "mode", ""));
    (void)fputc('\n', out);
    text_failed_points(s, out);
    json_array_foreach(json_object_get(s, "passed_over"), i, p)
        (void)fprintf(out, "  %-16s not %s: %s\n", "", text_of(p, "method", ""), text_of(p, "why", ""));
    text_tokens(s, out);
    if (*text_of(s, "user", ""))
        (void)fprintf(out, "  %-16s %s\n", "user", text_of(s, "user", ""));
    text_policies(s, out);
    text_deployments(s, out);
    text_last(s, out);
}
