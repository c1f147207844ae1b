/* SPDX-License-Identifier: Apache-2.0 */
/*
 * JWS over libjose. libjose does the cryptography and nothing else: whether a text is one that we take, by which
 * algorithm and by which key, is decided here before it is asked.
 */
#include "jose/jws/jws.h"

#include <stdlib.h>

#include <openssl/err.h>

#include "base/mem.h"
#include "base/text/encode.h"
#include "jose/jws/algorithm.h"
#include "jose/jws/compact.h"
#include "jose/jws/kept.h"
#include "jose/jws/keys.h"
#include "jose/jws/low_s.h"
#include "jose/jws/sign.h"
#include "pki/key/key.h"
#include "verdict/remedy.h"
#include "json/json.h"

enum { KID_SIZE = 64, MODULUS_MAX = 1025 };

struct jose_signer {
    json_t *jwk;    /* with the private member, unless it is kept */
    EVP_PKEY *kept; /* stays in its TPM or HSM, and signs there; NULL: none */
    char kid[KID_SIZE];
};

/* --- private keys --- */

static json_t *jwk_of(EVP_PKEY *key)
{
    jose_cfg_t *cfg = jose_algorithm_cfg();
    ERR_set_mark();
    json_t *jwk = jose_openssl_jwk_from_EVP_PKEY(cfg, key);
    ERR_pop_to_mark();
    jose_cfg_decref(cfg);
    return jwk;
}

/* RFC 7638. */
static bool thumbprint(const json_t *jwk, char *ret, size_t size)
{
    jose_cfg_t *cfg = jose_algorithm_cfg();
    json_t *text = jose_jwk_thp(cfg, jwk, "S256");
    bool ok = text && slice_to_cstr(slice_of(json_string_value(text)), ret, size);
    json_decref(text);
    jose_cfg_decref(cfg);
    return ok;
}

/* The copies of the private key's numbers, whose one owner is the JWK. */
static void wipe(json_t *jwk)
{
    static const char *const private_members[] = {"d", "p", "q", "dp", "dq", "qi"};
    for (size_t i = 0; i < ARRAY_LEN(private_members); i++) {
        const json_t *secret = json_object_get(jwk, private_members[i]);
        if (secret)
            explicit_bzero((void *)(uintptr_t)json_string_value(secret), json_string_length(secret));
    }
    json_decref(jwk);
}

static void take_key(struct jose_signer *s, EVP_PKEY *key)
{
    if (!pki_key_stays(key)) {
        s->jwk = jwk_of(key);
        return;
    }
    EVP_PKEY *public = jose_kept_public(key);
    s->jwk = jwk_of(public);
    EVP_PKEY_free(public);
    if (!EVP_PKEY_up_ref(key))
        fatal("jose: a key can't be held");
    s->kept = key;
}

enum result jose_signer_new(EVP_PKEY *key, struct jose_signer **ret, struct error *err)
{
    *ret = NULL;
    if (!pki_key_is_p256(key))
        return error_set(err, R_INVALID, "a signing key must be of the curve P-256 (ES256)");
    struct jose_signer *s = mem_zalloc(sizeof *s);
    take_key(s, key);
    if ((!s->kept && !json_object_get(s->jwk, "d")) || !thumbprint(s->jwk, s->kid, sizeof s->kid)) {
        jose_signer_free(s);
        return error_set(err, R_INVALID, "the signing key has no private part");
    }
    *ret = s;
    return OK;
}

void jose_signer_free(struct jose_signer *s)
{
    if (!s)
        return;
    wipe(s->jwk);
    EVP_PKEY_free(s->kept);
    free(s);
}

static json_t *public_part(const json_t *key, const char *kid)
{
    json_t *jwk = json_pack("{s:O, s:O, s:O, s:O, s:s, s:s, s:s}", "kty", json_object_get(key, "kty"), "crv",
                            json_object_get(key, "crv"), "x", json_object_get(key, "x"), "y", json_object_get(key, "y"),
                            "kid", kid, "alg", "ES256", "use", "sig");
    if (!jwk)
        fatal("jose: a public key could not be written");
    return jwk;
}

