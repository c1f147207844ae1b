/* SPDX-License-Identifier: Apache-2.0 */
/* Key sets (RFC 7517 5): judged once when they are read, so that a verification only has to find the key. */
#include "jose/jws/keys.h"

#include <stdlib.h>

#include <openssl/core_names.h>
#include <openssl/err.h>
#include <openssl/rsa.h>

#include "base/mem.h"
#include "base/text/encode.h"
#include "jose/jws/algorithm.h"
#include "pki/cert/strength.h"
#include "json/json.h"

enum {
    RSA_BITS_MIN = 2048,
    RSA_BITS_MAX = 8192,
    EXPONENT_BITS_MAX = 256,
    COORDINATE_MAX = 66,
    DROPPED_MAX = 16,
    DROPPED_TEXT = 120
};

/* A key of a foreign set that is not taken: to be told to who holds a token of it. */
struct dropped {
    char kid[JOSE_KID_MAX + 1];
    char why[DROPPED_TEXT];
};

struct jose_keys {
    json_t *jwks[JOSE_KEYS_MAX];
    size_t count;
    bool foreign;
    struct dropped *dropped; /* the first DROPPED_MAX that have a kid */
    size_t dropped_count;
};

/* RFC 7518 6.2.2, 6.3.2, 6.4: a set of public keys that holds one of these gives a secret away. */
static const char *const secret_members[] = {"d", "p", "q", "dp", "dq", "qi", "oth", "k"};

/* RFC 7517 4.3: strings, none of them twice; and what may be verified with is among them. */
static bool ops_verify(const json_t *ops)
{
    enum { OPS_MAX = 16 }; /* the RFC knows eight */
    bool verify = false;
    if (json_array_size(ops) > OPS_MAX)
        return false;
    for (size_t i = 0; i < json_array_size(ops); i++) {
        const char *op = json_string_value(json_array_get(ops, i));
        if (!op)
            return false;
        for (size_t k = 0; k < i; k++) {
            if (strcmp(op, json_string_value(json_array_get(ops, k))) == 0)
                return false;
        }
        verify = verify || strcmp(op, "verify") == 0;
    }
    return verify;
}

static bool for_signatures(const json_t *jwk)
{
    const json_t *ops = json_object_get(jwk, "key_ops");
    const json_t *use = json_object_get(jwk, "use"), *alg = json_object_get(jwk, "alg");
    if ((use && !json_is_string(use)) || (alg && !json_is_string(alg)))
        return false; /* says something, and nobody knows what */
    return strcmp(json_opt_str(jwk, "use", "sig"), "sig") == 0 && (!ops || ops_verify(ops));
}

static bool kid_usable(const char *kid)
{
    size_t len = kid ? strlen(kid) : 0;
    return len > 0 && len <= JOSE_KID_MAX;
}

EVP_PKEY *jose_keys_ed25519(const json_t *jwk)
{
    unsigned char x[JOSE_ED25519_KEY + 1];
    size_t len;
    if (strcmp(json_opt_str(jwk, "crv", ""), "Ed25519") != 0 ||
        !decode_base64url(slice_of(json_opt_str(jwk, "x", "")), x, sizeof x, &len) || len != JOSE_ED25519_KEY)
        return NULL;
    return EVP_PKEY_new_raw_public_key(EVP_PKEY_ED25519, NULL, x, len);
}

static EVP_PKEY *make_key(const json_t *jwk)
{
    if (strcmp(json_opt_str(jwk, "kty", ""), "OKP") == 0)
        return jose_keys_ed25519(jwk);
    jose_cfg_t *cfg = jose_algorithm_cfg();
    EVP_PKEY *key = jose_openssl_jwk_to_EVP_PKEY(cfg, jwk);
    jose_cfg_decref(cfg);
    return key;
}

/* With an exponent of 1 every text is its own signature; a long one takes long. */
static bool numbers_ok(EVP_PKEY *key)
{
    BIGNUM *n = NULL, *e = NULL;
    bool ok = EVP_PKEY_get_bn_param(key, OSSL_PKEY_PARAM_RSA_N, &n) &&
              EVP_PKEY_get_bn_param(key, OSSL_PKEY_PARAM_RSA_E, &e) && BN_is_odd(n) && BN_is_odd(e) && !BN_is_one(e) &&
              BN_num_bits(e) <= EXPONENT_BITS_MAX && !pki_strength_roca(n);
    BN_free(n);
    BN_free(e);
    return ok;
}

