/* SPDX-License-Identifier: Apache-2.0 */
/* Private keys to JWK and back, over libjose; that the two halves of a key belong together is asked of OpenSSL. */
#include "jose/jws/private.h"

#include <openssl/err.h>

#include "jose/jws/algorithm.h"
#include "jose/jws/library.h"
#include "json/json.h"

enum result jose_private_jwk(EVP_PKEY *key, json_t **ret, struct error *err)
{
    static const char *const members[] = {"kty", "crv", "x", "y", "d"};
    jose_cfg_t *cfg = jose_algorithm_cfg();
    ERR_set_mark();
    json_t *whole = jose_openssl_jwk_from_EVP_PKEY(cfg, key);
    ERR_pop_to_mark();
    jose_cfg_decref(cfg);
    enum result r = OK;
    *ret = json_object();
    for (size_t i = 0; i < ARRAY_LEN(members); i++) {
        if (json_object_set(*ret, members[i], json_object_get(whole, members[i])) != 0)
            r = error_set(err, R_INVALID, "this is no private key of the curve P-256");
    }
    if (r == OK && strcmp(json_opt_str(*ret, "crv", ""), "P-256") != 0)
        r = error_set(err, R_INVALID, "this is no private key of the curve P-256");
    json_decref(whole);
    if (r != OK) {
        json_decref(*ret);
        *ret = NULL;
    }
    return r;
}

static bool is_pair(EVP_PKEY *key)
{
    EVP_PKEY_CTX *ctx = EVP_PKEY_CTX_new(key, NULL);
    bool ok = ctx && EVP_PKEY_check(ctx) == 1;
    EVP_PKEY_CTX_free(ctx);
    return ok;
}

enum result jose_private_key(const json_t *jwk, EVP_PKEY **ret, struct error *err)
{
    *ret = NULL;
    if (strcmp(json_opt_str(jwk, "kty", ""), "EC") != 0 || strcmp(json_opt_str(jwk, "crv", ""), "P-256") != 0 ||
        !json_is_string(json_object_get(jwk, "d")))
        return error_set(err, R_INVALID, "the key is no private key of the curve P-256");
    jose_cfg_t *cfg = jose_algorithm_cfg();
    ERR_set_mark();
    EVP_PKEY *key = jose_openssl_jwk_to_EVP_PKEY(cfg, jwk);
    bool ok = key && is_pair(key);
    ERR_pop_to_mark();
    jose_cfg_decref(cfg);
    if (!ok) {
        EVP_PKEY_free(key);
        return error_set(err, R_INVALID, "the key's two halves do not belong together");
    }
    *ret = key;
    return OK;
}
