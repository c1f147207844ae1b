/* SPDX-License-Identifier: Apache-2.0 */
/* Is a certificate revoked? RFC 5280 6.3.3 over the CRLs of a set. Internal to src/pki. */
#ifndef PKI_LIST_ASK_H
#define PKI_LIST_ASK_H

#include "pki/cert/cert_ref.h"
#include "pki/list/set.h"

enum pki_crl_state { PKI_CRL_GOOD, PKI_CRL_REVOKED, PKI_CRL_EXPIRED, PKI_CRL_UNAVAILABLE };

struct pki_crl_answer {
    enum pki_crl_state state;
    int64_t next_update; /* GOOD: earliest of those used; EXPIRED: when the latest ended */
    /* UNAVAILABLE: what there is instead */
    bool not_begun;                  /* one whose thisUpdate lies in the future */
    bool unbelieved;                 /* one whose signer has no good path of its own */
    bool partial;                    /* some, but not about all reasons of revocation */
    const struct pki_crl *elsewhere; /* one of the issuer's, of another place or another kind of certificates */
    const char *remedy;              /* EXPIRED: what helps with that one; NULL: nothing is known */
    const char *dropped;             /* NULL, or why one of the issuer's can't be used; belongs to the set */
};

/* Is this CRL believed although another key than that of the certificate's issuer signed it? */
typedef bool pki_crl_believe_fn(void *arg, const struct pki_crl *c);

/* What the CRLs say at `now` about this certificate of this issuer. An entry in an outdated CRL still revokes.
 * Thread-safe once the set is sealed. */
void pki_crl_ask(const struct pki_crl_set *s, X509 *cert, X509 *issuer, int64_t now, pki_crl_believe_fn *believe,
                 void *arg, struct pki_crl_answer *ret);

/* Does a list of its issuer, outdated or not, revoke a certificate that is not at hand? Thread-safe once sealed. */
bool pki_crl_lists(const struct pki_crl_set *s, const struct pki_cert_ref *cert, int64_t now);

#endif
