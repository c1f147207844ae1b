/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Reading and describing certificates, over OpenSSL. Everything here takes hostile bytes: sizes have maxima, encrypted
 * PEM never asks a terminal for its pass phrase, and OpenSSL's error queue is left as it was found (TLS on the same
 * thread reads it).
 */
#include "pki/cert/cert.h"

#include <limits.h>
#include <stdlib.h>
#include <time.h>

#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/x509v3.h>

#include "base/mem.h"
#include "base/utf8.h"
#include "der/key.h"
#include "digest/digest.h"

enum { DATA_MAX = 64 * 1024 * 1024 };

/* --- in --- */

static int no_pass_phrase(char *buf UNUSED, int size UNUSED, int writing UNUSED, void *arg UNUSED)
{
    return -1;
}

/* Decided by the first bytes alone: a DER certificate may hold a whole PEM in one of its extensions, and reading that
 * one instead would be reading somebody else's. DER begins with a SEQUENCE longer than 127 bytes, which no text does.
 */
static bool is_pem(struct slice data)
{
    return data.len < 2 || data.ptr[0] != 0x30 || !((unsigned char)data.ptr[1] & 0x80);
}

static enum result check_size(struct slice data, struct error *err)
{
    if (data.len == 0)
        return error_set(err, R_INVALID, "there is no certificate or key: it is empty");
    if (data.len > DATA_MAX)
        return error_set(err, R_LIMIT, "%zu bytes of certificates, at most %d are taken", data.len, DATA_MAX);
    return OK;
}

/* --- what it is instead --- */

#define IS_PKCS7 "it is PKCS#7 (.p7b); make PEM of it: openssl pkcs7 -print_certs -in FILE (-inform DER)"

enum { HEAD_MAX = 24 };

const char *pki_cert_hint(struct slice data)
{
    static const struct {
        struct slice mark;
        bool at_start, in_head;
        const char *hint;
    } known[] = {
        {{"\xff\xfe", 2}, true, false, "it is UTF-16 text; save it as plain ASCII (DER and PEM are taken)"},
        {{"\xfe\xff", 2}, true, false, "it is UTF-16 text; save it as plain ASCII (DER and PEM are taken)"},
        {{"-----BEGIN PKCS7", 16}, false, false, IS_PKCS7},
        {{"-----BEGIN CMS", 14}, false, false, IS_PKCS7},
        {{"\x06\x09\x2a\x86\x48\x86\xf7\x0d\x01\x07\x02", 11}, false, true, IS_PKCS7}, /* signedData, RFC 2315 14 */
        {{"\x02\x01\x03\x30", 4}, /* RFC 7292 4: version 3, authSafe */
         false,
         true,
         "it is PKCS#12 (.pfx, .p12); make PEM of it: openssl pkcs12 -in FILE -nokeys -out FILE.pem"},
        {{"-----BEGIN CERTIFICATE REQUEST", 30}, false, false, "it holds a request for a certificate, not yet one"},
        {{"-----BEGIN CERTIFICATE", 22}, false, false, "it holds certificates"},
        {{"-----BEGIN X509 CRL", 19}, false, false, "it holds CRLs"},
        {{"<html", 5}, false, false, "it is a web page"},
        {{"<!DOCTYPE", 9}, false, false, "it is a web page"},
    };
    struct slice head = slice_make(data.ptr, data.len < HEAD_MAX ? data.len : HEAD_MAX);
    for (size_t i = 0; i < ARRAY_LEN(known); i++) {
        if (known[i].at_start ? slice_starts(data, known[i].mark)
                              : slice_find_slice(known[i].in_head ? head : data, known[i].mark) != SIZE_MAX)
            return known[i].hint;
    }
    return NULL;
}

static enum result none_found(struct slice data, const char *what, const char *why, struct error *err)
{
    const char *hint = pki_cert_hint(data);
    if (!hint)
        hint = why;
    return error_set(err, R_INVALID, "%s%s%s", what, hint ? ": " : "", hint ? hint : "");
}

static BIO *open_slice(struct slice data)
{
    BIO *bio = BIO_new_mem_buf(data.ptr, (int)data.len);
    if (!bio)
        fatal("pki: out of memory");
    return bio;
}

