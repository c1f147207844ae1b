/* SPDX-License-Identifier: Apache-2.0 */
/* Hash of the issuer's name, key identifier and serial. The serial is whole, so nothing is mistaken on one issuer's
 * list. */
#include "pki/cert/cert_ref.h"

#include <string.h>

#include <openssl/x509v3.h>

#include "base/error.h"
#include "pki/cert/cert.h"

static uint32_t name_hash(const X509_NAME *name)
{
    int ok = 0;
    unsigned long hash = X509_NAME_hash_ex(name, NULL, NULL, &ok);
    if (!ok)
        fatal("pki: a name's hash can't be made");
    return (uint32_t)hash;
}

static uint8_t take_key(const ASN1_OCTET_STRING *id, unsigned char ret[PKI_CERT_REF_KEY])
{
    int len = id ? ASN1_STRING_length(id) : 0;
    len = len < PKI_CERT_REF_KEY ? len : PKI_CERT_REF_KEY;
    if (len > 0)
        memcpy(ret, ASN1_STRING_get0_data(id), (size_t)len);
    return (uint8_t)len;
}

static bool take_serial(X509 *cert, struct pki_cert_ref *ret)
{
    enum { HEAD = 2 }; /* tag, length: of so few bytes, one */
    unsigned char der[HEAD + PKI_CERT_REF_SERIAL], *at = der;
    int len = i2d_ASN1_INTEGER(X509_get0_serialNumber(cert), NULL);
    if (len <= HEAD || len > (int)sizeof der || i2d_ASN1_INTEGER(X509_get0_serialNumber(cert), &at) != len)
        return false;
    ret->serial_len = (uint8_t)(len - HEAD);
    memcpy(ret->serial, der + HEAD, ret->serial_len);
    return true;
}

bool pki_cert_ref_of(X509 *cert, struct pki_cert_ref *ret)
{
    memset(ret, 0, sizeof *ret);
    if (pki_cert_self_issued(cert) || !take_serial(cert, ret))
        return false;
    ret->issuer = name_hash(X509_get_issuer_name(cert));
    ret->key_len = take_key(X509_get0_authority_key_id(cert), ret->key);
    return true;
}

bool pki_cert_ref_issued_by(const struct pki_cert_ref *r, X509 *issuer)
{
    unsigned char key[PKI_CERT_REF_KEY];
    uint8_t len = take_key(X509_get0_subject_key_id(issuer), key);
    if (r->issuer != name_hash(X509_get_subject_name(issuer)))
        return false;
    return !len || !r->key_len || (len == r->key_len && memcmp(key, r->key, len) == 0);
}
