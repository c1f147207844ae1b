/* SPDX-License-Identifier: Apache-2.0 */
/* Key sets (RFC 7517 5): judged once when they are read, so that a verification only has to find the key. */
#include "jose/keys.h"

#include <stdlib.h>

#include <openssl/err.h>

#include "base/mem.h"
#include "jose/algorithm.h"
#include "json/json.h"

enum { RSA_BITS_MIN = 2048, RSA_BITS_MAX = 8192 };

struct jose_keys {
    json_t *jwks[JOSE_KEYS_MAX];
    size_t count;
};

/* RFC 7518 6.2.2, 6.3.2, 6.4: a set of public keys that holds one of these gives a secret away. */
static const char *const secret_members[] = {"d", "p", "q", "dp", "dq", "qi", "oth", "k"};

static bool for_signatures(const json_t *jwk)
{
    const json_t *ops = json_object_get(jwk, "key_ops");
    return strcmp(json_opt_str(jwk, "use", "sig"), "sig") == 0 && (!ops || json_array_has(ops, SLICE("verify")));
}

static bool kid_usable(const char *kid)
{
    size_t len = kid ? strlen(kid) : 0;
    return len > 0 && len <= JOSE_KID_MAX;
}

/* Builds the key once: a point off its curve or a modulus that is none shows here. */
static enum result check_numbers(const json_t *jwk, struct error *err)
{
    jose_cfg_t *cfg = jose_algorithm_cfg();
    ERR_set_mark();
    EVP_PKEY *key = jose_openssl_jwk_to_EVP_PKEY(cfg, jwk);
    enum result r = OK;
    if (!key)
        r = error_set(err, R_INVALID, "its numbers make no key");
    else if (EVP_PKEY_get_base_id(key) == EVP_PKEY_RSA &&
             (EVP_PKEY_get_bits(key) < RSA_BITS_MIN || EVP_PKEY_get_bits(key) > RSA_BITS_MAX))
        r = error_set(err, R_INVALID, "RSA of %d bits, taken are %d to %d", EVP_PKEY_get_bits(key), RSA_BITS_MIN,
                      RSA_BITS_MAX);
    EVP_PKEY_free(key);
    ERR_pop_to_mark();
    jose_cfg_decref(cfg);
    return r;
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
    if (!kid_usable(kid) || !for_signatures(jwk) || !jose_algorithm_any(jwk))
        return OK;
    if (jose_keys_find(k, kid))
        return error_set(err, R_INVALID, "has the same kid as another key");
    enum result r = check_numbers(jwk, err);
    if (r != OK)
        return r;
    if (k->count == JOSE_KEYS_MAX)
        return error_set(err, R_LIMIT, "is one key too many, at most %d are taken", JOSE_KEYS_MAX);
    json_t *copy = json_deep_copy(jwk);
    if (!copy)
        fatal("jose: out of memory");
    k->jwks[k->count++] = copy;
    return OK;
}

enum result jose_keys_new(const json_t *jwks, struct jose_keys **ret, struct error *err)
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
        r = add_key(k, json_array_get(list, i), err);
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

void jose_keys_free(struct jose_keys *k)
{
    if (!k)
        return;
    for (size_t i = 0; i < k->count; i++)
        json_decref(k->jwks[i]);
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