/* What is around the signed part must be DER as well: one certificate has one form. */
static bool is_canonical(X509 *cert, struct slice data)
{
    unsigned char *der = NULL;
    int len = i2d_X509(cert, &der);
    bool same = len > 0 && slice_eq(slice_make(der, (size_t)len), data);
    OPENSSL_free(der);
    return same;
}

/* Its maker may have chosen a curve on which OpenSSL takes long to read the key (der/key.h). */
enum keys { GUARDED, ANY_KEY };

/* NULL: it is none, or *slow says why its key is not even read. */
static X509 *read_der(struct slice data, enum keys keys, const char **slow)
{
    const unsigned char *at = (const unsigned char *)data.ptr;
    *slow = keys == GUARDED ? der_key_slow(data) : NULL;
    if (*slow)
        return NULL;
    X509 *cert = d2i_X509(NULL, &at, (long)data.len);
    if (cert && (at != (const unsigned char *)data.ptr + data.len || !is_canonical(cert, data))) {
        X509_free(cert);
        return NULL;
    }
    return cert;
}

/* NULL: there is no further one, or it is malformed, or as read_der(). */
static X509 *read_pem(BIO *bio, enum keys keys, const char **slow)
{
    unsigned char *der = NULL;
    long len = 0;
    *slow = NULL;
    if (!PEM_bytes_read_bio(&der, &len, NULL, PEM_STRING_X509, bio, no_pass_phrase, NULL))
        return NULL;
    X509 *cert = read_der(slice_make(der, (size_t)len), keys, slow);
    if (!cert)
        ERR_raise(ERR_LIB_PEM, ERR_R_ASN1_LIB);
    OPENSSL_free(der);
    return cert;
}

static enum result read_pem_all(struct slice data, enum keys keys, size_t max, STACK_OF(X509) * certs,
                                struct error *err)
{
    BIO *bio = open_slice(data);
    enum result r = OK;
    for (;;) {
        const char *slow;
        X509 *cert = read_pem(bio, keys, &slow);
        if (!cert) {
            /* "No start line" behind the last one is the regular end. */
            if (ERR_GET_REASON(ERR_peek_last_error()) != PEM_R_NO_START_LINE)
                r = error_set(err, R_INVALID, "certificate %d of the PEM %s", sk_X509_num(certs) + 1,
                              slow ? slow : "is malformed");
            else if (sk_X509_num(certs) == 0)
                r = none_found(data, "the PEM holds no certificate", NULL, err);
            break;
        }
        if ((size_t)sk_X509_num(certs) >= max) {
            X509_free(cert);
            r = error_set(err, R_LIMIT, "more than %zu certificates", max);
            break;
        }
        if (!sk_X509_push(certs, cert))
            fatal("pki: out of memory");
    }
    BIO_free(bio);
    return r;
}

static enum result read_all(struct slice data, enum keys keys, size_t max, STACK_OF(X509) * *ret, struct error *err)
{
    *ret = NULL;
    enum result r = check_size(data, err);
    if (r != OK)
        return r;
    STACK_OF(X509) *certs = sk_X509_new_null();
    if (!certs)
        fatal("pki: out of memory");
    ERR_set_mark();
    if (is_pem(data)) {
        r = read_pem_all(data, keys, max, certs, err);
    } else {
        const char *slow;
        X509 *cert = read_der(data, keys, &slow);
        if (!cert)
            r = none_found(data, "neither PEM nor the DER of one certificate", slow, err);
        else if (!sk_X509_push(certs, cert))
            fatal("pki: out of memory");
    }
    ERR_pop_to_mark();
    if (r != OK) {
        sk_X509_pop_free(certs, X509_free);
        return r;
    }
    *ret = certs;
    return OK;
}

enum result pki_cert_read_all(struct slice data, size_t max, STACK_OF(X509) * *ret, struct error *err)
{
    return read_all(data, GUARDED, max, ret, err);
}

enum result pki_cert_read_given(struct slice data, size_t max, STACK_OF(X509) * *ret, struct error *err)
{
    return read_all(data, ANY_KEY, max, ret, err);
}

