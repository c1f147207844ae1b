/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A CRL (RFC 5280 5) as it lies in memory: OpenSSL decodes everything but the list of revoked certificates, which is
 * walked in place, so that a list of a million costs no million objects.
 */
#ifndef PKI_CRL_DER_H
#define PKI_CRL_DER_H

#include <stdint.h>

#include <openssl/x509.h>

#include "base/error.h"
#include "base/slice.h"

struct pki_crl_der {
    struct slice tbs;     /* what is signed, borrowed from the DER */
    struct slice entries; /* content of revokedCertificates, borrowed; empty when there are none */
    X509_CRL *head;       /* owned: the CRL without its entries */
    size_t count;         /* of entries */
};

/* Decodes and checks the form of every entry. R_INVALID; R_DENIED when an entry holds a critical extension that is not
 * known here (RFC 5280 5.3: the CRL must not be used then). */
MUST_USE enum result pki_crl_der_open(struct slice der, struct pki_crl_der *ret, struct error *err);
void pki_crl_der_close(struct pki_crl_der *c);

/* Is it signed by this key, with a hash that is not broken? R_DENIED. */
MUST_USE enum result pki_crl_der_verify(const struct pki_crl_der *c, EVP_PKEY *key, struct error *err);

/* Calls back for every revoked serial (not for removeFromCRL) with where its INTEGER begins in `entries`. */
typedef void pki_crl_der_fn(void *arg, uint32_t offset, struct slice serial);
void pki_crl_der_each(const struct pki_crl_der *c, pki_crl_der_fn *fn, void *arg);

/* The serial at an offset that pki_crl_der_each told. */
struct slice pki_crl_der_serial(const struct pki_crl_der *c, uint32_t offset);

#endif
