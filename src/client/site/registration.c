/* SPDX-License-Identifier: Apache-2.0 */
/* Registers the device's key at the site (docs/protocol/wire.md 6). */
#include "client/site/registration.h"

#include <openssl/evp.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/clock.h"
#include "base/host/file.h"
#include "base/mem.h"
#include "client/session/refused.h"
#include "client/session/send.h"
#include "client/site/token.h"
#include "jose/possession.h"
#include "web/signed.h"

/* The device's own key speaks for the certificate's, so that both are one device and a renewed one is it again. */
static enum result make_same_device(const struct client_session *s, char **ret, struct error *err)
{
    const char *key_id = client_session_credential(s, s->choice.method)->key_id;
    *ret = NULL;
    if (s->choice.method != CHOICE_PKI || strcmp(key_id, s->held.own.key_id) == 0)
        return OK;
    return jose_possession_sign(s->held.own.key, s->held.own.leaf, key_id, ret, err);
}

/* The certificates above the first in its file: the management point may know fewer of them than a gateway, which sees
 * them in TLS. NULL: there are none. */
static char *make_chain(const struct client_credential *credential, size_t leaf_len)
{
    static const char end_line[] = "-----END CERTIFICATE-----\n";
    const char *start = credential->certificate_pem + leaf_len, *end = start, *next;
    for (int i = 0; i < PKI_TOLD_MAX && (next = strstr(end, end_line)); i++) {
        next += sizeof end_line - 1;
        if (next - start > PKI_TOLD_BYTES)
            break;
        end = next;
    }
    return end > start ? slice_dup(slice_make(start, (size_t)(end - start))) : NULL;
}

static char *make_body(const struct client_session *s, const char *word)
{
    char hardware[CLIENT_HARDWARE_SIZE];
    const struct client_credential *credential = client_session_credential(s, s->choice.method);
    char *pem = pki_cert_pem(credential->leaf), *above = make_chain(credential, strlen(pem));
    client_hardware_id(s->c, hardware);
    json_t *o =
        json_pack("{s:s, s:s, s:i, s:s, s:s*, s:s*}", "name", s->name, "hardware_id", hardware, "client_version",
                  (int)s->version, "certificate_pem", pem, "chain_pem", above, "same_device", word);
    if (!o)
        fatal("the registration can't be put into JSON: is the name UTF-8?");
    char *text = json_text(o);
    json_decref(o);
    free(above);
    free(pem);
    return text;
}

static enum result take_registration(struct client_session *s, const json_t *o, struct error *err)
{
    struct client_registration *r = client_session_registration(s);
    const char *guid, *approval, *token = json_opt_str(o, "device_token", NULL);
    enum result result;
    if ((result = json_need_str(o, "guid", &guid, err)) != OK ||
        (result = json_need_str(o, "approval", &approval, err)) != OK)
        return result;
    if (!guid_valid(slice_of(guid)))
        return error_set(err, R_INVALID, "'guid' is no GUID");
    if (strcmp(approval, "approved") != 0 && strcmp(approval, "pending") != 0)
        return error_set(err, R_INVALID, "'approval' is neither approved nor pending");
    if (token && !web_token_valid(slice_of(token)))
        return error_set(err, R_INVALID, "'device_token' is no token");
    client_hardware_id(s->c, s->c->identity.hardware_id);
    r->pending = strcmp(approval, "pending") == 0;
    if (strcmp(r->guid, guid) != 0)
        client_registration_drop_tokens(r);
    (void)snprintf(r->guid, sizeof r->guid, "%s", guid);
    (void)snprintf(r->key_id, sizeof r->key_id, "%s", client_session_credential(s, s->choice.method)->key_id);
    if (token)
        client_device_token_take(r, token, clock_wall_s());
    if (!r->pending)
        client_secret_set(&s->c->identity.bulk_token, NULL); /* it did its work */
    if (token)
        s->tokens_refused = false;
    return OK;
}

