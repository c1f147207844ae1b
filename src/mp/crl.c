/* SPDX-License-Identifier: Apache-2.0 */
/* Reading a CRL's head; its signature and scope are judged where it is used (pki/trust.h). */
#include "mp/crl.h"

#include <limits.h>
#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/x509v3.h>
#include <stdlib.h>
#include <time.h>

#include "base/mem.h"

static X509_CRL *from_der(struct slice der)
{
    const unsigned char *at = (const unsigned char *)der.ptr;
    X509_CRL *crl = der.len <= LONG_MAX ? d2i_X509_CRL(NULL, &at, (long)der.len) : NULL;
    if (crl && at != (const unsigned char *)der.ptr + der.len) {
        X509_CRL_free(crl);
        crl = NULL;
    }
    return crl;
}

static X509_CRL *from_pem(struct slice pem)
{
    BIO *bio = pem.len <= INT_MAX ? BIO_new_mem_buf(pem.ptr, (int)pem.len) : NULL;
    X509_CRL *crl = bio ? PEM_read_bio_X509_CRL(bio, NULL, NULL, NULL) : NULL;
    BIO_free(bio);
    return crl;
}

static X509_CRL *from_base64(struct slice text)
{
    char *der = mem_zalloc(text.len + 1);
    size_t len;
    X509_CRL *crl = decode_base64(text, der, text.len, &len) ? from_der(slice_make(der, len)) : NULL;
    free(der);
    return crl;
}

static X509_CRL *read_any(struct slice data)
{
    ERR_set_mark();
    X509_CRL *crl = from_pem(data);
    if (!crl)
        crl = from_der(data);
    if (!crl)
        crl = from_base64(data);
    ERR_pop_to_mark();
    return crl;
}

static enum result read_number(X509_CRL *crl, struct mp_crl *ret, struct error *err)
{
    unsigned char bytes[sizeof ret->number / 2];
    ASN1_INTEGER *number = X509_CRL_get_ext_d2i(crl, NID_crl_number, NULL, NULL);
    BIGNUM *value = number ? ASN1_INTEGER_to_BN(number, NULL) : NULL;
    int len = value ? BN_num_bytes(value) : 0;
    bool good = !value || (!BN_is_negative(value) && (size_t)len < sizeof bytes);
    if (good && value) /* zero is a number too, and has no byte */
        (void)encode_hex(slice_make(bytes, (size_t)BN_bn2bin(value, bytes)), ret->number);
    BN_free(value);
    ASN1_INTEGER_free(number);
    return good ? OK : error_set(err, R_INVALID, "the CRL's number is not one of RFC 5280");
}

static enum result read_times(X509_CRL *crl, struct mp_crl *ret, struct error *err)
{
    const ASN1_TIME *next = X509_CRL_get0_nextUpdate(crl);
    struct tm tm;
    if (!next || ASN1_TIME_to_tm(next, &tm) != 1)
        return error_set(err, R_INVALID, "the CRL does not say when the next one comes");
    ret->next_update = (int64_t)timegm(&tm);
    return OK;
}

static void read_issuer(X509_CRL *crl, struct mp_crl *ret)
{
    unsigned char hash[PKI_SHA256];
    unsigned len;
    bool delta = X509_CRL_get_ext_by_NID(crl, NID_delta_crl, -1) >= 0;
    if (X509_NAME_digest(X509_CRL_get_issuer(crl), EVP_sha256(), hash, &len) != 1)
        fatal("SHA-256 failed");
    hash[0] ^= delta; /* a delta stands beside the full one */
    (void)encode_hex(slice_make(hash, sizeof hash), ret->issuer_sha256);
    pki_name_text(X509_CRL_get_issuer(crl), ret->issuer, sizeof ret->issuer);
}

static void read_base64(X509_CRL *crl, struct mp_crl *ret)
{
    unsigned char *der = NULL;
    int len = i2d_X509_CRL(crl, &der);
    if (len <= 0)
        fatal("out of memory (CRL)");
    unsigned char hash[PKI_SHA256];
    if (EVP_Digest(der, (size_t)len, hash, NULL, EVP_sha256(), NULL) != 1)
        fatal("SHA-256 failed");
    (void)encode_hex(slice_make(hash, sizeof hash), ret->sha256);
    ret->size = len;
    ret->base64 = mem_zalloc(BASE64_SIZE((size_t)len));
    (void)encode_base64(slice_make(der, (size_t)len), ret->base64);
    OPENSSL_free(der);
}

enum result mp_crl_read(struct slice data, struct mp_crl *ret, struct error *err)
{
    *ret = (struct mp_crl){0};
    X509_CRL *crl = read_any(data);
    if (!crl)
        return error_set(err, R_INVALID, "this is no CRL (PEM, DER, or base64 of DER)");
    enum result r = read_number(crl, ret, err);
    if (r == OK)
        r = read_times(crl, ret, err);
    if (r == OK) {
        read_issuer(crl, ret);
        read_base64(crl, ret);
    }
    X509_CRL_free(crl);
    return r;
}

void mp_crl_free(struct mp_crl *c)
{
    free(c->base64);
    *c = (struct mp_crl){0};
}
