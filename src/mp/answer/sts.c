/* SPDX-License-Identifier: Apache-2.0 */
/*
 * POST /CCM_STS: the token service, RFC 8693 token exchange. A device token gives an access token, or (renewal) a new
 * device token: at any time of its life, and for renewal_grace after its end; the same key of an existing, unblocked
 * record, five times a day, audited. The Entra token of a user gives a device, whatever its own method, a user token.
 * Errors as RFC 6749 5.2, with our reason beside them.
 */
#include <stdio.h>
#include <stdlib.h>

#include "base/clock.h"
#include "mp/answer/handlers.h"
#include "mp/answer/signed.h"
#include "mp/sender/device.h"
#include "mp/sender/user.h"
#include "mp/server/form.h"
#include "mp/site.h"
#include "store/site/audit.h"

#define GRANT "urn:ietf:params:oauth:grant-type:token-exchange"
#define TYPE_JWT "urn:ietf:params:oauth:token-type:jwt"
#define TYPE_ACCESS "urn:ietf:params:oauth:token-type:access_token"
#define TYPE_DEVICE "urn:opencmg:token-type:device"
#define TYPE_USER "urn:opencmg:token-type:user"

struct sts {
    struct mp_request *r;
    struct mp_device device;
    bool renewal, user;
    struct mp_user_question question; /* user */
    char name[256];                   /* user */
    char *token;
    int64_t lifetime;
};

#define REMEDY_REQUEST "ask as docs/protocol/wire.md says; cmg-client of the site's version does"
#define REMEDY_ENDED                                                                                                   \
    "cmg-client run renews it; when that is refused too, register the device again with a bulk token: cmg token new"
#define REMEDY_REVOKED                                                                                                 \
    "a newer device token has taken its place, perhaps in a copy of this device: register it again with a bulk "       \
    "token: "                                                                                                          \
    "cmg token new, then cmg-client register --token-file F"

static void fail(struct mp_request *r, int status, const char *error, const char *reason, const char *text,
                 const char *remedy)
{
    json_t *said = json_string(text); /* NULL when it quotes what is not UTF-8 */
    json_t *o = json_pack("{s:s, s:o, s:s, s:s, s:s*}", "error", error, "error_description",
                          said ? said : json_string(error), "reason", reason, "request_id", r->id, "remedy", remedy);
    mp_answer_json(r, status, o);
}

/* --- the form --- */

static enum result need(struct mp_request *r, const char *name, struct slice *ret, struct error *err)
{
    enum result result = mp_form_get(buf_data(&r->body), name, r->arena, ret, err);
    if (result == OK && !ret->ptr)
        return error_set(err, R_INVALID, "'%s' is missing", name);
    return result;
}

static bool is_form(const struct mp_request *r)
{
    struct slice rest = mp_request_field(r, "content-type");
    return slice_eq_nocase(slice_trim(slice_cut(&rest, ';')), SLICE("application/x-www-form-urlencoded"));
}

/* A user's token is judged later; any other one is the one that opened the way here. */
static enum result check_tokens(struct sts *s, struct slice subject, struct error *err)
{
    struct slice bearer = s->r->sender.identity.bearer, type;
    s->question.subject = subject;
    enum result result = mp_form_get(buf_data(&s->r->body), "actor_token", s->r->arena, &s->question.actor, err);
    if (result == OK)
        result = mp_form_get(buf_data(&s->r->body), "actor_token_type", s->r->arena, &type, err);
    if (result != OK)
        return result;
    if (s->question.actor.ptr && (!s->user || !slice_eq(type, SLICE(TYPE_JWT))))
        return error_set(err, R_INVALID,
                         "'actor_token' belongs to the exchange of a user's token, with the type " TYPE_JWT);
    if (!s->user && !slice_eq_secret(subject, bearer))
        return error_set(err, R_INVALID, "'subject_token' and Authorization hold different tokens");
    return OK;
}

static bool is_one_of(struct slice wanted, const char *const *types, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        if (slice_eq(wanted, slice_of(types[i])))
            return true;
    }
    return false;
}

