/* SPDX-License-Identifier: Apache-2.0 */
/* nonce | what is sealed | tag, in base64. */
#include "mp/watch/seal.h"

#include <openssl/core_names.h>
#include <openssl/evp.h>
#include <openssl/kdf.h>
#include <openssl/params.h>
#include <openssl/x509.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "base/rand.h"
#include "base/text/encode.h"

enum { KEY = 32, NONCE = 12, TAG = 16 };

static enum result make_key(const struct mp_keys *k, unsigned char ret[KEY], struct error *err)
{
    unsigned char *der = NULL;
    int len = i2d_PrivateKey(k->role_ca_key, &der);
    if (len <= 0)
        return error_set(err, R_INVALID, "the key of the role CA can't be read, so that no secret can be kept here");
    EVP_KDF *kdf = EVP_KDF_fetch(NULL, "HKDF", NULL);
    EVP_KDF_CTX *ctx = kdf ? EVP_KDF_CTX_new(kdf) : NULL;
    char info[] = "opencmg alerts", hash[] = "SHA256";
    const OSSL_PARAM params[] = {OSSL_PARAM_construct_utf8_string(OSSL_KDF_PARAM_DIGEST, hash, 0),
                                 OSSL_PARAM_construct_octet_string(OSSL_KDF_PARAM_KEY, der, (size_t)len),
                                 OSSL_PARAM_construct_octet_string(OSSL_KDF_PARAM_INFO, info, sizeof info - 1),
                                 OSSL_PARAM_construct_end()};
    bool made = ctx && EVP_KDF_derive(ctx, ret, KEY, params) == 1;
    EVP_KDF_CTX_free(ctx);
    EVP_KDF_free(kdf);
    OPENSSL_clear_free(der, (size_t)len);
    return made ? OK : error_set(err, R_IO, "OpenSSL makes no key (HKDF)");
}

/* `in` to `out`; false: the tag is wrong, or OpenSSL failed. */
static bool cipher(bool seal, const unsigned char key[KEY], const unsigned char *nonce, struct slice what,
                   struct slice in, unsigned char *out, unsigned char *tag)
{
    EVP_CIPHER_CTX *c = EVP_CIPHER_CTX_new();
    int len, more;
    bool good = c && EVP_CipherInit_ex2(c, EVP_aes_256_gcm(), key, nonce, seal, NULL) == 1 &&
                EVP_CipherUpdate(c, NULL, &len, (const unsigned char *)what.ptr, (int)what.len) == 1 &&
                EVP_CipherUpdate(c, out, &len, (const unsigned char *)in.ptr, (int)in.len) == 1 &&
                (seal || EVP_CIPHER_CTX_ctrl(c, EVP_CTRL_AEAD_SET_TAG, TAG, tag) == 1) &&
                EVP_CipherFinal_ex(c, out + len, &more) == 1 &&
                (!seal || EVP_CIPHER_CTX_ctrl(c, EVP_CTRL_AEAD_GET_TAG, TAG, tag) == 1);
    EVP_CIPHER_CTX_free(c);
    return good;
}

enum result mp_seal(const struct mp_keys *k, struct slice what, struct slice secret, char **ret, struct error *err)
{
    unsigned char key[KEY], all[NONCE + MP_SEAL_MAX + TAG];
    if (secret.len > MP_SEAL_MAX)
        return error_set(err, R_LIMIT, "a secret has %d bytes at most", MP_SEAL_MAX);
    enum result r = make_key(k, key, err);
    if (r != OK)
        return r;
    rand_bytes(all, NONCE);
    if (cipher(true, key, all, what, secret, all + NONCE, all + NONCE + secret.len)) {
        size_t len = NONCE + secret.len + TAG;
        *ret = mem_zalloc(BASE64_SIZE(len));
        (void)encode_base64(slice_make((const char *)all, len), *ret);
    } else {
        r = error_set(err, R_IO, "OpenSSL could not seal a secret");
    }
    OPENSSL_cleanse(key, sizeof key);
    return r;
}

enum result mp_unseal(const struct mp_keys *k, struct slice what, struct slice sealed, char **ret, struct error *err)
{
    unsigned char key[KEY], all[NONCE + MP_SEAL_MAX + TAG];
    size_t len;
    if (!decode_base64(sealed, all, sizeof all, &len) || len < NONCE + TAG)
        return error_set(err, R_DENIED, "the secret in the store is damaged: give it again");
    enum result r = make_key(k, key, err);
    if (r != OK)
        return r;
    struct slice in = slice_make((const char *)all + NONCE, len - NONCE - TAG);
    char *secret = mem_zalloc(in.len + 1);
    bool good = cipher(false, key, all, what, in, (unsigned char *)secret, all + len - TAG);
    OPENSSL_cleanse(key, sizeof key);
    if (good) {
        *ret = secret;
        return OK;
    }
    explicit_bzero(secret, in.len); /* nothing of it is to be used */
    free(secret);
    return error_set(err, R_DENIED,
                     "the secret was kept under other keys of the site, or for another address: give it "
                     "again (cmg alerts remove, cmg alerts add)");
}
