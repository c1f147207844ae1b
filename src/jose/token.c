/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The site's tokens: writing them, and judging them in the order in which the reasons are told. A claim is either there
 * and of its kind or the token is malformed; nothing is guessed.
 */
#include "jose/token.h"

#include <stdio.h>
#include <stdlib.h>

#include "base/clock.h"
#include "base/mem.h"
#include "pki/cert/cert.h"
#include "verdict/remedy.h"
#include "json/json.h"

enum { AUDIENCES_MAX = 16, BULK_HASH_HEX = 64, ISSUER_SIZE = 96, TYPE_SIZE = 32 };
static const int64_t time_max = 253402300799;           /* the end of the year 9999 */
static const int64_t grace_max = (int64_t)3660 * 86400; /* ten years: keeps sums far from overflow */

#define OPENS(purpose) (1u << (purpose))

static const struct {
    const char *name, *type;
    unsigned opens;          /* bits of purposes */
    bool bound, acts, lists; /* lists: names the device's certificates */
} kinds[] = {
    [TOKEN_BULK] = {"bulk", "cmg-bulk+jwt", OPENS(PURPOSE_REGISTRATION) | OPENS(PURPOSE_METADATA), false, false, false},
    [TOKEN_DEVICE] = {"device", "cmg-device+jwt", OPENS(PURPOSE_STS) | OPENS(PURPOSE_METADATA), true, false, false},
    [TOKEN_ACCESS] = {"access", "cmg-access+jwt", OPENS(PURPOSE_GENERAL) | OPENS(PURPOSE_METADATA), true, false, true},
    [TOKEN_USER] = {"user", "cmg-user+jwt", OPENS(PURPOSE_USER), true, true, true},
};

static const char *const purposes[] = {
    [PURPOSE_REGISTRATION] = "registration", [PURPOSE_STS] = "sts",   [PURPOSE_METADATA] = "metadata",
    [PURPOSE_GENERAL] = "general",           [PURPOSE_USER] = "user",
};

bool token_purpose_parse(struct slice name, enum token_purpose *ret)
{
    size_t i;
    bool known = slice_word(name, purposes, ARRAY_LEN(purposes), &i);
    if (known)
        *ret = (enum token_purpose)i;
    return known;
}

bool token_kind_opens(enum token_kind kind, enum token_purpose purpose)
{
    return kinds[kind].opens & OPENS(purpose);
}

static void issuer_of(const char *site, char ret[ISSUER_SIZE])
{
    (void)snprintf(ret, ISSUER_SIZE, "urn:opencmg:%s", site);
}

static void audience_of(const char *site, char ret[ISSUER_SIZE])
{
    (void)snprintf(ret, ISSUER_SIZE, "urn:opencmg:%s:service", site);
}

void token_x5t(X509 *cert, char ret[TOKEN_X5T_SIZE])
{
    unsigned char hash[PKI_SHA256];
    pki_cert_sha256(cert, hash);
    (void)encode_base64url(slice_make(hash, sizeof hash), ret);
}

static bool x5t_valid(const char *text)
{
    unsigned char hash[32];
    size_t len;
    return decode_base64url(slice_of(text), hash, sizeof hash, &len) && len == sizeof hash;
}

/* Text that goes on into headers and logs. */
static bool text_clean(const char *text)
{
    for (; *text; text++) {
        if ((unsigned char)*text < 0x20 || *text == 0x7f)
            return false;
    }
    return true;
}

/* --- issuing --- */

static enum result check_times(const struct token *t, struct error *err)
{
    if (t->issued <= 0 || t->not_before <= 0 || t->issued > time_max || t->not_before > time_max ||
        t->expires > time_max)
        return error_set(err, R_INVALID, "a time of the token is out of range");
    if (t->expires <= t->issued || t->expires <= t->not_before)
        return error_set(err, R_INVALID, "the token would end before it begins");
    return OK;
}