json_t *jose_signer_public_jwk(const struct jose_signer *s)
{
    return public_part(s->jwk, s->kid);
}

enum result jose_public_jwk(EVP_PKEY *key, json_t **ret, struct error *err)
{
    char kid[JOSE_KID_MAX];
    if (!pki_key_is_p256(key))
        return error_set(err, R_INVALID, "a signing key must be of the curve P-256 (ES256)");
    json_t *jwk = jwk_of(key);
    if (!jwk || !thumbprint(jwk, kid, sizeof kid))
        fatal("jose: a public key could not be written");
    *ret = public_part(jwk, kid);
    wipe(jwk);
    return OK;
}

static json_t *encode_payload(struct slice payload)
{
    json_t *text = jose_b64_enc(payload.ptr ? payload.ptr : "", payload.len);
    if (!text)
        fatal("jose: out of memory");
    return text;
}

static char *join_parts(const json_t *jws)
{
    struct slice parts[3] = {slice_of(json_opt_str(jws, "protected", "")), slice_of(json_opt_str(jws, "payload", "")),
                             slice_of(json_opt_str(jws, "signature", ""))};
    char *text = mem_zalloc(parts[0].len + parts[1].len + parts[2].len + 3), *at = text;
    for (size_t i = 0; i < ARRAY_LEN(parts); i++) {
        if (i)
            *at++ = '.';
        if (parts[i].len)
            memcpy(at, parts[i].ptr, parts[i].len);
        at += parts[i].len;
    }
    return text;
}

/* Other algorithms' signatures are of another length. */
static void make_low_s(json_t *jws)
{
    unsigned char signature[LOW_S_SIGNATURE];
    char text[BASE64_SIZE(LOW_S_SIGNATURE)];
    size_t len;
    if (!decode_base64url(slice_of(json_opt_str(jws, "signature", "")), signature, sizeof signature, &len) ||
        len != sizeof signature)
        return;
    low_s_make(signature);
    encode_base64url(slice_make(signature, sizeof signature), text);
    (void)json_object_set_new(jws, "signature", json_string(text));
}

/* Takes `header`, which names the algorithm. */
static enum result sign_with(const json_t *jwk, json_t *header, struct slice payload, char **ret, struct error *err)
{
    json_t *jws = json_pack("{s:o}", "payload", encode_payload(payload)),
           *sig = json_pack("{s:o}", "protected", header);
    jose_cfg_t *cfg = jose_algorithm_cfg();
    ERR_set_mark();
    bool ok = jose_jws_sig(cfg, jws, sig, jwk);
    ERR_pop_to_mark();
    jose_cfg_decref(cfg);
    if (ok) {
        make_low_s(jws);
        *ret = join_parts(jws);
    }
    json_decref(sig);
    json_decref(jws);
    return ok ? OK : error_set(err, R_IO, "the library could not sign");
}

enum result jose_sign(const struct jose_signer *s, json_t *header, struct slice payload, char **ret, struct error *err)
{
    *ret = NULL;
    if (payload.len > JOSE_DOCUMENT_MAX / 4 * 3 - 65536) /* leaves room for the header */
        return error_set(err, R_LIMIT, "a payload of %zu bytes is too large to be signed", payload.len);
    json_t *protected = header ? json_deep_copy(header) : json_object();
    (void)json_object_set_new(protected, "alg", json_string("ES256"));
    (void)json_object_set_new(protected, "kid", json_string(s->kid));
    if (!s->kept)
        return sign_with(s->jwk, protected, payload, ret, err);
    enum result r = jose_kept_sign(s->kept, protected, payload, ret, err);
    json_decref(protected);
    return r;
}

enum result jose_sign_by(EVP_PKEY *key, json_t *header, struct slice payload, char **ret, struct error *err)
{
    json_t *jwk = jwk_of(key);
    *ret = NULL;
    if (!json_object_get(jwk, "d")) {
        json_decref(jwk);
        return error_set(err, R_INVALID, "the signing key has no private part");
    }
    enum result r = sign_with(jwk, json_deep_copy(header), payload, ret, err);
    wipe(jwk);
    return r;
}

