/* SPDX-License-Identifier: Apache-2.0 */
/* One CRL of a set: whether it may be used, and who signed it (RFC 5280 5, 6.3.3 (f)-(h)). Internal to src/pki. */
#ifndef PKI_LIST_ADMIT_H
#define PKI_LIST_ADMIT_H

#include <openssl/x509v3.h>

#include "base/buf.h"
#include "pki/cert/cert.h"
#include "pki/list/der.h"

/* Bits of a set of revocation reasons: those of ReasonFlags (RFC 5280 4.2.1.13) from keyCompromise (1) to aACompromise
 * (8). */
#define PKI_CRL_REASONS_ALL 0x1feu
unsigned pki_crl_reasons(const ASN1_BIT_STRING *flags);

struct pki_crl {
    char *bytes;      /* owned, or NULL: mapped, or borrowed; der points into it */
    struct slice map; /* owned, or .ptr NULL */
    char *remedy;     /* owned; what helps when it has ended; NULL: nothing is known */
    struct pki_crl_der der;
    /* from here on: set by pki_crl_admit */
    STACK_OF(X509) * signers; /* owned: certificates of the CRL issuer's name with the key that signed it */
    unsigned char signer_spki[PKI_SHA256];
    ISSUING_DIST_POINT *idp;          /* owned; NULL: speaks for all certificates of the issuer */
    unsigned reasons;                 /* what it speaks about */
    ASN1_INTEGER *number;             /* owned; NULL: none */
    ASN1_INTEGER *base;               /* owned; NULL: a complete CRL; else a delta to this one or a later one */
    int64_t this_update, next_update; /* wall seconds */
    size_t *deltas;                   /* owned; of a complete one: indices of its deltas in the set, newest first */
    size_t delta_count;
};

struct pki_crl_signers {
    STACK_OF(X509) * anchors, *intermediates;
    bool any_strength; /* weak hashes are taken too */
};

MUST_USE enum result pki_crl_new(struct slice der, struct pki_crl **ret, struct error *err); /* copies it */
MUST_USE enum result pki_crl_new_borrowed(struct slice der, struct pki_crl **ret,
                                          struct error *err); /* must outlive it */
/* DER in a file: not held in memory but mapped (base/host/mapping.h). */
MUST_USE enum result pki_crl_new_file(const char *path, struct pki_crl **ret, struct error *err);
void pki_crl_free(struct pki_crl *c);

/* Number, times and scope alone, without a signature: of one that was admitted before. R_DENIED. */
MUST_USE enum result pki_crl_read(struct pki_crl *c, struct error *err);

/* Known scope, no unknown critical extension, and signed by one of these. R_DENIED with the cause; R_NOTFOUND: nobody
 * here bears its issuer's name. */
MUST_USE enum result pki_crl_admit(struct pki_crl *c, const struct pki_crl_signers *from, struct error *err);

const X509_NAME *pki_crl_issuer(const struct pki_crl *c);
/* Same issuer, key and issuing distribution point. */
bool pki_crl_same_scope(const struct pki_crl *a, const struct pki_crl *b);
/* <0: a is the older one, >0: b is. By thisUpdate, and by cRLNumber where that is the same; 0: the same age, or the two
 * contradict each other, and none can be called the older one. */
int pki_crl_compare_age(const struct pki_crl *a, const struct pki_crl *b);
/* The very same octets were signed. */
bool pki_crl_same(const struct pki_crl *a, const struct pki_crl *b);
/* May this delta be applied to that complete CRL (RFC 5280 5.2.4, 6.3.3 (c))? */
bool pki_crl_delta_fits(const struct pki_crl *delta, const struct pki_crl *complete);

/* May this certificate's key sign CRLs (RFC 5280 6.3.3 (f))? */
bool pki_crl_may_sign(X509 *cert);

/* Appends "CRL of '…' is not used: …". */
void pki_crl_warn(const struct pki_crl *c, struct buf *warnings, const char *why);

#endif
