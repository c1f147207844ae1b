/* SPDX-License-Identifier: Apache-2.0 */
/* OpenSSL's CMS for one recipient (cms.h). */
#include "archive/cms.h"

#include <openssl/cms.h>
#include <openssl/err.h>
#include <openssl/rsa.h>

#include "base/mem.h"
#include "pki/cert/cert.h"

enum { RSA_BITS_MIN = 2048 };

static enum result check_key(X509 *cert, struct error *err)
{
    EVP_PKEY *key = X509_get0_pubkey(cert);
    char subject[160];
    pki_cert_subject(cert, subject, sizeof subject);
    if (key && EVP_PKEY_is_a(key, "RSA") && EVP_PKEY_get_bits(key) >= RSA_BITS_MIN)
        return OK;
    if (key && EVP_PKEY_is_a(key, "EC"))
        return OK;
    return error_set(err, R_INVALID,
                     "nothing can be encrypted to the certificate of %s: its key must be RSA of %d bits or more, or "
                     "ECDSA/ECDH (P-256 …)",
                     subject, RSA_BITS_MIN);
}

static bool add_recipient(CMS_ContentInfo *cms, X509 *cert)
{
    CMS_RecipientInfo *to = CMS_add1_recipient_cert(cms, cert, CMS_KEY_PARAM);
    if (!to || !EVP_PKEY_is_a(X509_get0_pubkey(cert), "RSA"))
        return to;
    EVP_PKEY_CTX *how = CMS_RecipientInfo_get0_pkey_ctx(to);
    return how && EVP_PKEY_CTX_set_rsa_padding(how, RSA_PKCS1_OAEP_PADDING) == 1 &&
           EVP_PKEY_CTX_set_rsa_oaep_md(how, EVP_sha256()) == 1 && EVP_PKEY_CTX_set_rsa_mgf1_md(how, EVP_sha256()) == 1;
}

static void take_all(BIO *bio, char **ret, size_t *ret_len)
{
    char *data;
    long len = BIO_get_mem_data(bio, &data);
    *ret = mem_array((size_t)len + 1, 1);
    *ret_len = (size_t)len;
    memcpy(*ret, data, (size_t)len);
}

enum result archive_cms_envelop(X509 *cert, struct slice secret, char **ret, size_t *ret_len, struct error *err)
{
    enum { FLAGS = CMS_BINARY | CMS_PARTIAL };
    enum result r = check_key(cert, err);
    if (r != OK)
        return r;
    CMS_ContentInfo *cms = CMS_encrypt(NULL, NULL, EVP_aes_256_gcm(), FLAGS);
    BIO *in = BIO_new_mem_buf(secret.ptr, (int)secret.len), *out = BIO_new(BIO_s_mem());
    bool made = cms && in && out && add_recipient(cms, cert) && CMS_final(cms, in, NULL, FLAGS) == 1 &&
                i2d_CMS_bio(out, cms) == 1;
    if (made)
        take_all(out, ret, ret_len);
    else
        r = error_set(err, R_INVALID, "OpenSSL encrypts nothing to that certificate: %s",
                      ERR_reason_error_string(ERR_peek_last_error()));
    ERR_clear_error();
    BIO_free(in);
    BIO_free(out);
    CMS_ContentInfo_free(cms);
    return r;
}

enum result archive_cms_open(struct slice der, EVP_PKEY *key, void *ret, size_t size, struct error *err)
{
    BIO *in = BIO_new_mem_buf(der.ptr, (int)der.len), *out = BIO_new(BIO_s_mem());
    CMS_ContentInfo *cms = in ? d2i_CMS_bio(in, NULL) : NULL;
    bool opened = cms && out && CMS_decrypt(cms, key, NULL, NULL, out, CMS_BINARY) == 1;
    char *data = NULL;
    size_t len = opened ? (size_t)BIO_get_mem_data(out, &data) : 0;
    if (len == size)
        memcpy(ret, data, size);
    ERR_clear_error();
    BIO_free(in);
    BIO_free(out);
    CMS_ContentInfo_free(cms);
    return opened && len == size ? OK : error_set(err, R_DENIED, "that key does not open it");
}
