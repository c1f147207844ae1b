/* SPDX-License-Identifier: Apache-2.0 */
/* The compact form around a signature by OpenSSL's EVP: RFC 7515 7.1, RFC 7518 3.4. */
#include "jose/jws/kept.h"

#include <openssl/err.h>
#include <openssl/x509.h>
#include <stdlib.h>

#include "base/mem.h"
#include "base/text/encode.h"
#include "jose/jws/low_s.h"
#include "jose/jws/raw.h"
#include "json/json.h"

enum { DER_MAX = 128 };

EVP_PKEY *jose_kept_public(EVP_PKEY *key)
{
    unsigned char *der = NULL;
    int len = i2d_PUBKEY(key, &der);
    const unsigned char *at = der;
    EVP_PKEY *ret = len > 0 ? d2i_PUBKEY(NULL, &at, len) : NULL;
    OPENSSL_free(der);
    if (!ret)
        fatal("jose: the public half of a key can't be read");
    return ret;
}

static bool sign(EVP_PKEY *key, struct slice data, unsigned char ret[LOW_S_SIGNATURE])
{
    unsigned char der[DER_MAX];
    size_t len = sizeof der;
    EVP_MD_CTX *ctx = EVP_MD_CTX_new();
    ERR_set_mark();
    bool ok = ctx && EVP_DigestSignInit_ex(ctx, NULL, "SHA256", NULL, NULL, key, NULL) > 0 &&
              EVP_DigestSign(ctx, der, &len, (const unsigned char *)data.ptr, data.len) > 0 &&
              ecdsa_raw_of_der(slice_make(der, len), LOW_S_SIGNATURE / 2, ret);
    ERR_pop_to_mark();
    EVP_MD_CTX_free(ctx);
    if (ok)
        low_s_make(ret);
    return ok;
}

enum result jose_kept_sign(EVP_PKEY *key, const json_t *header, struct slice payload, char **ret, struct error *err)
{
    unsigned char signature[LOW_S_SIGNATURE];
    char *head = json_text(header);
    size_t size = BASE64_SIZE(strlen(head)) + BASE64_SIZE(payload.len) + BASE64_SIZE(sizeof signature) + 2;
    char *text = mem_zalloc(size), *at = text;
    encode_base64url(slice_of(head), at);
    at += strlen(at);
    *at++ = '.';
    encode_base64url(payload, at);
    at += strlen(at);
    free(head);
    bool ok = sign(key, slice_make(text, (size_t)(at - text)), signature);
    *ret = ok ? text : NULL;
    if (!ok) {
        free(text);
        return error_set(err, R_IO, "the TPM or HSM did not sign");
    }
    *at++ = '.';
    encode_base64url(slice_make(signature, sizeof signature), at);
    return OK;
}
