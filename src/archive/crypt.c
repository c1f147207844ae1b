/* SPDX-License-Identifier: Apache-2.0 */
/* The calls of OpenSSL below the age format (crypt.h). */
#include "archive/crypt.h"

#include <openssl/core_names.h>
#include <openssl/evp.h>
#include <openssl/hmac.h>
#include <openssl/kdf.h>

static void must(bool done)
{
    if (!done)
        fatal("OpenSSL lacks ChaCha20-Poly1305, HKDF or HMAC, or has no memory");
}

void crypt_seal(const unsigned char key[CRYPT_KEY], const unsigned char nonce[CRYPT_NONCE], struct slice plain,
                void *ret)
{
    EVP_CIPHER_CTX *c = EVP_CIPHER_CTX_new();
    unsigned char *out = ret;
    int len, end;
    must(c && EVP_EncryptInit_ex(c, EVP_chacha20_poly1305(), NULL, key, nonce) == 1);
    must(EVP_EncryptUpdate(c, out, &len, (const unsigned char *)plain.ptr, (int)plain.len) == 1);
    must(EVP_EncryptFinal_ex(c, out + len, &end) == 1);
    must(EVP_CIPHER_CTX_ctrl(c, EVP_CTRL_AEAD_GET_TAG, CRYPT_TAG, out + plain.len) == 1);
    EVP_CIPHER_CTX_free(c);
}

bool crypt_open(const unsigned char key[CRYPT_KEY], const unsigned char nonce[CRYPT_NONCE], struct slice sealed,
                void *ret)
{
    if (sealed.len < CRYPT_TAG)
        return false;
    EVP_CIPHER_CTX *c = EVP_CIPHER_CTX_new();
    struct slice text = {sealed.ptr, sealed.len - CRYPT_TAG};
    unsigned char tag[CRYPT_TAG], *out = ret;
    int len, end;
    memcpy(tag, sealed.ptr + text.len, sizeof tag);
    must(c && EVP_DecryptInit_ex(c, EVP_chacha20_poly1305(), NULL, key, nonce) == 1);
    must(EVP_CIPHER_CTX_ctrl(c, EVP_CTRL_AEAD_SET_TAG, CRYPT_TAG, tag) == 1);
    must(EVP_DecryptUpdate(c, out, &len, (const unsigned char *)text.ptr, (int)text.len) == 1);
    bool opened = EVP_DecryptFinal_ex(c, out + len, &end) == 1;
    EVP_CIPHER_CTX_free(c);
    return opened;
}

void crypt_hkdf(struct slice secret, struct slice salt, const char *info, unsigned char ret[CRYPT_KEY])
{
    static char sha256[] = "SHA256";
    EVP_KDF *kdf = EVP_KDF_fetch(NULL, "HKDF", NULL);
    EVP_KDF_CTX *c = EVP_KDF_CTX_new(kdf);
    OSSL_PARAM params[] = {
        OSSL_PARAM_construct_utf8_string(OSSL_KDF_PARAM_DIGEST, sha256, 0),
        OSSL_PARAM_construct_octet_string(OSSL_KDF_PARAM_KEY, (void *)(uintptr_t)secret.ptr, secret.len),
        OSSL_PARAM_construct_octet_string(OSSL_KDF_PARAM_INFO, (void *)(uintptr_t)info, strlen(info)),
        OSSL_PARAM_construct_end(),
        OSSL_PARAM_construct_end(),
    };
    if (salt.len)
        params[3] = OSSL_PARAM_construct_octet_string(OSSL_KDF_PARAM_SALT, (void *)(uintptr_t)salt.ptr, salt.len);
    must(c && EVP_KDF_derive(c, ret, CRYPT_KEY, params) == 1);
    EVP_KDF_CTX_free(c);
    EVP_KDF_free(kdf);
}

void crypt_hmac(const unsigned char key[CRYPT_KEY], struct slice text, unsigned char ret[CRYPT_KEY])
{
    unsigned len;
    must(HMAC(EVP_sha256(), key, CRYPT_KEY, (const unsigned char *)text.ptr, text.len, ret, &len) != NULL);
}

enum result crypt_scrypt(struct slice passphrase, struct slice salt, unsigned log_n, unsigned char ret[CRYPT_KEY],
                         struct error *err)
{
    enum { BLOCK = 8, MEMORY_MORE = 1024 * 1024 };
    uint64_t n = (uint64_t)1 << log_n, memory = n * 128 * BLOCK;
    if (EVP_PBE_scrypt(passphrase.ptr, passphrase.len, (const unsigned char *)salt.ptr, salt.len, n, BLOCK, 1,
                       memory + MEMORY_MORE, ret, CRYPT_KEY) == 1)
        return OK;
    return error_set(err, R_IO, "a passphrase wants %llu MiB of free memory here, which this machine has not",
                     (unsigned long long)(memory >> 20));
}
