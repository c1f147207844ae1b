/* SPDX-License-Identifier: Apache-2.0 */
#include "forge.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include <openssl/core_names.h>
#include <openssl/ec.h>

#include "base/mem.h"
#include "base/text/encode.h"
#include "jose/httpsig/sigkey.h"
#include "jose/jws/low_s.h"

EVP_PKEY *forge_key(const char *curve)
{
    return EVP_EC_gen(curve);
}

char *forge_text(const char *fmt, ...)
{
    char *text = NULL;
    va_list args;
    va_start(args, fmt);
    if (vasprintf(&text, fmt, args) < 0)
        fatal("forge: out of memory");
    va_end(args);
    return text;
}

static char *encoded(struct slice bytes)
{
    char *text = mem_zalloc(BASE64_SIZE(bytes.len));
    encode_base64url(bytes, text);
    return text;
}

static char *signing_input(const char *header, const char *payload)
{
    char *h = encoded(slice_of(header)), *p = encoded(slice_of(payload));
    char *text = forge_text("%s.%s", h, p);
    free(h);
    free(p);
    return text;
}

char *forge_raw(const char *header, const char *payload, struct slice signature)
{
    char *input = signing_input(header, payload), *s = encoded(signature);
    char *text = forge_text("%s.%s", input, s);
    free(input);
    free(s);
    return text;
}

char *forge_ecdsa(EVP_PKEY *key, const char *header, const char *payload)
{
    unsigned char signature[SIGKEY_SIGNATURE_MAX];
    char *input = signing_input(header, payload);
    size_t len = sigkey_sign(sigkey_algorithm(key), key, slice_of(input), signature);
    free(input);
    if (!len)
        fatal("forge: can't sign");
    if (len == LOW_S_SIGNATURE)
        low_s_make(signature);
    return forge_raw(header, payload, slice_make(signature, len));
}

char *forge_hmac(struct slice secret, const char *header, const char *payload)
{
    unsigned char mac[32];
    size_t len;
    char *input = signing_input(header, payload);
    if (!EVP_Q_mac(NULL, "HMAC", NULL, "SHA256", NULL, secret.ptr, secret.len, (unsigned char *)input, strlen(input),
                   mac, sizeof mac, &len))
        fatal("forge: no HMAC");
    free(input);
    return forge_raw(header, payload, slice_make(mac, len));
}

static json_t *coordinate(EVP_PKEY *key, const char *name, size_t size)
{
    unsigned char bytes[66];
    char text[BASE64_SIZE(66)];
    BIGNUM *n = NULL;
    if (!EVP_PKEY_get_bn_param(key, name, &n) || BN_bn2binpad(n, bytes, (int)size) < 0)
        fatal("forge: no coordinate");
    BN_free(n);
    encode_base64url(slice_make(bytes, size), text);
    return json_string(text);
}

json_t *forge_jwk(EVP_PKEY *key, const char *curve, const char *kid)
{
    size_t size = ((size_t)EVP_PKEY_get_bits(key) + 7) / 8;
    return json_pack("{s:s, s:s, s:s, s:o, s:o}", "kty", "EC", "crv", curve, "kid", kid, "x",
                     coordinate(key, OSSL_PKEY_PARAM_EC_PUB_X, size), "y",
                     coordinate(key, OSSL_PKEY_PARAM_EC_PUB_Y, size));
}

char *forge_kid(const struct jose_signer *s)
{
    json_t *jwk = jose_signer_public_jwk(s);
    char *kid = forge_text("%s", json_string_value(json_object_get(jwk, "kid")));
    json_decref(jwk);
    return kid;
}

struct jose_keys *forge_keys(const struct jose_signer *s, json_t *more)
{
    struct jose_keys *keys;
    struct error err;
    json_t *set = json_pack("{s:[o]}", "keys", jose_signer_public_jwk(s));
    if (more)
        json_array_append(json_object_get(set, "keys"), more);
    if (jose_keys_new(set, &keys, &err) != OK)
        fatal("forge: %s", err.text);
    json_decref(set);
    return keys;
}
