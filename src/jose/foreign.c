/* SPDX-License-Identifier: Apache-2.0 */
/* Which site a token is of, whether it is good, and reading of the keys for that (jose/jwt.h judges the rest). Pure. */
#include "jose/foreign.h"

#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/x509.h>

#include "base/text/encode.h"
#include "jose/jws/algorithm.h"
#include "json/json.h"

/* For OpenSSL: what is encrypted can't be read, and nobody is asked on a terminal. */
#define NO_PASS_PHRASE ((void *)(uintptr_t) "")

enum { SHA1_SIZE = 20, DAY_S = 86400 };

/* What has been published of Configuration Manager's own tokens: the bulk registration token, at most seven days
 * long. */
static const struct {
    const char *category, *type;
    int64_t most_s;
} known[] = {{"SCCMPreAuthToken", "BulkRegistration", 7 * DAY_S}};

/* --- whose --- */

static bool issued_by(const struct foreign_site *s, const json_t *claims)
{
    return strcmp(json_opt_str(claims, "iss", ""), s->issuer) == 0;
}

bool foreign_is(const struct foreign_site *list, size_t count, struct slice text)
{
    json_t *header, *claims;
    bool is = false;
    if (!count || jose_peek(text, JOSE_TOKEN_MAX, &header, &claims, NULL) != OK)
        return false;
    for (size_t i = 0; i < count && !is; i++)
        is = issued_by(&list[i], claims);
    json_decref(header);
    json_decref(claims);
    return is;
}

/* A header that names its key in two ways would be read by one of them here and by the other elsewhere. */
static enum verdict_reason choose(const struct foreign_site *list, size_t count, const json_t *header,
                                  const json_t *claims, const struct foreign_site **ret, struct error *detail)
{
    const char *name = "";
    if (json_object_get(header, FOREIGN_X5T) && json_object_get(header, FOREIGN_KID)) {
        (void)error_set(detail, R_INVALID, "its header names the key twice, by x5t and by kid");
        return REASON_TOKEN_MALFORMED;
    }
    for (size_t i = 0; i < count; i++) {
        if (!issued_by(&list[i], claims))
            continue;
        name = list[i].header;
        if (strcmp(json_opt_str(header, name, ""), list[i].key) == 0) {
            *ret = &list[i];
            return REASON_OK;
        }
    }
    (void)error_set(detail, R_NOTFOUND, "its key (header '%s') is '%.64s', none of those that are trusted of '%.128s'",
                    name, json_opt_str(header, name, ""), json_opt_str(claims, "iss", ""));
    return REASON_TOKEN_UNKNOWN_KEY;
}

/* --- what for --- */

static enum verdict_reason judge_purpose(const json_t *claims, struct error *detail)
{
    const char *category = json_opt_str(claims, "SCCMTokenCategory", ""), *type = json_opt_str(claims, "Type", "");
    int64_t from = json_opt_int(claims, "nbf", 0), to = json_opt_int(claims, "exp", 0);
    for (size_t i = 0; i < ARRAY_LEN(known); i++) {
        if (strcmp(category, known[i].category) != 0 || strcmp(type, known[i].type) != 0)
            continue;
        if (from > 0 && to > from && to - from <= known[i].most_s)
            return REASON_OK;
        (void)error_set(detail, R_INVALID, "it must say from when to when it lasts (nbf, exp), at most %d days",
                        (int)(known[i].most_s / DAY_S));
        return REASON_TOKEN_MALFORMED;
    }
    (void)error_set(detail, R_DENIED, "its category '%.64s' of type '%.64s' is not known here", category, type);
    return REASON_TOKEN_WRONG_PURPOSE;
}

static enum verdict_reason take_id(const json_t *claims, struct foreign_token *ret, struct error *detail)
{
    const char *id = json_opt_str(claims, "UniqueId", "");
    if (guid_valid(slice_of(id)) && slice_to_cstr(slice_of(id), ret->id, sizeof ret->id))
        return REASON_OK;
    (void)error_set(detail, R_INVALID, "claim 'UniqueId' is not a GUID");
    return REASON_TOKEN_MALFORMED;
}