static enum result check_issue(const struct token *t, struct error *err)
{
    bool bound = kinds[t->kind].bound;
    if (bound && (!guid_valid(slice_of(t->subject)) || !x5t_valid(t->x5t)))
        return error_set(err, R_INVALID, "a %s token needs a device's GUID and its certificate's thumbprint",
                         kinds[t->kind].name);
    if (!bound && (t->subject[0] || t->x5t[0]))
        return error_set(err, R_INVALID, "a bulk token belongs to no device");
    if (kinds[t->kind].acts != (t->user[0] != '\0') || !text_clean(t->user))
        return error_set(err, R_INVALID, "a user belongs into a user token, and there alone");
    if (t->kind == TOKEN_BULK && t->expires - t->issued > TOKEN_BULK_MAX_S)
        return error_set(err, R_INVALID, "a bulk token lives at most %d days", TOKEN_BULK_MAX_S / 86400);
    if (t->certificate_count > (kinds[t->kind].lists ? TOKEN_CERTIFICATES : 0))
        return error_set(err, R_INVALID, "a %s token names too many certificates", kinds[t->kind].name);
    return check_times(t, err);
}

static void put(json_t *o, const char *name, json_t *value)
{
    if (json_object_set_new(o, name, value) != 0)
        fatal("token: a claim could not be written");
}

static json_t *certificates_json(const struct token *t)
{
    json_t *list = json_array();
    for (size_t i = 0; i < t->certificate_count; i++) {
        const struct pki_cert_ref *c = &t->certificates[i];
        char key[BASE64_SIZE(PKI_CERT_REF_KEY)], serial[BASE64_SIZE(PKI_CERT_REF_SERIAL)];
        encode_base64url(slice_make(c->key, c->key_len), key);
        encode_base64url(slice_make(c->serial, c->serial_len), serial);
        if (json_array_append_new(
                list, json_pack("{s:I, s:s, s:s}", "issuer", (json_int_t)c->issuer, "key", key, "serial", serial)) != 0)
            fatal("token: a claim could not be written");
    }
    return list;
}

static json_t *claims_of(const char *site, const struct token *t)
{
    char issuer[ISSUER_SIZE], audience[ISSUER_SIZE], id[GUID_SIZE];
    issuer_of(site, issuer);
    audience_of(site, audience);
    if (!t->id[0])
        guid_new(id);
    json_t *o = json_object();
    put(o, "iss", json_string(issuer));
    put(o, "aud", json_string(audience));
    put(o, "jti", json_string(t->id[0] ? t->id : id));
    put(o, "iat", json_integer(t->issued));
    put(o, "nbf", json_integer(t->not_before));
    put(o, "exp", json_integer(t->expires));
    if (kinds[t->kind].bound) {
        put(o, "sub", json_string(t->subject));
        put(o, "cnf", json_pack("{s:s}", "x5t#S256", t->x5t));
    }
    if (kinds[t->kind].acts) {
        put(o, "act", json_pack("{s:s}", "sub", t->subject));
        put(o, "user", json_string(t->user));
    }
    if (t->certificate_count)
        put(o, "certificates", certificates_json(t));
    return o;
}

enum result token_issue(const struct jose_signer *s, const char *site, const struct token *t, char **ret,
                        struct error *err)
{
    *ret = NULL;
    enum result r = check_issue(t, err);
    if (r != OK)
        return r;
    json_t *claims = claims_of(site, t), *header = json_pack("{s:s}", "typ", kinds[t->kind].type);
    char *text = json_text(claims);
    r = jose_sign(s, header, slice_of(text), ret, err);
    free(text);
    json_decref(header);
    json_decref(claims);
    return r;
}

/* --- reading the claims --- */

static enum result read_kind(const json_t *header, enum token_kind *ret, struct error *err)
{
    const char *type;
    if (json_need_str(header, "typ", &type, err) != OK)
        return R_INVALID;
    for (size_t i = 0; i < ARRAY_LEN(kinds); i++) {
        if (strcmp(type, kinds[i].type) == 0) {
            *ret = (enum token_kind)i;
            return OK;
        }
    }
    return error_set(err, R_INVALID, "its type is none of the site's tokens (expected: cmg-<kind>+jwt)");
}