/* false: answered. */
static bool read_form(struct sts *s)
{
    static const char *const types[] = {TYPE_ACCESS, TYPE_DEVICE, TYPE_USER};
    struct slice grant, subject, type, wanted;
    struct error err;
    enum result result = is_form(s->r) ? need(s->r, "grant_type", &grant, &err)
                                       : error_set(&err, R_INVALID, "the body must be a form (RFC 6749 appendix B)");
    if (result == OK && !slice_eq(grant, SLICE(GRANT))) {
        fail(s->r, 400, "unsupported_grant_type", "bad_request", "the grant type must be " GRANT, REMEDY_REQUEST);
        return false;
    }
    if (result == OK)
        result = need(s->r, "subject_token", &subject, &err);
    if (result == OK)
        result = need(s->r, "subject_token_type", &type, &err);
    if (result == OK)
        result = mp_form_get(buf_data(&s->r->body), "requested_token_type", s->r->arena, &wanted, &err);
    if (result == OK && !slice_eq(type, SLICE(TYPE_JWT)))
        result = error_set(&err, R_INVALID, "'subject_token_type' must be " TYPE_JWT);
    if (result == OK && wanted.ptr && !is_one_of(wanted, types, ARRAY_LEN(types)))
        result = error_set(&err, R_INVALID, "'requested_token_type' is none of access_token, device, user");
    s->renewal = slice_eq(wanted, SLICE(TYPE_DEVICE));
    s->user = slice_eq(wanted, SLICE(TYPE_USER));
    if (result == OK)
        result = check_tokens(s, subject, &err);
    if (result != OK)
        fail(s->r, 400, "invalid_request", "bad_request", err.text, REMEDY_REQUEST);
    return result == OK;
}

/* --- issuing --- */

static enum result name_certificate(const struct store_certificate *c, struct token *ret, struct error *err)
{
    X509 *cert;
    enum result r = pki_cert_read(slice_of(c->pem), &cert, err);
    if (r != OK)
        return r;
    if (pki_cert_ref_of(cert, &ret->certificates[ret->certificate_count]))
        ret->certificate_count++;
    X509_free(cert);
    return OK;
}

/* The newest of this machine that an issuer could take back: gateways hold lists that this process does not. */
static enum result name_certificates(struct sts *s, int64_t now, struct token *ret, struct error *err)
{
    struct store_certificate *list;
    size_t count;
    enum result r =
        store_certificate_list_of_machine(s->r->site->store, s->r->arena, s->device.record.machine, &list, &count, err);
    for (size_t i = 0; r == OK && i < count && ret->certificate_count < TOKEN_CERTIFICATES; i++)
        r = list[i].not_after > now ? name_certificate(&list[i], ret, err) : OK;
    return r;
}

static enum result issue(struct sts *s, enum token_kind kind, struct token *ret, struct error *err)
{
    const struct mp_site *site = s->r->site;
    int64_t now = clock_wall_s();
    s->lifetime = kind == TOKEN_DEVICE ? TOKEN_DEVICE_S : kind == TOKEN_USER ? TOKEN_USER_S : TOKEN_ACCESS_S;
    *ret = (struct token){.kind = kind, .issued = now, .not_before = now, .expires = now + s->lifetime};
    guid_new(ret->id);
    (void)snprintf(ret->subject, sizeof ret->subject, "%s", s->device.record.guid);
    token_x5t(s->device.certificate, ret->x5t);
    (void)snprintf(ret->user, sizeof ret->user, "%s", s->name);
    enum result r = kind == TOKEN_DEVICE ? OK : name_certificates(s, now, ret, err);
    return r != OK ? r : token_issue(site->keys.token, site->keys.site, ret, &s->token, err);
}

static enum result renew(struct sts *s, struct error *err)
{
    struct store *store = s->r->site->store;
    const char *guid = s->device.record.guid;
    char caller[64];
    struct token t;
    enum result r = store_device_token_renew(store, guid, s->device.token.id, clock_wall_s(), err);
    if (r == OK)
        r = issue(s, TOKEN_DEVICE, &t, err);
    if (r == OK)
        r = store_device_token_add(store, guid, t.id, t.issued, t.expires, err);
    if (r != OK)
        return r;
    (void)snprintf(caller, sizeof caller, "device:%s", guid);
    return store_audit_add(
        store,
        &(struct store_audit){.caller = caller,
                              .action = "token.renew",
                              .object = guid,
                              .detail = s->device.token.in_grace ? "after its expiry, in grace" : ""},
        err);
}

