/* SPDX-License-Identifier: Apache-2.0 */
/* The user's sign-in by device code, and its end. */
#include "client/sign_in.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/host/file.h"
#include "base/mem.h"
#include "client/client.h"
#include "client/credential/entra.h"
#include "client/credential/proxy.h"
#include "client/credential/user.h"
#include "client/report.h"
#include "jose/token.h"

enum { SLOWER_S = 5, INTERVAL_MAX_S = 300, PIECE_MS = 100 };

struct sign_in {
    const char *dir;
    bool json;
    struct client_settings settings;
    struct web_http *http;
    struct web_provider provider;
    char *anchors;
    struct web_wanted wanted;
    char scope[512];
    struct web_outcome outcome;
};

/* --- what is asked for --- */

static bool find_wanted(struct sign_in *s)
{
    const struct client_settings *set = &s->settings;
    const char *client = client_setting(set, SETTING_ENTRA_USER_CLIENT_ID);
    s->wanted = (struct web_wanted){.client = client ? client : client_setting(set, SETTING_ENTRA_CLIENT_ID),
                                    .scope = client_setting(set, SETTING_ENTRA_USER_SCOPE),
                                    .resource = client_setting(set, SETTING_ENTRA_RESOURCE)};
    if (!s->wanted.client) {
        web_outcome_local(&s->outcome, "entra_not_set", "neither EntraUserClientId nor EntraClientId is set",
                          "cmg-client set EntraUserClientId=<application id>");
        return false;
    }
    if (!s->wanted.scope && s->wanted.resource)
        s->wanted.scope = "openid profile offline_access";
    if (!s->wanted.scope) {
        (void)snprintf(s->scope, sizeof s->scope, "openid profile offline_access %s/.default", s->wanted.client);
        s->wanted.scope = s->scope;
    }
    return true;
}

/* --- what is shown --- */

static void show_code(const struct sign_in *s, const struct web_device_code *c)
{
    if (!s->json) {
        (void)printf("To sign in, open %s\nin a browser, here or on another device, and enter the code %s\n", c->uri,
                     c->user_code);
        if (*c->uri_complete)
            (void)printf("(or open %s)\n", c->uri_complete);
        (void)printf("The code is good for %lld minutes. Waiting …\n", (long long)((c->expires_in + 59) / 60));
        (void)fflush(stdout);
        return;
    }
    json_t *o = json_pack("{s:s, s:s*, s:s, s:I, s:I}", "verification_uri", c->uri, "verification_uri_complete",
                          *c->uri_complete ? c->uri_complete : NULL, "user_code", c->user_code, "expires_in",
                          (json_int_t)c->expires_in, "interval", (json_int_t)c->interval);
    if (!o)
        fatal("the code can't be put into JSON");
    client_report_json(o, stdout);
    json_decref(o);
}

static bool show_end(const struct sign_in *s, bool ok, const struct client_user *u)
{
    json_t *o = json_pack("{s:b, s:s*, s:s*, s:s*, s:s*}", "ok", (int)ok, "user", ok ? u->name : NULL, "reason",
                          ok ? NULL : s->outcome.reason, "detail", ok ? NULL : s->outcome.detail, "remedy",
                          ok ? NULL : s->outcome.remedy);
    if (!o)
        fatal("the sign-in's report can't be made");
    if (s->json)
        client_report_json(o, stdout);
    else if (ok)
        (void)printf("Signed in%s%s\n", *u->name ? " as " : "", u->name);
    else
        (void)fprintf(stderr, "Not signed in: %s: %s\nWhat to do: %s\n", s->outcome.reason, s->outcome.detail,
                      s->outcome.remedy);
    json_decref(o);
    return ok;
}

/* --- waiting --- */

/* false: stopped by a signal. */
static bool wait_a_while(int64_t seconds)
{
    uint64_t until = clock_mono_ms() + (uint64_t)seconds * 1000;
    while (!web_http_stopped() && clock_mono_ms() < until)
        (void)nanosleep(&(struct timespec){.tv_nsec = PIECE_MS * 1000 * 1000}, NULL);
    return !web_http_stopped();
}

static bool end_sign_in(struct sign_in *s, const char *reason, const char *detail)
{
    web_outcome_local(&s->outcome, reason, detail, "cmg-client sign-in");
    return false;
}