enum result pki_cert_read(struct slice data, X509 **ret, struct error *err)
{
    const char *slow;
    *ret = NULL;
    enum result r = check_size(data, err);
    if (r != OK)
        return r;
    ERR_set_mark();
    if (is_pem(data)) {
        BIO *bio = open_slice(data);
        *ret = read_pem(bio, GUARDED, &slow);
        BIO_free(bio);
    } else {
        *ret = read_der(data, GUARDED, &slow);
    }
    ERR_pop_to_mark();
    return *ret ? OK
                : error_set(err, R_INVALID, "neither a PEM nor a DER certificate%s%s", slow ? ": it " : "",
                            slow ? slow : "");
}

enum result pki_key_read(struct slice pem, EVP_PKEY **ret, struct error *err)
{
    *ret = NULL;
    enum result r = check_size(pem, err);
    if (r != OK)
        return r;
    ERR_set_mark();
    BIO *bio = open_slice(pem);
    *ret = PEM_read_bio_PrivateKey(bio, NULL, no_pass_phrase, NULL);
    BIO_free(bio);
    ERR_pop_to_mark();
    return *ret ? OK : error_set(err, R_INVALID, "not an unencrypted private key in PEM (PKCS#8, SEC1 or PKCS#1)");
}

/* --- out --- */

static char *take_text(BIO *bio)
{
    char *bytes;
    long len = BIO_get_mem_data(bio, &bytes);
    char *text = mem_zalloc((size_t)len + 1);
    memcpy(text, bytes, (size_t)len);
    BIO_free(bio);
    return text;
}

static BIO *new_text(void)
{
    BIO *bio = BIO_new(BIO_s_mem());
    if (!bio)
        fatal("pki: out of memory");
    return bio;
}

char *pki_cert_pem(X509 *cert)
{
    BIO *bio = new_text();
    if (!PEM_write_bio_X509(bio, cert))
        fatal("pki: a certificate could not be written as PEM");
    return take_text(bio);
}

char *pki_key_pem(EVP_PKEY *key)
{
    BIO *bio = new_text();
    if (!PEM_write_bio_PKCS8PrivateKey(bio, key, NULL, NULL, 0, NULL, NULL))
        fatal("pki: a key could not be written as PEM");
    return take_text(bio);
}

char *pki_cert_base64(X509 *cert)
{
    unsigned char *der = NULL;
    int len = i2d_X509(cert, &der);
    if (len <= 0)
        fatal("pki: a certificate could not be written as DER");
    char *text = mem_zalloc(BASE64_SIZE((size_t)len));
    encode_base64(slice_make(der, (size_t)len), text);
    OPENSSL_free(der);
    return text;
}

/* --- fingerprints --- */

void pki_cert_sha256(X509 *cert, unsigned char ret[PKI_SHA256])
{
    unsigned int len = 0;
    if (!X509_digest(cert, EVP_sha256(), ret, &len) || len != PKI_SHA256)
        fatal("pki: SHA-256 of a certificate failed");
}

void pki_cert_spki_sha256(X509 *cert, unsigned char ret[PKI_SHA256])
{
    unsigned char *der = NULL;
    int len = i2d_X509_PUBKEY(X509_get_X509_PUBKEY(cert), &der);
    if (len <= 0)
        fatal("pki: a public key could not be written as DER");
    digest_of(slice_make(der, (size_t)len), ret);
    OPENSSL_free(der);
}

void pki_cert_sha256_hex(X509 *cert, char ret[PKI_HASH_HEX])
{
    unsigned char hash[PKI_SHA256];
    pki_cert_sha256(cert, hash);
    (void)encode_hex(slice_make(hash, sizeof hash), ret);
}

void pki_cert_spki_hex(X509 *cert, char ret[PKI_HASH_HEX])
{
    unsigned char hash[PKI_SHA256];
    pki_cert_spki_sha256(cert, hash);
    (void)encode_hex(slice_make(hash, sizeof hash), ret);
}

