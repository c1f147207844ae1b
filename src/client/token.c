/* SPDX-License-Identifier: Apache-2.0 */
/* Tokens: access tokens from CCM_STS by the device token, and the device token's renewal at half of its life
 * (RFC 8693 token exchange). */
#include <stdio.h>
#include <stdlib.h>

#include "base/clock.h"
#include "base/mem.h"
#include "client/client.h"
#include "jose/token.h"

enum { FORM_MAX = 2 * JOSE_TOKEN_MAX, ANSWER_MAX = 256 * 1024 };

#define TYPE_ACCESS "urn%3Aietf%3Aparams%3Aoauth%3Atoken-type%3Aaccess_token"
#define TYPE_DEVICE "urn%3Aopencmg%3Atoken-type%3Adevice"

bool client_token_valid(struct slice token)
{
    for (size_t i = 0; i < token.len; i++) {
        char c = token.ptr[i];
        if (!((c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '-' || c == '_' ||
              c == '.'))
            return false;
    }
    return token.len > 0 && token.len <= JOSE_TOKEN_MAX;
}

/* Its own words, which only say when to ask for the next one: nothing is decided by them. */
static void lifetime(const char *token, int64_t now, int64_t *issued, int64_t *expires)
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
    lifetime(token, now, &issued, &r->device_expires);
    r->device_renew = issued + (r->device_expires - issued) / 2;
}

void client_session_drop_tokens(struct client_registration *r)
{
    client_secret_set(&r->device_token, NULL);
    client_secret_set(&r->access_token, NULL);
}

static bool save(struct client_session *s)
{
    struct error err;
    if (client_identity_save(s->c->dir, &s->c->identity, &err) != OK)
        return client_session_fail(s, "state", &err, "check space and rights of the state folder");
    return true;
}

static bool take(struct client_session *s, const struct client_answer *a, bool renewal)
{
    struct client_registration *r = client_session_registration(s);
    int64_t now = clock_wall_s() + s->offset, issued;
    json_t *root = NULL;
    const char *token = NULL;
    struct error err;
    enum result result = json_parse(buf_data(&a->body), ANSWER_MAX, &root, &err);
    if (result == OK)
        result = json_need_str(root, "access_token", &token, &err);
    if (result == OK && !client_token_valid(slice_of(token)))
        result = error_set(&err, R_INVALID, "'access_token' is no token");
    if (result == OK && renewal) {
        client_device_token_take(r, token, now);
    } else if (result == OK) {
        client_secret_set(&r->access_token, token);
        lifetime(token, now, &issued, &r->access_expires);
        r->access_expires = json_opt_int(root, "expires_in", r->access_expires - now) + now;
    }
    json_decref(root);
    if (result == OK)
        return save(s);
    (void)error_prefix(&err, "the answer of CCM_STS");
    return client_session_fail(s, "bad_answer", &err, "check what answers at this management point");
}

static bool exchange(struct client_session *s, bool renewal)
{
    const struct client_registration *r = client_session_registration(s);
    struct client_answer answer;
    struct buf form;
    buf_init(&form, FORM_MAX);
    if (buf_printf(&form,
                   "grant_type=urn%%3Aietf%%3Aparams%%3Aoauth%%3Agrant-type%%3Atoken-exchange&subject_token=%s"
                   "&subject_token_type=urn%%3Aietf%%3Aparams%%3Aoauth%%3Atoken-type%%3Ajwt&requested_token_type=%s",
                   r->device_token, renewal ? TYPE_DEVICE : TYPE_ACCESS) != OK)
        fatal("a token that was accepted does not fit into a form");
    struct client_call call = {.method = s->choice.method,
                               .role = s->choice.role.id,
                               .verb = "POST",
                               .target = "/CCM_STS",
                               .content_type = "application/x-www-form-urlencoded",
                               .body = buf_data(&form),
                               .bearer = r->device_token};
    bool ok = client_session_send(s, &call, &answer) && take(s, &answer, renewal);
    client_answer_free(&answer);
    size_t len = buf_len(&form);
    mem_free_secret(buf_take_str(&form), len);
    buf_free(&form);
    client_logf(&s->c->logs, CLIENT_LOG_REGISTRATION, ok ? LOG_INFO : LOG_ERROR, "%s%s%s",
                renewal ? "Renewal of the device token" : "Getting CCM access token",
                ok ? " succeeded" : " failed: ", ok ? "" : s->outcome.reason);
    return ok;
}

void client_access_token_drop(struct client_session *s)
{
    client_secret_set(&client_session_registration(s)->access_token, NULL);
}

bool client_access_token(struct client_session *s, const char **ret)
{
    struct client_registration *r = client_session_registration(s);
    int64_t now = clock_wall_s() + s->offset;
    *ret = NULL;
    if (s->choice.method == CHOICE_PKI)
        return true;
    /* a renewal that fails matters only once the token has ended: until then the next run tries again */
    if (now >= r->device_renew && !exchange(s, true) && (now >= r->device_expires || client_outcome_final(&s->outcome)))
        return false;
    if (r->access_token && r->access_expires > now + TOKEN_LEEWAY_S) {
        *ret = r->access_token;
        return true;
    }
    if (!exchange(s, false))
        return false;
    *ret = r->access_token;
    return true;
}
