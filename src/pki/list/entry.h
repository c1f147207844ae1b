/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The entries of a CRL (RFC 5280 5.3), read where they lie. In an indirect CRL an entry may say whose certificate it
 * means; that holds for the following ones too (5.3.3), so these changes are kept aside as runs.
 */
#ifndef PKI_LIST_ENTRY_H
#define PKI_LIST_ENTRY_H

#include <stdint.h>

#include <openssl/x509.h>

#include "base/error.h"
#include "base/slice.h"

struct pki_crl_run {
    uint32_t from; /* offset of the first entry of this issuer */
    X509_NAME *issuer;
};

struct pki_crl_entries {
    struct slice content;     /* of revokedCertificates, borrowed; empty when there are none */
    size_t count;             /* of entries */
    struct pki_crl_run *runs; /* owned; entries in front of the first are of the CRL's issuer */
    size_t run_count;
};

/* Checks the form of every entry. R_INVALID; R_DENIED when an entry holds a critical extension that is not known here
 * (RFC 5280 5.3: the CRL must not be used then). */
MUST_USE enum result pki_crl_entries_open(struct slice content, struct pki_crl_entries *ret, struct error *err);
void pki_crl_entries_close(struct pki_crl_entries *e);

/* Calls back for every entry with where it begins in `content`. */
typedef void pki_crl_entry_fn(void *arg, uint32_t offset, struct slice serial);
void pki_crl_entries_each(const struct pki_crl_entries *all, pki_crl_entry_fn *fn, void *arg);

struct pki_crl_entry {
    struct slice serial; /* content of the INTEGER */
    bool removed;        /* removeFromCRL: of a delta CRL, no longer revoked */
};

/* The entry at an offset that pki_crl_entries_each told. */
struct pki_crl_entry pki_crl_entry_at(const struct pki_crl_entries *all, uint32_t offset);
/* Whose certificate the entry means; NULL: the CRL's issuer's. */
const X509_NAME *pki_crl_entry_issuer(const struct pki_crl_entries *e, uint32_t offset);

#endif