static enum result read_text(const json_t *o, const char *name, char *ret, size_t size, struct error *err)
{
    const char *text;
    if (json_need_str(o, name, &text, err) != OK)
        return R_INVALID;
    if (!text[0] || !text_clean(text) || !slice_to_cstr(slice_of(text), ret, size))
        return error_set(err, R_INVALID, "claim '%s' is empty, over %zu bytes or holds control characters", name,
                         size - 1);
    return OK;
}

static enum result read_time(const json_t *o, const char *name, int64_t *ret, struct error *err)
{
    if (json_need_int(o, name, ret, err) != OK)
        return R_INVALID;
    if (*ret <= 0 || *ret > time_max)
        return error_set(err, R_INVALID, "claim '%s' is not a time in seconds since 1970", name);
    return OK;
}

static enum result read_times(const json_t *o, struct token *t, struct error *err)
{
    if (read_time(o, "iat", &t->issued, err) != OK || read_time(o, "nbf", &t->not_before, err) != OK ||
        read_time(o, "exp", &t->expires, err) != OK)
        return R_INVALID;
    return check_times(t, err);
}

/* RFC 7519 4.1.3: one text or several. */
static enum result check_audience_form(const json_t *o, struct error *err)
{
    const json_t *aud = json_object_get(o, "aud");
    if (json_is_string(aud))
        return OK;
    size_t count = json_array_size(aud);
    if (count == 0 || count > AUDIENCES_MAX)
        return error_set(err, R_INVALID, "claim 'aud' must be a string, or 1 to %d of them", AUDIENCES_MAX);
    for (size_t i = 0; i < count; i++) {
        if (!json_is_string(json_array_get(aud, i)))
            return error_set(err, R_INVALID, "claim 'aud' holds something that is no string");
    }
    return OK;
}

/* One confirmation method and no other: one that we don't know would be one that we don't check (RFC 7800 3.1). */
static enum result read_binding(const json_t *o, struct token *t, struct error *err)
{
    json_t *cnf;
    if (json_need_object(o, "cnf", &cnf, err) != OK)
        return R_INVALID;
    const char *x5t = json_opt_str(cnf, "x5t#S256", "");
    if (json_object_size(cnf) != 1 || !x5t_valid(x5t) || !slice_to_cstr(slice_of(x5t), t->x5t, sizeof t->x5t))
        return error_set(err, R_INVALID, "claim 'cnf' must hold x5t#S256, and nothing else");
    return OK;
}

static enum result read_device(const json_t *o, struct token *t, struct error *err)
{
    if (read_text(o, "sub", t->subject, sizeof t->subject, err) != OK)
        return R_INVALID;
    if (!guid_valid(slice_of(t->subject)))
        return error_set(err, R_INVALID, "claim 'sub' is not a device's GUID");
    return read_binding(o, t, err);
}

static bool read_certificate(const json_t *o, struct pki_cert_ref *ret)
{
    int64_t issuer;
    size_t key, serial;
    *ret = (struct pki_cert_ref){0};
    if (json_need_int(o, "issuer", &issuer, NULL) != OK || issuer < 0 || issuer > UINT32_MAX ||
        !decode_base64url(slice_of(json_opt_str(o, "key", "")), ret->key, sizeof ret->key, &key) ||
        !decode_base64url(slice_of(json_opt_str(o, "serial", "")), ret->serial, sizeof ret->serial, &serial) ||
        serial == 0)
        return false;
    ret->issuer = (uint32_t)issuer;
    ret->key_len = (uint8_t)key;
    ret->serial_len = (uint8_t)serial;
    return true;
}

static enum result read_certificates(const json_t *o, struct token *t, struct error *err)
{
    const json_t *list = json_object_get(o, "certificates");
    bool ok = !list || (json_is_array(list) && json_array_size(list) <= TOKEN_CERTIFICATES);
    for (size_t i = 0; ok && i < json_array_size(list); i++)
        ok = read_certificate(json_array_get(list, i), &t->certificates[t->certificate_count++]);
    return ok ? OK
              : error_set(err, R_INVALID, "claim 'certificates' is not a list of at most %d of them",
                          TOKEN_CERTIFICATES);
}

