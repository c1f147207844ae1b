/* SPDX-License-Identifier: Apache-2.0 */
/*
 * From the user's Entra token to the site's user token (PROTOCOL 4): the device, by its own method, exchanges it at
 * CCM_STS (RFC 8693). A device that another method vouches for shows its Entra token beside it, as the actor's, which
 * proves to the site once that it is joined.
 */
#include "client/site/user_token.h"

#include <stdio.h>
#include <stdlib.h>

#include "base/clock.h"
#include "client/credential/entra.h"
#include "client/session/refused.h"
#include "client/site/token.h"
#include "jose/token.h"
#include "web/signed.h"

static bool fail_local(struct client_session *s, const char *reason, const char *detail)
{
    web_outcome_local(&s->outcome, reason, detail, "cmg-client sign-in");
    return false;
}

static bool save_user(struct client_session *s, const struct client_user *u)
{
    struct error err;
    return client_user_save(s->c->dir, u, &err) == OK || client_session_fail_state(s, &err);
}

/* --- the user's Entra token --- */

static bool refresh_entra_token(struct client_session *s, struct client_user *u)
{
    const struct client_settings *set = &s->c->settings;
    const char *client = client_setting(set, SETTING_ENTRA_USER_CLIENT_ID);
    struct web_wanted wanted = {.client = client ? client : client_setting(set, SETTING_ENTRA_CLIENT_ID),
                                .resource = client_setting(set, SETTING_ENTRA_RESOURCE)};
    struct web_provider p = {0};
    struct web_grant grant = {0};
    char *anchors = NULL;
    bool ok = client_entra_provider(set, s->http, &p, &anchors, &s->outcome) &&
              web_provider_by_refresh(&p, &wanted, u->refresh, &grant, &s->outcome);
    if (ok) {
        client_secret_set(&u->token, grant.token);
        if (grant.refresh)
            client_secret_set(&u->refresh, grant.refresh);
        u->expires = clock_wall_s() + grant.lifetime;
    }
    web_grant_done(&grant);
    web_provider_done(&p);
    free(anchors);
    client_logf(&s->c->logs, CLIENT_LOG_REGISTRATION, ok ? LOG_INFO : LOG_ERROR, "Refreshing the user's token %s%s",
                ok ? "succeeded" : "failed: ", ok ? "" : s->outcome.detail);
    return ok && save_user(s, u);
}

static bool need_entra_token(struct client_session *s, struct client_user *u)
{
    if (u->expires > clock_wall_s() + TOKEN_LEEWAY_S)
        return true;
    if (!u->refresh)
        return fail_local(s, "user_token_expired",
                          "the user's sign-in has expired, and no refresh token was given with it");
    if (refresh_entra_token(s, u))
        return true;
    if (strcmp(s->outcome.reason, "entra_invalid_grant") == 0) /* RFC 6749 5.2: it was revoked, or has ended */
        return fail_local(s, "user_token_expired",
                          "the user's sign-in has expired, and the provider refreshes it no more");
    return false;
}

/* --- the exchange --- */

static bool take_user_token(struct client_session *s, struct client_user *u, const json_t *answer)
{
    const char *user;
    struct error err;
    if (json_need_str(answer, "user", &user, &err) != OK) {
        (void)error_prefix(&err, "the answer of CCM_STS");
        return client_session_fail(s, "bad_answer", &err, "check what answers at this management point");
    }
    client_secret_set(&u->site_token, json_opt_str(answer, "access_token", ""));
    web_text_clean(slice_of(user), u->name, sizeof u->name);
    u->site_expires = clock_wall_s() + s->times.offset + json_opt_int(answer, "expires_in", 0);
    (void)snprintf(u->site_device, sizeof u->site_device, "%s", client_session_registration(s)->guid);
    return save_user(s, u);
}

static bool exchange_user_token(struct client_session *s, struct client_user *u)
{
    struct web_form form;
    struct web_outcome unproven = {0};
    const char *own, *actor;
    json_t *answer;
    if (!client_subject_token(s, &own))
        return false;
    actor = own;
    if (s->choice.method != CHOICE_ENTRA && s->held.entra.usable && !client_session_entra_token(s, &actor))
        unproven = s->outcome; /* which matters only if the site does not know yet that the device is joined */
    web_exchange_form(&form, u->token, actor, WEB_TYPE_USER);
    bool ok = client_token_service(s, &form, own, "Getting the user token", &answer) && take_user_token(s, u, answer);
    if (!ok && unproven.ending != WEB_DONE && strcmp(s->outcome.reason, "device_not_joined") == 0)
        s->outcome = unproven;
    json_decref(answer);
    web_form_free(&form);
    return ok;
}

static bool is_fresh(const struct client_user *u, const char *guid, int64_t now)
{
    return u->site_token && strcmp(u->site_device, guid) == 0 && u->site_expires > now + TOKEN_LEEWAY_S;
}

static bool load_user(struct client_session *s, struct client_user *u)
{
    struct error err;
    if (client_user_load(s->c->dir, u, &err) != OK)
        return client_session_fail(s, "state", &err, "cmg-client sign-in");
    return u->token || fail_local(s, "not_signed_in", "nobody has signed in on this device");
}

bool client_user_token(struct client_session *s, struct client_user *u, const char **ret)
{
    bool ok = load_user(s, u) && (is_fresh(u, client_session_registration(s)->guid, clock_wall_s() + s->times.offset) ||
                                  (need_entra_token(s, u) && exchange_user_token(s, u)));
    *ret = u->site_token;
    return ok;
}

bool client_user_token_again(struct client_session *s, struct client_user *u, const char **ret)
{
    bool ok = load_user(s, u) && need_entra_token(s, u) && exchange_user_token(s, u);
    *ret = u->site_token;
    return ok;
}
