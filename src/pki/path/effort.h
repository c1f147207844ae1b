/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What one judgement may cost, whatever was sent: tries by OpenSSL, and signatures by what their keys take to verify
 * them. Each pair of a key and a certificate is verified at most once in it, and a pair that was found right is known
 * to the whole process from then on (pki/path/proof.h). Internal to src/pki.
 */
#ifndef PKI_PATH_EFFORT_H
#define PKI_PATH_EFFORT_H

#include <openssl/x509.h>

#include "base/attr.h"
#include "pki/cert/cert.h"

enum {
    PKI_EFFORT_TRIES = 128,
    PKI_EFFORT_WORK = 8000, /* microseconds, as pki/cert/strength.h estimates them */
    /* Of a judgement that may not hold up others: one signature by any key, or some by the usual ones. */
    PKI_EFFORT_QUICK_TRIES = 4,
    PKI_EFFORT_QUICK_WORK = 1000,
    PKI_EFFORT_QUESTION = 2 /* work too, without any signature */
};

/* One certificate of a judgement, with what is asked of it again and again. */
struct pki_party {
    X509 *cert;      /* borrowed */
    bool may_verify; /* its key is neither too weak nor too slow */
    unsigned char sha256[PKI_SHA256], spki_sha256[PKI_SHA256];
};

struct pki_effort {
    unsigned tries, work; /* left */
    bool any_strength;
    bool spent;                         /* something was left undone for want of either */
    unsigned char (*wrong)[PKI_SHA256]; /* pairs whose signature is not right, by their hash; NULL: none yet */
};

void pki_effort_done(struct pki_effort *e);

/* One more try; false: there is none left. */
MUST_USE bool pki_effort_try(struct pki_effort *e);

void pki_effort_look(const struct pki_effort *e, X509 *cert, struct pki_party *ret);

/* What stands for the two in pki/path/proof.h. */
void pki_effort_name_pair(const struct pki_party *subject, const struct pki_party *issuer,
                          unsigned char ret[PKI_SHA256]);

/* Did the issuer's key sign the subject? False too for a key that may not verify, and when the work is spent. */
MUST_USE bool pki_effort_signed_by(struct pki_effort *e, const struct pki_party *subject,
                                   const struct pki_party *issuer);

#endif