static enum verdict_reason judge(const struct foreign_site *s, struct slice text, int64_t now,
                                 struct foreign_token *ret, struct error *detail)
{
    json_t *claims;
    struct jwt_policy policy = {s->keys, "RS256", s->issuer, s->audience};
    ret->site = s;
    enum verdict_reason reason = jwt_judge(&policy, text, now, &claims, detail);
    if (reason != REASON_OK)
        return reason;
    reason = judge_purpose(claims, detail);
    if (reason == REASON_OK)
        reason = take_id(claims, ret, detail);
    ret->expires = json_opt_int(claims, "exp", 0);
    json_decref(claims);
    return reason;
}

enum verdict_reason foreign_judge(const struct foreign_site *list, size_t count, struct slice text, int64_t now,
                                  struct foreign_token *ret, struct error *detail)
{
    struct error local;
    json_t *header, *claims;
    const struct foreign_site *site;
    detail = detail ? detail : &local;
    detail->text[0] = '\0';
    *ret = (struct foreign_token){0};
    if (jose_peek(text, JOSE_TOKEN_MAX, &header, &claims, detail) != OK)
        return REASON_TOKEN_MALFORMED;
    enum verdict_reason reason = choose(list, count, header, claims, &site, detail);
    if (reason == REASON_OK)
        reason = judge(site, text, now, ret, detail);
    json_decref(header);
    json_decref(claims);
    return reason;
}

bool foreign_opens(const struct foreign_site *site, const char *endpoint)
{
    return !endpoint || slice_is_word_of(slice_of(endpoint), site->endpoints);
}

/* --- its key --- */

/* RFC 7515 4.1.7. */
static void x5t_of(const X509 *cert, char ret[FOREIGN_X5T_SIZE])
{
    unsigned char hash[EVP_MAX_MD_SIZE];
    unsigned len = 0;
    if (X509_digest(cert, EVP_sha1(), hash, &len) != 1 || len != SHA1_SIZE)
        fatal("SHA-1 failed");
    (void)encode_base64url(slice_make(hash, len), ret);
}

static EVP_PKEY *read_pem(struct slice pem, char ret_x5t[FOREIGN_X5T_SIZE])
{
    BIO *bio = BIO_new_mem_buf(pem.ptr, (int)pem.len);
    X509 *cert = bio ? PEM_read_bio_X509(bio, NULL, NULL, NO_PASS_PHRASE) : NULL;
    EVP_PKEY *key = NULL;
    ret_x5t[0] = '\0';
    if (cert) {
        key = X509_get_pubkey(cert);
        x5t_of(cert, ret_x5t);
    } else if (bio && BIO_reset(bio) == 1) {
        key = PEM_read_bio_PUBKEY(bio, NULL, NULL, NO_PASS_PHRASE);
    }
    X509_free(cert);
    BIO_free(bio);
    return key;
}

static json_t *set_of(EVP_PKEY *key, const char *kid)
{
    jose_cfg_t *cfg = jose_algorithm_cfg();
    json_t *jwk = EVP_PKEY_is_a(key, "RSA") ? jose_openssl_jwk_from_EVP_PKEY(cfg, key) : NULL;
    jose_cfg_decref(cfg);
    if (jwk && kid)
        (void)json_object_set_new(jwk, "kid", json_string(kid));
    return jwk ? json_pack("{s:[o]}", "keys", jwk) : NULL;
}

enum result foreign_read_key(struct slice pem, const char *kid, json_t **ret, char ret_x5t[FOREIGN_X5T_SIZE],
                             struct error *err)
{
    ERR_set_mark();
    EVP_PKEY *key = pem.len <= INT32_MAX ? read_pem(pem, ret_x5t) : NULL;
    json_t *set = key ? set_of(key, kid) : NULL;
    EVP_PKEY_free(key);
    ERR_pop_to_mark();
    struct jose_keys *keys = NULL;
    if (set && jose_keys_new_foreign(set, &keys, NULL) == OK && jose_keys_count(keys) == 1) {
        jose_keys_free(keys);
        *ret = set;
        return OK;
    }
    jose_keys_free(keys);
    json_decref(set);
    return error_set(
        err, R_INVALID,
        "the key of a Configuration Manager site is an RSA key of 2048 to 8192 bits: its SMS Token Signing "
        "Certificate, as PEM");
}