/* --- verification --- */

/* Headers that would change what the text means (RFC 7515 4.1.11, RFC 7797, RFC 7516 4.1.3) or bring a key of their
 * own (RFC 7515 4.1.2, 4.1.3, 4.1.5, 4.1.6). */
static const char *const refused_always[] = {"crit", "b64", "zip", "jwk", "jku", "x5u"};

static bool printable(const char *text)
{
    for (; *text; text++) {
        if (*text < 0x20 || *text > 0x7e)
            return false;
    }
    return true;
}

static enum result check_header(const json_t *header, bool may_x5c, const struct jose_algorithm **ret,
                                struct error *err)
{
    for (size_t i = 0; i < ARRAY_LEN(refused_always); i++) {
        if (json_object_get(header, refused_always[i]))
            return error_set(err, R_INVALID, "the header has '%s', which is not taken here", refused_always[i]);
    }
    if (!may_x5c && json_object_get(header, "x5c"))
        return error_set(err, R_INVALID, "the header has 'x5c', which is not taken here");
    const char *alg;
    if (json_need_str(header, "alg", &alg, err) != OK) {
        (void)error_prefix(err, "header");
        return R_INVALID;
    }
    *ret = jose_algorithm_find(alg);
    if (!*ret)
        return error_set(err, R_INVALID, "the header's algorithm is never accepted");
    return OK;
}

static enum result check_kid(const json_t *header, const char **ret, struct error *err)
{
    if (json_need_str(header, "kid", ret, err) != OK) {
        (void)error_prefix(err, "header");
        return R_INVALID;
    }
    size_t len = strlen(*ret);
    if (len == 0 || len > JOSE_KID_MAX || !printable(*ret))
        return error_set(err, R_INVALID, "the header's kid is empty, over %d bytes or not printable", JOSE_KID_MAX);
    return OK;
}

/* As long as the modulus, no byte less (RFC 8017 8.1.2, 8.2.2): one signature has one spelling. */
static bool rsa_length_ok(const json_t *jwk, size_t len)
{
    unsigned char n[MODULUS_MAX];
    size_t n_len, zeros = 0;
    if (!decode_base64url(slice_of(json_opt_str(jwk, "n", "")), n, sizeof n, &n_len))
        return false;
    while (zeros < n_len && n[zeros] == 0)
        zeros++;
    return len == n_len - zeros;
}

/* libjose 11 has no EdDSA. What is signed stands in the token as it is: header, dot, payload. */
static bool verify_ed25519(const struct compact *c, const json_t *jwk)
{
    unsigned char signature[JOSE_ED25519_SIGNATURE];
    size_t len, signed_len = (size_t)(c->payload.ptr - c->header.ptr) + c->payload.len;
    if (!decode_base64url(c->signature, signature, sizeof signature, &len))
        return false;
    EVP_PKEY *key = jose_keys_ed25519(jwk);
    EVP_MD_CTX *ctx = EVP_MD_CTX_new();
    bool ok = key && ctx && EVP_DigestVerifyInit(ctx, NULL, NULL, NULL, key) == 1 &&
              EVP_DigestVerify(ctx, signature, len, (const unsigned char *)c->header.ptr, signed_len) == 1;
    EVP_MD_CTX_free(ctx);
    EVP_PKEY_free(key);
    return ok;
}

/* The parts are base64url and the algorithm's name stands in the header: libjose reads it there again. */
static bool verify_by_libjose(const struct compact *c, const json_t *jwk)
{
    json_t *jws = json_pack("{s:s%, s:s%, s:s%}", "payload", c->payload.ptr, c->payload.len, "protected", c->header.ptr,
                            c->header.len, "signature", c->signature.ptr, c->signature.len);
    jose_cfg_t *cfg = jose_algorithm_cfg();
    bool ok = jose_jws_ver(cfg, jws, NULL, jwk, false);
    jose_cfg_decref(cfg);
    json_decref(jws);
    return ok;
}