static enum result exchange(struct sts *s, struct error *err)
{
    struct store *store = s->r->site->store;
    struct token t;
    enum result r = store_begin(store, STORE_DURABLE, err);
    if (r != OK)
        return r;
    if (!s->device.entra)
        r = store_device_token_check(store, s->device.record.guid, s->device.token.id, clock_wall_s(), err);
    if (r == OK)
        r = s->renewal ? renew(s, err) : issue(s, TOKEN_ACCESS, &t, err);
    return store_end(store, r, err);
}

static void answer(struct sts *s)
{
    json_t *o =
        json_pack("{s:s, s:s, s:s, s:I, s:s*}", "access_token", s->token, "issued_token_type",
                  s->user      ? TYPE_USER
                  : s->renewal ? TYPE_DEVICE
                               : TYPE_ACCESS,
                  "token_type", "Bearer", "expires_in", (json_int_t)s->lifetime, "user", s->user ? s->name : NULL);
    mp_answer_signed(s->r, 200, s->device.record.guid, s->device.certificate, o);
}

/* --- user tokens --- */

static enum result issue_user_token(struct sts *s, struct error *err)
{
    struct store *store = s->r->site->store;
    char caller[64];
    struct token t;
    (void)snprintf(caller, sizeof caller, "device:%s", s->device.record.guid);
    enum result r = store_begin(store, STORE_DURABLE, err);
    if (r != OK)
        return r;
    if (s->device.token.id[0]) /* it came with a device token, which must still count */
        r = store_device_token_check(store, s->device.record.guid, s->device.token.id, clock_wall_s(), err);
    if (r == OK)
        r = issue(s, TOKEN_USER, &t, err);
    if (r == OK)
        r = store_audit_add_of_one(
            store,
            &(struct store_audit){
                .caller = caller, .action = "user.sign-in", .object = s->device.record.guid, .detail = s->name},
            err);
    return store_end(store, r, err);
}

static void serve_user(struct sts *s)
{
    struct mp_user_refusal refusal;
    struct error err;
    if (s->device.token.in_grace) {
        fail(s->r, 400, "invalid_grant", "expired", "the device token has expired; it can be renewed only",
             REMEDY_ENDED);
        return;
    }
    enum result result = mp_user_judge(&s->r->sender, &s->device, &s->question, s->name, &refusal, &err);
    if (result == R_DENIED) {
        fail(s->r, 400, refusal.error, refusal.reason, refusal.detail.text, refusal.remedy);
        return;
    }
    if (result == OK)
        result = issue_user_token(s, &err);
    if (result == OK)
        answer(s);
    else if (result == R_DENIED)
        fail(s->r, 400, "invalid_grant", "revoked", err.text, REMEDY_REVOKED);
    else
        mp_refuse_fault(s->r, &err);
}

static void serve(struct sts *s)
{
    struct error err;
    if (s->device.entra && s->renewal) {
        fail(s->r, 400, "invalid_request", "bad_request", "a device with an Entra token needs no device token",
             REMEDY_REQUEST);
        return;
    }
    if (s->device.token.in_grace && !s->renewal) {
        fail(s->r, 400, "invalid_grant", "expired", "the device token has expired; it can be renewed only",
             REMEDY_ENDED);
        return;
    }
    enum result result = exchange(s, &err);
    if (result == OK)
        answer(s);
    else if (result == R_DENIED)
        fail(s->r, 400, "invalid_grant", "revoked", err.text, REMEDY_REVOKED);
    else if (result == R_LIMIT)
        mp_refuse(s->r, MP_REFUSAL_RENEWAL_LIMIT, err.text);
    else
        mp_refuse_fault(s->r, &err);
}

void mp_handle_sts(struct mp_request *r)
{
    struct sts s = {.r = r};
    struct error why;
    struct mp_denial no;
    if (!read_form(&s))
        return;
    if (r->sender.identity.auth == MP_PKI && !s.user) { /* a certificate needs no token of its own */
        (void)error_set(&why, R_DENIED, "a device that authenticates by certificate can exchange only a user's token");
        mp_refuse_verdict(r, REASON_METHOD_NOT_ALLOWED_HERE, &why);
        return;
    }
    if (mp_request_pass(r, mp_device_authenticate(&r->sender, PURPOSE_STS, MP_SIGNED_ALWAYS, &s.device, &no), &no)) {
        (s.user ? serve_user : serve)(&s);
        mp_device_done(&s.device);
    }
    free(s.token);
}
