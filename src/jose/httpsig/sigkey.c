/* SPDX-License-Identifier: Apache-2.0 */
/* Signing and verifying with OpenSSL's EVP; all that is done here is to choose the parameters and, for ECDSA, to turn
 * r||s into the structure that OpenSSL wants (RFC 9421 3.3.4, 3.3.5). */
#include "jose/httpsig/sigkey.h"

#include <openssl/bn.h>
#include <openssl/ec.h>
#include <openssl/ecdsa.h>
#include <openssl/err.h>
#include <openssl/rsa.h>

#include "jose/jws/raw.h"

enum { RSA_BITS_MIN = 2048, RSA_BITS_MAX = 8192 };

struct sigkey_algorithm {
    const char *name, *key_type, *group, *digest;
    size_t coordinate; /* ECDSA: bytes of r and of s */
    bool pss;
};

static const struct sigkey_algorithm algorithms[] = {
    {"ecdsa-p256-sha256", "EC", "prime256v1", "SHA256", 32, false},
    {"ecdsa-p384-sha384", "EC", "secp384r1", "SHA384", 48, false},
    {"rsa-pss-sha512", "RSA", NULL, "SHA512", 0, true},
    {"ed25519", "ED25519", NULL, NULL, 0, false},
};

static bool group_is(EVP_PKEY *key, const char *group)
{
    char name[32];
    size_t len;
    return EVP_PKEY_get_group_name(key, name, sizeof name, &len) && strcmp(name, group) == 0;
}

const struct sigkey_algorithm *sigkey_algorithm(EVP_PKEY *key)
{
    for (size_t i = 0; i < ARRAY_LEN(algorithms); i++) {
        const struct sigkey_algorithm *a = &algorithms[i];
        if (!EVP_PKEY_is_a(key, a->key_type) || (a->group && !group_is(key, a->group)))
            continue;
        int bits = EVP_PKEY_get_bits(key);
        return a->pss && (bits < RSA_BITS_MIN || bits > RSA_BITS_MAX) ? NULL : a;
    }
    return NULL;
}

const char *sigkey_name(const struct sigkey_algorithm *a)
{
    return a->name;
}

/* RFC 9421 3.3.1: MGF1 with the same hash, a salt of 64 bytes. */
static bool set_padding(const struct sigkey_algorithm *a, EVP_PKEY_CTX *ctx)
{
    return !a->pss || (EVP_PKEY_CTX_set_rsa_padding(ctx, RSA_PKCS1_PSS_PADDING) > 0 &&
                       EVP_PKEY_CTX_set_rsa_pss_saltlen(ctx, RSA_PSS_SALTLEN_DIGEST) > 0);
}

size_t sigkey_sign(const struct sigkey_algorithm *a, EVP_PKEY *key, struct slice data,
                   unsigned char ret[SIGKEY_SIGNATURE_MAX])
{
    unsigned char made[SIGKEY_SIGNATURE_MAX];
    size_t len = sizeof made;
    EVP_PKEY_CTX *param = NULL;
    EVP_MD_CTX *ctx = EVP_MD_CTX_new();
    ERR_set_mark();
    bool ok = ctx && EVP_DigestSignInit_ex(ctx, &param, a->digest, NULL, NULL, key, NULL) > 0 &&
              set_padding(a, param) && EVP_DigestSign(ctx, made, &len, (const unsigned char *)data.ptr, data.len) > 0;
    if (ok && a->coordinate)
        len = ecdsa_raw_of_der(slice_make(made, len), a->coordinate, ret) ? 2 * a->coordinate : 0;
    else if (ok)
        memcpy(ret, made, len);
    ERR_pop_to_mark();
    EVP_MD_CTX_free(ctx);
    return ok ? len : 0;
}

static unsigned char *der_of_raw(struct slice raw, size_t coordinate, size_t *ret_len)
{
    const unsigned char *bytes = (const unsigned char *)raw.ptr;
    unsigned char *der = NULL;
    ECDSA_SIG *sig = ECDSA_SIG_new();
    BIGNUM *r = BN_bin2bn(bytes, (int)coordinate, NULL), *s = BN_bin2bn(bytes + coordinate, (int)coordinate, NULL);
    int len = 0;
    if (sig && r && s && ECDSA_SIG_set0(sig, r, s)) {
        r = s = NULL; /* the structure owns them now */
        len = i2d_ECDSA_SIG(sig, &der);
    }
    BN_free(r);
    BN_free(s);
    ECDSA_SIG_free(sig);
    *ret_len = len > 0 ? (size_t)len : 0;
    return len > 0 ? der : NULL;
}

static bool verify_bytes(const struct sigkey_algorithm *a, EVP_PKEY *key, struct slice data, const unsigned char *sig,
                         size_t len)
{
    EVP_PKEY_CTX *param = NULL;
    EVP_MD_CTX *ctx = EVP_MD_CTX_new();
    bool ok = ctx && EVP_DigestVerifyInit_ex(ctx, &param, a->digest, NULL, NULL, key, NULL) > 0 &&
              set_padding(a, param) && EVP_DigestVerify(ctx, sig, len, (const unsigned char *)data.ptr, data.len) == 1;
    EVP_MD_CTX_free(ctx);
    return ok;
}

bool sigkey_verify(const struct sigkey_algorithm *a, EVP_PKEY *key, struct slice data, struct slice signature)
{
    bool ok = false;
    ERR_set_mark();
    if (!a->coordinate) {
        ok = verify_bytes(a, key, data, (const unsigned char *)signature.ptr, signature.len);
    } else if (signature.len == 2 * a->coordinate) {
        size_t len;
        unsigned char *der = der_of_raw(signature, a->coordinate, &len);
        ok = der && verify_bytes(a, key, data, der, len);
        OPENSSL_free(der);
    }
    ERR_pop_to_mark();
    return ok;
}