static bool take_answer(struct client_session *s, const struct web_answer *a)
{
    struct client_identity *id = &s->c->identity;
    json_t *said;
    struct error err;
    if (!client_session_signed_answer(s, a, NULL, &said))
        return false;
    enum result r = take_registration(s, said, &err);
    json_decref(said);
    if (r != OK) {
        (void)error_prefix(&err, "the answer to the registration");
        return client_session_fail(s, "bad_answer", &err, "check what answers at this management point");
    }
    id->any = true;
    id->method = s->choice.method;
    if (client_identity_save(s->c->dir, id, &err) != OK)
        return client_session_fail_state(s, &err);
    return true;
}

/* The token that vouches for the device; NULL: its certificate does. */
static bool find_voucher(struct client_session *s, const char **ret)
{
    *ret = s->choice.method == CHOICE_TOKEN ? s->c->identity.bulk_token : NULL;
    return s->choice.method != CHOICE_ENTRA || client_session_entra_token(s, ret);
}

static bool send_registration(struct client_session *s)
{
    struct web_answer answer = {0};
    const char *bearer;
    char *word;
    struct error err;
    if (!find_voucher(s, &bearer))
        return false;
    if (make_same_device(s, &word, &err) != OK)
        return client_session_fail(s, "own_key", &err, "look whether the TPM or HSM with the key works");
    char *body = make_body(s, word);
    free(word);
    struct client_call call = {.method = s->choice.method,
                               .role = s->choice.role.id,
                               .verb = "POST",
                               .target = "/CCM_Client/registration",
                               .content_type = "application/json",
                               .body = slice_of(body),
                               .bearer = bearer};
    client_logf(&s->c->logs, CLIENT_LOG_REGISTRATION, LOG_INFO, "Registering '%s' using %s at management point %s",
                s->name, choices_client_name(s->choice.method), s->choice.role.id);
    bool ok = client_session_send(s, &call, &answer) && take_answer(s, &answer);
    web_answer_free(&answer);
    free(body);
    return ok;
}

/* A device with a token needs no registration; one with a key that the site does not know does. */
static bool is_needed(struct client_session *s)
{
    const struct client_registration *r = client_session_registration(s);
    const char *key_id = client_session_credential(s, s->choice.method)->key_id;
    if (!*r->guid || r->pending || strcmp(r->key_id, key_id) != 0)
        return true;
    return s->choice.method == CHOICE_TOKEN && (!r->device_token || (s->tokens_refused && s->c->identity.bulk_token));
}

/* Also back to a method with which it registered before; a bulk token that is not needed any more goes. */
static bool use_method(struct client_session *s)
{
    struct client_identity *id = &s->c->identity;
    struct error err;
    bool drop = id->bulk_token && client_session_registration(s)->device_token && !s->tokens_refused && !s->way.mp;
    if (id->any && id->method == s->choice.method && !drop)
        return true;
    if (drop)
        client_secret_set(&id->bulk_token, NULL);
    id->any = true;
    id->method = s->choice.method;
    if (client_identity_save(s->c->dir, id, &err) != OK)
        return client_session_fail_state(s, &err);
    return true;
}

static bool fail_no_token(struct client_session *s)
{
    if (client_session_fail_cloned(s))
        return false;
    web_outcome_local(&s->outcome, client_session_registration(s)->pending ? "approval_pending" : "not_registered",
                      "the site does not know this device's key, and there is no bulk registration token",
                      "cmg-client register --token-file F with a token of `cmg token new`");
    return false;
}

static void log_ending(const struct client_session *s, const struct client_registration *r, bool ok)
{
    if (ok)
        client_logf(&s->c->logs, CLIENT_LOG_REGISTRATION, LOG_INFO, "Client is registered. GUID:%s%s", r->guid,
                    r->pending ? " Waiting for approval." : "");
    else
        client_logf(&s->c->logs, CLIENT_LOG_REGISTRATION, LOG_ERROR, "Registration failed: %s %s: %s", s->outcome.code,
                    s->outcome.reason, s->outcome.detail);
}

bool client_register(struct client_session *s, bool again)
{
    struct client_identity *id = &s->c->identity;
    bool can = s->choice.method != CHOICE_TOKEN || id->bulk_token || s->way.mp; /* inside nobody needs to vouch */
    bool need = is_needed(s);
    bool ok = true;
    if (need && !can)
        ok = fail_no_token(s);
    else if (need || (again && can))
        ok = send_registration(s);
    ok = ok && use_method(s);
    log_ending(s, client_session_registration(s), ok);
    return ok;
}