static bool verify_parts(const struct compact *c, const struct jose_algorithm *a, const json_t *jwk)
{
    size_t len = compact_signature_len(c);
    if (len == 0 || (a->signature_len ? len != a->signature_len : !rsa_length_ok(jwk, len)))
        return false;
    ERR_set_mark();
    bool ok = strcmp(a->kty, "OKP") == 0 ? verify_ed25519(c, jwk) : verify_by_libjose(c, jwk);
    ERR_pop_to_mark();
    return ok;
}

/* A site signs by ES256 with the lower s, so that nobody makes a second token of one. */
static bool has_low_s(const struct compact *c)
{
    unsigned char signature[LOW_S_SIGNATURE];
    size_t len;
    return decode_base64url(c->signature, signature, sizeof signature, &len) && len == sizeof signature &&
           low_s_is(signature);
}

/* A set of our own: the kid names the one key. */
static enum verdict_reason judge_own(const struct jose_keys *k, const struct compact *c, const struct jose_algorithm *a,
                                     const char *kid, struct error *detail)
{
    const json_t *jwk = jose_keys_find(k, kid);
    if (!jwk) {
        (void)error_set(detail, R_NOTFOUND, "its key '%s' is none of the %zu known", kid, jose_keys_count(k));
        return REASON_TOKEN_UNKNOWN_KEY;
    }
    if (!jose_algorithm_fits(a, jwk)) {
        (void)error_set(detail, R_DENIED, "its key '%s' is not one for %s", kid, a->name);
        return REASON_TOKEN_BAD_SIGNATURE;
    }
    if (!verify_parts(c, a, jwk)) {
        (void)error_set(detail, R_DENIED, "the signature is not valid for this content and the key '%s'", kid);
        return REASON_TOKEN_BAD_SIGNATURE;
    }
    if (strcmp(a->name, "ES256") == 0 && !has_low_s(c)) {
        (void)error_set(detail, R_DENIED, "the signature has the higher s, a site signs with the lower one");
        return REASON_TOKEN_BAD_SIGNATURE;
    }
    return REASON_OK;
}

static enum verdict_reason judge_foreign(const struct jose_keys *k, const struct compact *c,
                                         const struct jose_algorithm *a, const char *kid, struct error *detail)
{
    const json_t *candidates[JOSE_SAME_KID_MAX];
    size_t count = jose_keys_candidates(k, kid, a, candidates);
    for (size_t i = 0; i < count; i++) {
        if (verify_parts(c, a, candidates[i]))
            return REASON_OK;
    }
    if (count > 0) {
        (void)error_set(detail, R_DENIED, "the signature is not valid for this content and key%s%s", kid ? " " : "",
                        kid ? kid : "");
        return REASON_TOKEN_BAD_SIGNATURE;
    }
    if (kid && jose_keys_find(k, kid)) {
        (void)error_set(detail, R_DENIED, "its key '%s' is not one for %s", kid, a->name);
        return REASON_TOKEN_BAD_SIGNATURE;
    }
    const char *dropped = jose_keys_dropped(k, kid);
    if (dropped) {
        (void)error_set(detail, R_NOTFOUND, "its key '%s' is in the issuer's set, and can't be used: %s", kid, dropped);
        error_remedy(detail, verdict_remedy(REMEDY_KEY_DROPPED));
        return REASON_TOKEN_UNKNOWN_KEY;
    }
    (void)error_set(detail, R_NOTFOUND,
                    kid ? "its key '%s' is none of the %zu known for %s"
                        : "it names no key%s, and not exactly one of the %zu known is for %s",
                    kid ? kid : "", jose_keys_count(k), a->name);
    return REASON_TOKEN_UNKNOWN_KEY;
}

