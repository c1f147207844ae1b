/* SPDX-License-Identifier: Apache-2.0 */
/* Tokens: access tokens from CCM_STS by the device token or the device's Entra token, and the device token's renewal at
 * half of its life (RFC 8693 token exchange). */
#include "client/site/token.h"

#include <stdio.h>
#include <stdlib.h>

#include "base/clock.h"
#include "client/session/refused.h"
#include "client/session/send.h"
#include "jose/token.h"
#include "web/signed.h"

/* Its own words, which only say when to ask for the next one: nothing is decided by them. */
static void read_lifetime(const char *token, int64_t now, int64_t *issued, int64_t *expires)
{
    json_t *header = NULL, *payload = NULL;
    *issued = now;
    *expires = now;
    if (jose_peek(slice_of(token), JOSE_TOKEN_MAX, &header, &payload, NULL) != OK)
        return;
    *expires = json_opt_int(payload, "exp", now);
    *issued = json_opt_int(payload, "iat", now);
    json_decref(header);
    json_decref(payload);
}

void client_device_token_take(struct client_registration *r, const char *token, int64_t now)
{
    int64_t issued;
    client_secret_set(&r->device_token, token);
    read_lifetime(token, now, &issued, &r->device_expires);
    r->device_renew = issued + (r->device_expires - issued) / 2;
}

static bool save_identity(struct client_session *s)
{
    struct error err;
    if (client_identity_save(s->c->dir, &s->c->identity, &err) != OK)
        return client_session_fail_state(s, &err);
    return true;
}

static bool fail_bad_answer(struct client_session *s, struct error *err)
{
    (void)error_prefix(err, "the answer of CCM_STS");
    return client_session_fail(s, "bad_answer", err, "check what answers at this management point");
}

static bool read_answer(struct client_session *s, const struct web_answer *a, json_t **ret)
{
    const char *token;
    struct error err;
    if (!client_session_signed_answer(s, a, client_session_registration(s)->guid, ret))
        return false;
    enum result r = json_need_str(*ret, "access_token", &token, &err);
    if (r == OK && !web_token_valid(slice_of(token)))
        r = error_set(&err, R_INVALID, "'access_token' is no token");
    return r == OK || fail_bad_answer(s, &err);
}

bool client_token_service(struct client_session *s, const struct web_form *form, const char *bearer, const char *what,
                          json_t **ret)
{
    struct web_answer answer;
    struct client_call call = {.method = s->choice.method,
                               .role = s->choice.role.id,
                               .verb = "POST",
                               .target = "/CCM_STS",
                               .content_type = WEB_FORM_TYPE,
                               .body = web_form_body(form),
                               .bearer = bearer};
    *ret = NULL;
    bool ok = client_session_send(s, &call, &answer) && read_answer(s, &answer, ret);
    web_answer_free(&answer);
    client_logf(&s->c->logs, CLIENT_LOG_REGISTRATION, ok ? LOG_INFO : LOG_ERROR, "%s%s%s", what,
                ok ? " succeeded" : " failed: ", ok ? "" : s->outcome.reason);
    return ok;
}

static bool take_token(struct client_session *s, const json_t *answer, bool renewal)
{
    struct client_registration *r = client_session_registration(s);
    const char *token = json_opt_str(answer, "access_token", "");
    int64_t now = clock_wall_s() + s->times.offset, issued;
    if (renewal) {
        client_device_token_take(r, token, now);
    } else {
        client_secret_set(&r->access_token, token);
        read_lifetime(token, now, &issued, &r->access_expires);
        r->access_expires = json_opt_int(answer, "expires_in", r->access_expires - now) + now;
    }
    return save_identity(s);
}

static bool exchange_token(struct client_session *s, const char *subject, bool renewal)
{
    struct web_form form;
    json_t *answer;
    web_exchange_form(&form, subject, NULL, renewal ? WEB_TYPE_DEVICE : WEB_TYPE_ACCESS);
    bool ok = client_token_service(s, &form, subject,
                                   renewal ? "Renewal of the device token" : "Getting CCM access token", &answer) &&
              take_token(s, answer, renewal);
    json_decref(answer);
    web_form_free(&form);
    return ok;
}

void client_access_token_drop(struct client_session *s)
{
    client_secret_set(&client_session_registration(s)->access_token, NULL);
}

/* What the device proves itself by at CCM_STS: its token of the site, or of Entra. NULL with pki. */
bool client_subject_token(struct client_session *s, const char **ret)
{
    struct client_registration *r = client_session_registration(s);
    int64_t now = clock_wall_s() + s->times.offset;
    *ret = NULL;
    if (s->choice.method == CHOICE_PKI)
        return true;
    if (s->choice.method == CHOICE_ENTRA)
        return client_session_entra_token(s, ret);
    /* a renewal that fails matters only once the token has ended: until then the next run tries again */
    if (now >= r->device_renew && !exchange_token(s, r->device_token, true) &&
        (now >= r->device_expires || web_outcome_final(&s->outcome)))
        return false;
    *ret = r->device_token;
    return true;
}

bool client_access_token(struct client_session *s, const char **ret)
{
    struct client_registration *r = client_session_registration(s);
    int64_t now = clock_wall_s() + s->times.offset;
    const char *subject;
    bool fresh = r->access_token && r->access_expires > now + TOKEN_LEEWAY_S;
    *ret = NULL;
    if (s->choice.method == CHOICE_PKI)
        return true;
    if (!(fresh && s->choice.method == CHOICE_ENTRA) && !client_subject_token(s, &subject))
        return false;
    if (!fresh && !exchange_token(s, subject, false))
        return false;
    *ret = r->access_token;
    return true;
}

bool client_token_send(struct client_session *s, struct client_call *call, struct web_answer *ret)
{
    *ret = (struct web_answer){0};
    if (!client_access_token(s, &call->bearer))
        return false;
    if (client_session_send(s, call, ret))
        return true;
    if (!call->bearer || s->outcome.status != 401 || web_outcome_final(&s->outcome))
        return false;
    web_answer_free(ret);
    *ret = (struct web_answer){0};
    client_access_token_drop(s);
    return client_access_token(s, &call->bearer) && client_session_send(s, call, ret);
}
