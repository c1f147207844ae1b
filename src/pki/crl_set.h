/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The CRLs of a trust: which are usable, for whom they speak, how fresh they are, and what they say. A CRL speaks for
 * the issuer (name and key) that signed it; its signature and scope are checked once, when the set is sealed.
 */
#ifndef PKI_CRL_SET_H
#define PKI_CRL_SET_H

#include <stdint.h>

#include <openssl/x509.h>

#include "base/buf.h"
#include "base/error.h"
#include "base/slice.h"

struct pki_crl_set;

struct pki_crl_set *pki_crl_set_new(void);
void pki_crl_set_free(struct pki_crl_set *s); /* NULL allowed */

/* One CRL in DER or several in PEM; copied. R_INVALID, R_LIMIT; nothing was added then. */
MUST_USE enum result pki_crl_set_add(struct pki_crl_set *s, struct slice data, struct error *err);

/* Looks for each CRL's issuer among these, drops what can't be used (a line each into *warnings), builds the index. */
void pki_crl_set_seal(struct pki_crl_set *s, STACK_OF(X509) * anchors, STACK_OF(X509) * intermediates,
                      struct buf *warnings);

enum pki_crl_state { PKI_CRL_GOOD, PKI_CRL_REVOKED, PKI_CRL_EXPIRED, PKI_CRL_UNAVAILABLE };

struct pki_crl_answer {
    enum pki_crl_state state;
    int64_t next_update; /* GOOD: earliest of those used; EXPIRED: when the latest ended */
    bool not_begun;      /* UNAVAILABLE: there is one, but its thisUpdate lies in the future */
};

/* What the CRLs say at `now` about this certificate of this issuer. An entry in an outdated CRL still revokes.
 * Thread-safe once sealed. */
void pki_crl_set_check(const struct pki_crl_set *s, X509 *cert, X509 *issuer, int64_t now, struct pki_crl_answer *ret);

#endif