static enum verdict_reason judge(const struct jose_keys *k, const struct compact *c, const json_t *header,
                                 const char *algorithms, struct error *detail)
{
    const struct jose_algorithm *a = NULL;
    const char *kid = NULL;
    bool foreign = jose_keys_foreign(k), named = !foreign || json_object_get(header, "kid");
    if (check_header(header, false, &a, detail) != OK || (named && check_kid(header, &kid, detail) != OK))
        return REASON_TOKEN_MALFORMED;
    if (!jose_algorithm_listed(algorithms, a->name)) {
        (void)error_set(detail, R_INVALID, "signed by %s, taken here: %s", a->name, algorithms);
        if (foreign)
            error_remedy(detail, verdict_remedy(REMEDY_ALGORITHM));
        return REASON_TOKEN_MALFORMED;
    }
    return foreign ? judge_foreign(k, c, a, kid, detail) : judge_own(k, c, a, kid, detail);
}

static enum result decode_both(const struct compact *c, json_t **ret_header, json_t **ret_payload, struct error *err)
{
    enum result r = compact_object(c->header, "header", ret_header, err);
    if (r == OK && ret_payload)
        r = compact_object(c->payload, "payload", ret_payload, err);
    if (r != OK) {
        json_decref(*ret_header);
        *ret_header = NULL;
    }
    return r;
}

enum verdict_reason jose_verify(const struct jose_keys *k, struct slice token, const char *algorithms,
                                json_t **ret_header, json_t **ret_payload, struct error *detail)
{
    struct compact c;
    *ret_header = *ret_payload = NULL;
    if (compact_split(token, JOSE_TOKEN_MAX, &c, detail) != OK ||
        decode_both(&c, ret_header, ret_payload, detail) != OK)
        return REASON_TOKEN_MALFORMED;
    enum verdict_reason reason = judge(k, &c, *ret_header, algorithms, detail);
    if (reason != REASON_OK) {
        json_decref(*ret_header);
        json_decref(*ret_payload);
        *ret_header = *ret_payload = NULL;
    }
    return reason;
}

enum verdict_reason jose_verify_signature(const struct jose_keys *k, struct slice token, const char *algorithms,
                                          struct error *detail)
{
    struct compact c;
    json_t *header;
    if (compact_split(token, JOSE_TOKEN_MAX, &c, detail) != OK ||
        compact_object(c.header, "header", &header, detail) != OK)
        return REASON_TOKEN_MALFORMED;
    enum verdict_reason reason = judge(k, &c, header, algorithms, detail);
    json_decref(header);
    return reason;
}

static enum result check_document_header(const struct compact *c, const struct jose_algorithm **ret, struct error *err)
{
    json_t *header;
    enum result r = compact_object(c->header, "header", &header, err);
    if (r != OK)
        return r;
    r = check_header(header, true, ret, err);
    if (r == OK && strcmp((*ret)->name, "ES256") != 0)
        r = error_set(err, R_INVALID, "signed by %s, taken here: ES256", (*ret)->name);
    json_decref(header);
    return r;
}

enum result jose_verify_with(EVP_PKEY *key, struct slice token, struct error *err)
{
    struct compact c;
    const struct jose_algorithm *a = NULL;
    enum result r = compact_split(token, JOSE_DOCUMENT_MAX, &c, err);
    if (r == OK)
        r = check_document_header(&c, &a, err);
    if (r != OK)
        return r;
    if (!pki_key_is_p256(key))
        return error_set(err, R_DENIED, "its key is not of the curve P-256 (ES256)");
    json_t *jwk = jwk_of(key);
    bool ok = jwk && verify_parts(&c, a, jwk);
    json_decref(jwk);
    return ok ? OK : error_set(err, R_DENIED, "the signature is not valid for this content and key");
}

enum result jose_peek(struct slice token, size_t max, json_t **ret_header, json_t **ret_payload, struct error *err)
{
    struct compact c;
    *ret_header = NULL;
    if (ret_payload)
        *ret_payload = NULL;
    enum result r = compact_split(token, max, &c, err);
    return r == OK ? decode_both(&c, ret_header, ret_payload, err) : r;
}