void pki_key_spki_sha256(EVP_PKEY *key, unsigned char ret[PKI_SHA256])
{
    unsigned char *der = NULL;
    int len = i2d_PUBKEY(key, &der);
    if (len <= 0)
        fatal("pki: a public key could not be written as DER");
    digest_of(slice_make(der, (size_t)len), ret);
    OPENSSL_free(der);
}

/* --- description --- */

static void copy_cut(struct slice text, char *ret, size_t size)
{
    if (size == 0)
        return;
    size_t len = text.len < size ? text.len : size - 1;
    if (len > 0)
        memcpy(ret, text.ptr, len);
    ret[len] = '\0';
}

/* RFC 4514 2.4 lets letters of any script stand as they are. */
void pki_name_text(const X509_NAME *name, char *ret, size_t size)
{
    BIO *bio = new_text();
    char *bytes = NULL;
    long len = 0;
    ERR_set_mark();
    if (X509_NAME_print_ex(bio, name, 0, XN_FLAG_RFC2253 & ~ASN1_STRFLGS_ESC_MSB) >= 0)
        len = BIO_get_mem_data(bio, &bytes);
    ERR_pop_to_mark();
    utf8_escape(slice_make(bytes, len > 0 ? (size_t)len : 0), ret, size);
    BIO_free(bio);
}

void pki_cert_subject(X509 *cert, char *ret, size_t size)
{
    pki_name_text(X509_get_subject_name(cert), ret, size);
}

void pki_cert_issuer(X509 *cert, char *ret, size_t size)
{
    pki_name_text(X509_get_issuer_name(cert), ret, size);
}

void pki_cert_serial_hex(X509 *cert, char *ret, size_t size)
{
    const ASN1_INTEGER *serial = X509_get0_serialNumber(cert);
    size_t len = (size_t)ASN1_STRING_length(serial);
    char *hex = mem_zalloc(HEX_SIZE(len));
    encode_hex(slice_make(ASN1_STRING_get0_data(serial), len), hex);
    copy_cut(slice_of(hex), ret, size);
    free(hex);
}

bool pki_time_read(const ASN1_TIME *t, int64_t *ret)
{
    struct tm tm;
    if (!t || !ASN1_TIME_to_tm(t, &tm))
        return false;
    *ret = (int64_t)timegm(&tm);
    return true;
}

/* A time that can't be read counts as the worse one, so that the certificate is never valid. */
static int64_t wall_seconds(const ASN1_TIME *t, int64_t otherwise)
{
    int64_t seconds;
    return pki_time_read(t, &seconds) ? seconds : otherwise;
}

int64_t pki_cert_not_after(X509 *cert)
{
    return wall_seconds(X509_get0_notAfter(cert), INT64_MIN);
}

int64_t pki_cert_not_before(X509 *cert)
{
    return wall_seconds(X509_get0_notBefore(cert), INT64_MAX);
}

bool pki_cert_for_clients(X509 *cert)
{
    return (X509_get_extension_flags(cert) & EXFLAG_XKUSAGE) && (X509_get_extended_key_usage(cert) & XKU_SSL_CLIENT);
}

bool pki_cert_self_issued(X509 *cert)
{
    return X509_NAME_cmp(X509_get_subject_name(cert), X509_get_issuer_name(cert)) == 0;
}

bool pki_cert_uri(X509 *cert, const char *prefix, char *ret, size_t size)
{
    bool found = false;
    ERR_set_mark();
    GENERAL_NAMES *names = X509_get_ext_d2i(cert, NID_subject_alt_name, NULL, NULL);
    ERR_pop_to_mark();
    for (int i = 0; i < sk_GENERAL_NAME_num(names) && !found; i++) {
        const GENERAL_NAME *name = sk_GENERAL_NAME_value(names, i);
        if (name->type != GEN_URI)
            continue;
        const ASN1_STRING *uri = name->d.uniformResourceIdentifier;
        struct slice text = slice_make(ASN1_STRING_get0_data(uri), (size_t)ASN1_STRING_length(uri));
        if (!slice_starts(text, slice_of(prefix)))
            continue;
        found = slice_to_cstr(text, ret, size);
        break;
    }
    GENERAL_NAMES_free(names);
    if (!found && size > 0)
        ret[0] = '\0';
    return found;
}
