/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A CRL (RFC 5280 5) as it lies in memory: OpenSSL decodes everything but the list of revoked certificates, which is
 * walked in place, so that a list of a million costs no million objects.
 */
#ifndef PKI_LIST_DER_H
#define PKI_LIST_DER_H

#include <stdint.h>

#include <openssl/x509.h>

#include "base/error.h"
#include "base/slice.h"
#include "pki/list/entry.h"

struct pki_crl_der {
    struct slice tbs; /* what is signed, borrowed from the DER */
    struct pki_crl_entries entries;
    X509_CRL *head;      /* owned: the CRL without its entries */
    bool two_algorithms; /* one is named inside and another one outside */
};

/* Decodes and checks the form of every entry. Errors as of pki_crl_entries_open. */
MUST_USE enum result pki_crl_der_open(struct slice der, struct pki_crl_der *ret, struct error *err);
void pki_crl_der_close(struct pki_crl_der *c);

/* Is it signed by this key, with a hash that is not broken (unless any_strength)? R_DENIED. */
MUST_USE enum result pki_crl_der_verify(const struct pki_crl_der *c, EVP_PKEY *key, bool any_strength,
                                        struct error *err);

#endif
