/* SPDX-License-Identifier: Apache-2.0 */
/* Certificates and CRLs for tests, the bad ones included: what pki_issue refuses to make, this makes. */
#ifndef TEST_PKI_MAKER_H
#define TEST_PKI_MAKER_H

#include <openssl/x509v3.h>

#include "base/slice.h"

#define NOW INT64_C(1790000000)
#define DAY INT64_C(86400)

struct pair {
    X509 *cert;
    EVP_PKEY *key;
};

struct extension {
    int nid;
    const char *value; /* as in openssl.cnf; "" removes the default one */
};

struct spec {
    const char *cn;            /* NULL: an empty subject */
    const struct pair *issuer; /* NULL: self-signed */
    bool ca;
    const char *key; /* "P-256" (default), "P-224", "RSA-1024", "RSA-2048", "ED25519" */
    const char *md;  /* "SHA256" (default), "SHA1", "MD5" */
    EVP_PKEY *reuse; /* this key instead of a new one */
    int64_t from, to;
    struct extension ext[6];  /* instead of the defaults of the same kind; ends with nid 0 */
    const char *critical_oid; /* an unknown critical extension */
};

struct pair make(const struct spec *s);
#define MAKE(...) make(&(const struct spec){__VA_ARGS__})
void drop(struct pair *p);

struct crl_spec {
    const struct pair *issuer;
    EVP_PKEY *signer;       /* NULL: the issuer's */
    const char *number;     /* decimal; NULL: 1; "": none */
    const char *delta_base; /* NULL: a full CRL */
    int64_t from, to;       /* 0: NOW - DAY, NOW + DAY; to -1: none */
    X509 *revoked[4];
    int reason; /* of the entries, + 1; 0: none */
    struct extension ext[4];
    const char *critical_entry_oid;
    const char *md; /* "SHA256" (default), "SHA1", and with an RSA key "PSS-SHA256" … */
};

/* DER, owned by the caller as malloc'ed memory. */
struct slice make_crl(const struct crl_spec *s);
#define MAKE_CRL(...) make_crl(&(const struct crl_spec){__VA_ARGS__})

/* DER of a certificate; malloc'ed. */
struct slice der_of(X509 *cert);

#endif
