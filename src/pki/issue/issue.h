/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The site's own certificates (PROTOCOL 1): the site root certifies the role CA and the signing keys; the role CA
 * certifies connectors, gateways and ehttp management points; and a device's self-signed certificate. P-256 and SHA-256
 * throughout. Also a small PKI for evaluation (quickstart, tests): CA, server and client certificates, CRLs.
 */
#ifndef PKI_ISSUE_ISSUE_H
#define PKI_ISSUE_ISSUE_H

#include <openssl/x509.h>

#include "base/error.h"

enum pki_profile {
    PKI_SITE_ROOT,  /* CA, path length 1, keyCertSign|cRLSign */
    PKI_ROLE_CA,    /* CA, path length 0 */
    PKI_ROLE,       /* leaf: clientAuth + serverAuth, URI SAN, optional DNS/IP SANs */
    PKI_SIGNING,    /* leaf: digitalSignature, URI SAN urn:opencmg:<site>:signing:<use>, no EKU */
    PKI_DEVICE,     /* self-signed leaf, clientAuth, CN = GUID */
    PKI_TLS_CA,     /* evaluation PKI: a CA */
    PKI_TLS_SERVER, /* evaluation PKI: serverAuth with DNS/IP SANs */
    PKI_TLS_CLIENT, /* evaluation PKI: clientAuth */
    PKI_ACME,       /* self-signed answer to a challenge of tls-alpn-01 (RFC 8737 3): one DNS name, the digest */
};

#define PKI_ACME_OID "1.3.6.1.5.5.7.1.31" /* id-pe-acmeIdentifier */
enum { PKI_ACME_DIGEST = 32 };

struct pki_request {
    enum pki_profile profile;
    const char *common_name;
    const char *uri;                  /* URI SAN or NULL */
    const char *const *hosts;         /* DNS names and IP literals, NULL-terminated, or NULL */
    const unsigned char *acme_digest; /* of PKI_ACME: the SHA-256 of the key authorization (RFC 8555 8.1) */
    int64_t not_before, not_after;    /* wall seconds */
    EVP_PKEY *subject_key;
    X509 *issuer;         /* NULL: self-signed */
    EVP_PKEY *issuer_key; /* NULL: self-signed */
};

EVP_PKEY *pki_key_new(void);     /* P-256; the caller EVP_PKEY_free()s */
EVP_PKEY *pki_key_new_rsa(void); /* 3072 bits, for CAs that sign no other; the same */
MUST_USE enum result pki_issue(const struct pki_request *r, X509 **ret, struct error *err);

/* A CRL (DER, malloc'ed) of `issuer` with these serials revoked. */
MUST_USE enum result pki_issue_crl(X509 *issuer, EVP_PKEY *issuer_key, X509 *const *revoked, size_t count,
                                   int64_t number, int64_t this_update, int64_t next_update, unsigned char **ret,
                                   size_t *ret_len, struct error *err);

#endif
