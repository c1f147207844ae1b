/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Revocation along a path: every certificate but the anchor is asked for, OCSP responses first, then the CRLs. A CRL
 * that another key than the issuer's signed is believed when that key's certificate has a good path of its own to the
 * same anchor (RFC 5280 6.3.3 (f)). Internal to src/pki.
 */
#ifndef PKI_REVOCATION_REVOCATION_H
#define PKI_REVOCATION_REVOCATION_H

#include "pki/cert/list_place.h"
#include "pki/list/set.h"
#include "pki/path/path.h"
#include "pki/revocation/ocsp.h"

struct pki_revocation {
    const struct pki_crl_set *crls;
    const struct pki_ocsp_set *ocsp;
    const struct pki_ocsp_oracle *oracle; /* NULL: none */
    const struct pki_pool *pool;
    int64_t now;
    bool any_strength;
    bool allow_when_unavailable;
    struct pki_effort *effort;      /* what the judgement may still cost */
    struct pki_list_places *places; /* of lists that would have answered; NULL: nobody wants to know */
    /* Of a search for a CRL signer's path; NULL outside of one: */
    const struct pki_revocation *outer;
    const struct pki_crl *vouching; /* the CRL whose signer is judged */
};

/* Answers like a pki_path_check_fn; bounds v->valid_until. */
int pki_revocation_check(const struct pki_revocation *r, STACK_OF(X509) * chain, struct pki_verdict *v);

#endif