static bool wait_for_user(struct sign_in *s, const struct web_device_code *c, struct web_grant *ret)
{
    uint64_t until = clock_mono_ms() + (uint64_t)c->expires_in * 1000;
    int64_t interval = c->interval;
    for (;;) {
        if (!wait_a_while(interval))
            return end_sign_in(s, "stopped", "stopped by a signal before the user had signed in");
        if (clock_mono_ms() >= until)
            return end_sign_in(s, "entra_expired_token", "nobody signed in while the code was good");
        switch (web_provider_poll(&s->provider, &s->wanted, c, ret, &s->outcome)) {
        case WEB_POLL_GRANTED:
            return true;
        case WEB_POLL_SLOWER: /* RFC 8628 3.5 */
            interval = interval + SLOWER_S < INTERVAL_MAX_S ? interval + SLOWER_S : INTERVAL_MAX_S;
            break;
        case WEB_POLL_AGAIN:
            break;
        case WEB_POLL_ENDED:
            return false;
        }
    }
}

/* --- keeping --- */

/* Who that is, by the token's own words: shown to people, and nothing is decided by it. */
static void find_name(const char *token, char *ret, size_t size)
{
    static const char *const claims[] = {"upn", "preferred_username", "unique_name", "email", "sub"};
    json_t *header = NULL, *payload = NULL;
    *ret = '\0';
    if (jose_peek(slice_of(token), JOSE_TOKEN_MAX, &header, &payload, NULL) != OK)
        return;
    for (size_t i = 0; i < ARRAY_LEN(claims) && !*ret; i++)
        web_text_clean(slice_of(json_opt_str(payload, claims[i], "")), ret, size);
    json_decref(header);
    json_decref(payload);
}

static bool keep_token(struct sign_in *s, const struct web_grant *g, struct client_user *ret)
{
    struct client c;
    struct error err;
    *ret = (struct client_user){.expires = clock_wall_s() + g->lifetime};
    find_name(g->token, ret->name, sizeof ret->name);
    client_secret_set(&ret->token, g->token);
    client_secret_set(&ret->refresh, g->refresh);
    enum result r = client_open(s->dir, &c, &err);
    if (r == OK) {
        r = client_user_save(s->dir, ret, &err);
        client_logf(&c.logs, CLIENT_LOG_REGISTRATION, LOG_INFO, "User '%s' signed in", ret->name);
        client_close(&c);
    }
    if (r == OK)
        return true;
    web_outcome_local(&s->outcome, "state", err.text, "check space and rights of the state folder");
    return false;
}

static bool sign_in(struct sign_in *s, struct client_user *user)
{
    struct web_device_code code = {0};
    struct web_grant grant = {0};
    bool ok = find_wanted(s) && client_entra_provider(&s->settings, s->http, &s->provider, &s->anchors, &s->outcome) &&
              web_provider_device_code(&s->provider, &s->wanted, &code, &s->outcome);
    if (ok) {
        show_code(s, &code);
        ok = wait_for_user(s, &code, &grant) && keep_token(s, &grant, user);
    }
    web_grant_done(&grant);
    web_device_code_done(&code);
    return ok;
}

bool client_sign_in(const char *dir, bool json)
{
    struct sign_in s = {.dir = dir, .json = json, .http = web_http_new()};
    struct client_user user = {0};
    struct error err;
    bool ok = client_settings_load(dir, &s.settings, &err) == OK;
    client_proxy_use(ok ? &s.settings : NULL);
    if (ok)
        ok = sign_in(&s, &user);
    else
        web_outcome_local(&s.outcome, "settings", err.text, "correct or remove the file");
    ok = show_end(&s, ok, &user);
    client_user_free(&user);
    web_provider_done(&s.provider);
    free(s.anchors);
    client_proxy_use(NULL);
    client_settings_free(&s.settings);
    web_http_free(s.http);
    return ok;
}

/* --- signing out --- */

static enum result remove_file(const char *dir, const char *name, bool *ret_was, struct error *err)
{
    char *path = file_join(dir, name);
    int e = unlink(path) == 0 ? 0 : errno;
    *ret_was = e == 0;
    enum result r = e == 0 || e == ENOENT ? OK : error_set(err, R_IO, "%s: %s", path, strerror(e));
    free(path);
    return r;
}

enum result client_sign_out(struct client *c, bool *ret_was, struct error *err)
{
    bool policy;
    enum result r = remove_file(c->dir, "user.json", ret_was, err);
    if (r == OK)
        r = remove_file(c->dir, "user-policy.json", &policy, err);
    if (r == OK && *ret_was)
        client_logf(&c->logs, CLIENT_LOG_REGISTRATION, LOG_INFO, "The user signed out");
    return r;
}