static enum result check_rsa(EVP_PKEY *key, struct error *err)
{
    int bits = EVP_PKEY_get_bits(key);
    if (bits < RSA_BITS_MIN || bits > RSA_BITS_MAX)
        return error_set(err, R_INVALID, "RSA of %d bits, taken are %d to %d", bits, RSA_BITS_MIN, RSA_BITS_MAX);
    return numbers_ok(key) ? OK
                           : error_set(err, R_INVALID,
                                       "RSA whose modulus or exponent is even, whose exponent is 1 "
                                       "or over %d bits, or that a faulty chip made (ROCA)",
                                       EXPONENT_BITS_MAX);
}

/* As long as the curve's, no byte more or less (RFC 7518 6.2.1.2): one key has one spelling. */
static bool coordinates_ok(const json_t *jwk, EVP_PKEY *key)
{
    static const char *const members[] = {"x", "y"};
    unsigned char number[COORDINATE_MAX + 1];
    size_t len, wanted = (size_t)(EVP_PKEY_get_bits(key) + 7) / 8;
    for (size_t i = 0; i < ARRAY_LEN(members); i++) {
        if (!decode_base64url(slice_of(json_opt_str(jwk, members[i], "")), number, sizeof number, &len) ||
            len != wanted)
            return false;
    }
    return true;
}

/* Builds the key once: a point off its curve or a modulus that is none shows here. */
static enum result check_numbers(const json_t *jwk, struct error *err)
{
    ERR_set_mark();
    EVP_PKEY *key = make_key(jwk);
    enum result r = OK;
    if (!key)
        r = error_set(err, R_INVALID, "its numbers make no key");
    else if (EVP_PKEY_get_base_id(key) == EVP_PKEY_RSA)
        r = check_rsa(key, err);
    else if (EVP_PKEY_get_base_id(key) == EVP_PKEY_EC && !coordinates_ok(jwk, key))
        r = error_set(err, R_INVALID, "its coordinates are not as long as its curve's (RFC 7518 6.2.1.2)");
    EVP_PKEY_free(key);
    ERR_pop_to_mark();
    return r;
}

static enum result keep(struct jose_keys *k, const json_t *jwk, struct error *err)
{
    if (k->count == JOSE_KEYS_MAX)
        return error_set(err, R_LIMIT, "is one key too many, at most %d are taken", JOSE_KEYS_MAX);
    json_t *copy = json_deep_copy(jwk);
    k->jwks[k->count++] = copy;
    return OK;
}

static enum result add_key(struct jose_keys *k, const json_t *jwk, struct error *err)
{
    if (!json_is_object(jwk))
        return error_set(err, R_INVALID, "is not an object");
    for (size_t i = 0; i < ARRAY_LEN(secret_members); i++) {
        if (json_object_get(jwk, secret_members[i]))
            return error_set(err, R_INVALID, "holds the secret member '%s': keys given to others must be public",
                             secret_members[i]);
    }
    const char *kid = json_opt_str(jwk, "kid", NULL);
    bool ours = strcmp(json_opt_str(jwk, "kty", ""), "OKP") != 0; /* sites sign with ES256, foreign ones with RS256 */
    if (!kid_usable(kid) || !for_signatures(jwk) || !jose_algorithm_any(jwk) || !ours)
        return OK;
    if (jose_keys_find(k, kid))
        return error_set(err, R_INVALID, "has the same kid as another key");
    enum result r = check_numbers(jwk, err);
    if (r != OK)
        return r;
    return keep(k, jwk, err);
}

static enum result check_foreign(const json_t *jwk, struct error *err)
{
    const json_t *kid = json_object_get(jwk, "kid");
    for (size_t i = 0; i < ARRAY_LEN(secret_members); i++) {
        if (json_object_get(jwk, secret_members[i]))
            return error_set(err, R_DENIED, "it holds the secret member '%s', so that it is nobody's secret any more",
                             secret_members[i]);
    }
    if (kid && !kid_usable(json_string_value(kid)))
        return error_set(err, R_INVALID, "its kid is empty, too long or no text");
    if (!for_signatures(jwk))
        return error_set(err, R_INVALID, "by its 'use', 'key_ops' or 'alg' it is not for verifying signatures");
    if (!jose_algorithm_any(jwk))
        return error_set(err, R_INVALID, "it is of no kind that is ever taken ('kty', 'crv', 'alg')");
    return check_numbers(jwk, err);
}