static enum result read_user(const json_t *o, struct token *t, struct error *err)
{
    json_t *act;
    if (read_text(o, "user", t->user, sizeof t->user, err) != OK || json_need_object(o, "act", &act, err) != OK)
        return R_INVALID;
    if (strcmp(json_opt_str(act, "sub", ""), t->subject) != 0)
        return error_set(err, R_INVALID, "claim 'act' names another device than 'sub'");
    return OK;
}

/* A claim that belongs to another kind would promise something that is not checked for this one. */
static enum result refuse_claims(const json_t *o, const char *const *names, size_t count, struct error *err)
{
    for (size_t i = 0; i < count; i++) {
        if (json_object_get(o, names[i]))
            return error_set(err, R_INVALID, "claim '%s' is not allowed in this kind of token", names[i]);
    }
    return OK;
}

static enum result read_claims(const json_t *header, const json_t *o, struct token *t, struct error *err)
{
    static const char *const of_devices[] = {"sub", "cnf"}, *const of_users[] = {"act", "user"},
                             *const of_access[] = {"certificates"};
    const char *issuer;
    enum result r = read_kind(header, &t->kind, err);
    if (r == OK)
        r = json_need_str(o, "iss", &issuer, err);
    if (r == OK)
        r = check_audience_form(o, err);
    if (r == OK)
        r = read_text(o, "jti", t->id, sizeof t->id, err);
    if (r == OK)
        r = read_times(o, t, err);
    if (r == OK)
        r = kinds[t->kind].bound ? read_device(o, t, err) : refuse_claims(o, of_devices, ARRAY_LEN(of_devices), err);
    if (r == OK)
        r = kinds[t->kind].acts ? read_user(o, t, err) : refuse_claims(o, of_users, ARRAY_LEN(of_users), err);
    if (r == OK)
        r = kinds[t->kind].lists ? read_certificates(o, t, err)
                                 : refuse_claims(o, of_access, ARRAY_LEN(of_access), err);
    return r;
}

/* --- judging --- */

static enum verdict_reason judge_origin(const struct token_policy *p, const json_t *o, struct error *detail)
{
    char issuer[ISSUER_SIZE], audience[ISSUER_SIZE];
    issuer_of(p->site, issuer);
    audience_of(p->site, audience);
    if (strcmp(json_opt_str(o, "iss", ""), issuer) != 0) {
        (void)error_set(detail, R_DENIED, "its issuer is not %s", issuer);
        return REASON_TOKEN_WRONG_ISSUER;
    }
    const json_t *aud = json_object_get(o, "aud");
    if (strcmp(json_opt_str(o, "aud", ""), audience) != 0 && !json_array_has(aud, slice_of(audience))) {
        (void)error_set(detail, R_DENIED, "it is not for %s", audience);
        return REASON_TOKEN_WRONG_AUDIENCE;
    }
    return REASON_OK;
}

static bool within_grace(const struct token_policy *p, const struct token *t, enum token_purpose purpose, int64_t now)
{
    int64_t grace = p->renewal_grace_s < grace_max ? p->renewal_grace_s : grace_max;
    return t->kind == TOKEN_DEVICE && purpose == PURPOSE_STS && grace > 0 && now < t->expires + grace;
}

