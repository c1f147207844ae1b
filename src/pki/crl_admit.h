/* SPDX-License-Identifier: Apache-2.0 */
/* One CRL of a set: whether it may be used, and for whom it speaks (RFC 5280 6.3.3). Internal to src/pki. */
#ifndef PKI_CRL_ADMIT_H
#define PKI_CRL_ADMIT_H

#include <openssl/x509v3.h>

#include "base/buf.h"
#include "pki/cert.h"
#include "pki/crl_der.h"

struct pki_crl {
    char *bytes; /* owned; der points into it */
    struct pki_crl_der der;
    /* from here on: set by pki_crl_admit */
    unsigned char issuer_spki[PKI_SHA256]; /* of the key that signed it */
    ISSUING_DIST_POINT *idp;               /* owned; NULL: speaks for all certificates of the issuer */
    ASN1_INTEGER *number;                  /* owned; NULL: none */
    int64_t this_update, next_update;      /* wall seconds */
};

MUST_USE enum result pki_crl_new(struct slice der, struct pki_crl **ret, struct error *err);
void pki_crl_free(struct pki_crl *c);

/* Full CRL, known scope, no unknown critical extension, and signed by one of these. R_DENIED with the cause. */
MUST_USE enum result pki_crl_admit(struct pki_crl *c, STACK_OF(X509) * anchors, STACK_OF(X509) * intermediates,
                                   struct error *err);

/* Same issuer, key and issuing distribution point. */
bool pki_crl_same_scope(const struct pki_crl *a, const struct pki_crl *b);
/* <0: a is the older one; by cRLNumber, then by thisUpdate. */
int pki_crl_compare_age(const struct pki_crl *a, const struct pki_crl *b);

/* `points`: cRLDistributionPoints of the certificate, or NULL. */
bool pki_crl_speaks_for(const struct pki_crl *c, X509 *cert, X509 *issuer, const unsigned char issuer_spki[PKI_SHA256],
                        const CRL_DIST_POINTS *points);

/* Appends "CRL of '…' is not used: …". */
void pki_crl_warn(const struct pki_crl *c, struct buf *warnings, const char *why);

#endif