static void note_dropped(struct jose_keys *k, const char *kid, const char *why)
{
    if (k->dropped_count == DROPPED_MAX)
        return;
    k->dropped = mem_resize(k->dropped, k->dropped_count + 1, sizeof *k->dropped);
    struct dropped *d = &k->dropped[k->dropped_count++];
    cstr_copy(d->kid, sizeof d->kid, kid);
    cstr_copy(d->why, sizeof d->why, why);
}

/* RFC 7517 5: what is not understood, incomplete or out of range is passed over, so that one bad key strands nobody.
 * One that gives a secret away is never believed. */
static enum result add_foreign(struct jose_keys *k, const json_t *jwk, struct error *err)
{
    struct error why = {0};
    const json_t *kid = json_object_get(jwk, "kid");
    if (check_foreign(jwk, &why) == OK)
        return keep(k, jwk, err);
    if (kid_usable(json_string_value(kid)))
        note_dropped(k, json_string_value(kid), why.text);
    return OK;
}

typedef enum result add_fn(struct jose_keys *k, const json_t *jwk, struct error *err);

static enum result read_set(const json_t *jwks, add_fn *add, struct jose_keys **ret, struct error *err)
{
    struct error local;
    err = err ? err : &local;
    *ret = NULL;
    json_t *list;
    enum result r = json_need_array(jwks, "keys", &list, err);
    if (r != OK)
        return r;
    struct jose_keys *k = mem_zalloc(sizeof *k);
    for (size_t i = 0; i < json_array_size(list) && r == OK; i++) {
        r = add(k, json_array_get(list, i), err);
        if (r != OK)
            (void)error_prefix(err, "keys[%zu]", i);
    }
    if (r != OK) {
        jose_keys_free(k);
        return r;
    }
    *ret = k;
    return OK;
}

enum result jose_keys_new(const json_t *jwks, struct jose_keys **ret, struct error *err)
{
    return read_set(jwks, add_key, ret, err);
}

enum result jose_keys_new_foreign(const json_t *jwks, struct jose_keys **ret, struct error *err)
{
    enum result r = read_set(jwks, add_foreign, ret, err);
    if (r == OK)
        (*ret)->foreign = true;
    return r;
}

void jose_keys_free(struct jose_keys *k)
{
    if (!k)
        return;
    for (size_t i = 0; i < k->count; i++)
        json_decref(k->jwks[i]);
    free(k->dropped);
    free(k);
}

size_t jose_keys_count(const struct jose_keys *k)
{
    return k->count;
}

const json_t *jose_keys_find(const struct jose_keys *k, const char *kid)
{
    for (size_t i = 0; i < k->count; i++) {
        if (strcmp(json_opt_str(k->jwks[i], "kid", ""), kid) == 0)
            return k->jwks[i];
    }
    return NULL;
}

const char *jose_keys_dropped(const struct jose_keys *k, const char *kid)
{
    for (size_t i = 0; kid && i < k->dropped_count; i++) {
        if (strcmp(k->dropped[i].kid, kid) == 0)
            return k->dropped[i].why;
    }
    return NULL;
}

bool jose_keys_foreign(const struct jose_keys *k)
{
    return k->foreign;
}

/* Those of `kid`; with NULL those without one, or (any) all. */
static size_t select_keys(const struct jose_keys *k, const char *kid, bool any, const struct jose_algorithm *a,
                          const json_t *ret[JOSE_SAME_KID_MAX])
{
    size_t count = 0;
    for (size_t i = 0; i < k->count && count < JOSE_SAME_KID_MAX; i++) {
        const char *own = json_opt_str(k->jwks[i], "kid", NULL);
        bool wanted = any || (kid ? own && strcmp(own, kid) == 0 : !own);
        if (wanted && jose_algorithm_fits(a, k->jwks[i]))
            ret[count++] = k->jwks[i];
    }
    return count;
}

size_t jose_keys_candidates(const struct jose_keys *k, const char *kid, const struct jose_algorithm *a,
                            const json_t *ret[JOSE_SAME_KID_MAX])
{
    size_t count = 0;
    if (kid && jose_keys_find(k, kid))
        return select_keys(k, kid, false, a, ret);
    count = select_keys(k, NULL, !kid, a, ret);
    return count == 1 ? 1 : 0;
}