static enum verdict_reason judge_time(const struct token_policy *p, struct token *t, enum token_purpose purpose,
                                      int64_t now, struct error *detail)
{
    int64_t begins = t->not_before > t->issued ? t->not_before : t->issued;
    char then[CLOCK_TEXT_SIZE], here[CLOCK_TEXT_SIZE];
    clock_rfc3339(now, here);
    if (now < begins - TOKEN_LEEWAY_S) {
        clock_rfc3339(begins, then);
        (void)error_set(detail, R_DENIED, "it is valid from %s, now it is %s", then, here);
        return REASON_TOKEN_NOT_YET_VALID;
    }
    if (now < t->expires + TOKEN_LEEWAY_S)
        return REASON_OK;
    if (within_grace(p, t, purpose, now)) {
        t->in_grace = true;
        return REASON_OK;
    }
    clock_rfc3339(t->expires, then);
    (void)error_set(detail, R_DENIED, "it expired at %s, now it is %s", then, here);
    return REASON_TOKEN_EXPIRED;
}

static enum verdict_reason judge_use(const struct token *t, enum token_purpose purpose, struct slice presented_x5t,
                                     struct error *detail)
{
    if (!token_kind_opens(t->kind, purpose)) {
        (void)error_set(detail, R_DENIED, "a %s token does not open an endpoint for %s", kinds[t->kind].name,
                        purposes[purpose]);
        return REASON_TOKEN_WRONG_PURPOSE;
    }
    if (kinds[t->kind].bound && !slice_eq_secret(slice_of(t->x5t), presented_x5t)) {
        (void)error_set(detail, R_DENIED, "it is bound to a certificate, and %s",
                        presented_x5t.ptr ? "another one was presented" : JOSE_TOKEN_NO_CERTIFICATE);
        return REASON_TOKEN_NOT_BOUND;
    }
    return REASON_OK;
}

/* Whoever issued it: which keys it is to be held against can't be told, so that what they say of it leads astray. */
static bool names_nobody(struct slice text)
{
    json_t *header, *claims;
    if (jose_peek(text, JOSE_TOKEN_MAX, &header, &claims, NULL) != OK)
        return false;
    bool ret = !json_object_get(claims, "iss");
    json_decref(header);
    json_decref(claims);
    return ret;
}

static enum verdict_reason tell_no_issuer(struct error *detail)
{
    (void)error_set(detail, R_INVALID, "it names no issuer (claim 'iss')");
    error_remedy(detail, verdict_remedy(REMEDY_NO_ISSUER));
    return REASON_TOKEN_MALFORMED;
}

enum verdict_reason token_judge(const struct token_policy *p, struct slice text, enum token_purpose purpose,
                                struct slice presented_x5t, int64_t now, struct token *ret, struct error *detail)
{
    struct error local;
    detail = detail ? detail : &local;
    memset(ret, 0, sizeof *ret);
    json_t *header, *claims;
    enum verdict_reason reason = jose_verify(p->keys, text, "ES256", &header, &claims, detail);
    if (reason != REASON_OK) {
        if (names_nobody(text))
            reason = tell_no_issuer(detail);
        return reason;
    }
    if (read_claims(header, claims, ret, detail) != OK) {
        memset(ret, 0, sizeof *ret);
        reason = REASON_TOKEN_MALFORMED;
    }
    if (reason == REASON_OK)
        reason = judge_origin(p, claims, detail);
    if (reason == REASON_OK)
        reason = judge_time(p, ret, purpose, now, detail);
    if (reason == REASON_OK)
        reason = judge_use(ret, purpose, presented_x5t, detail);
    json_decref(header);
    json_decref(claims);
    return reason;
}

bool token_bulk_split(struct slice text, struct slice *ret_root_hash, struct slice *ret_jwt)
{
    struct slice prefix = SLICE("cmg1."), rest = slice_skip(text, prefix.len);
    unsigned char hash[BULK_HASH_HEX / 2];
    size_t len;
    if (!slice_starts(text, prefix) || rest.len < BULK_HASH_HEX + 2 || rest.ptr[BULK_HASH_HEX] != '.')
        return false;
    struct slice hex = slice_make(rest.ptr, BULK_HASH_HEX);
    if (!decode_hex(hex, hash, sizeof hash, &len))
        return false;
    *ret_root_hash = hex;
    *ret_jwt = slice_skip(rest, BULK_HASH_HEX + 1);
    return ret_jwt->len <= JOSE_TOKEN_MAX;
}
