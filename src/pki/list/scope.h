/* SPDX-License-Identifier: Apache-2.0 */
/* For whom a CRL speaks, and about which reasons (RFC 5280 6.3.3 (b) and (d)). Internal to src/pki. */
#ifndef PKI_LIST_SCOPE_H
#define PKI_LIST_SCOPE_H

#include "pki/list/admit.h"

struct pki_crl_subject {
    X509 *cert;
    bool is_ca;
    unsigned char *serial_der; /* owned: the INTEGER */
    struct slice serial;       /* its content */
    CRL_DIST_POINTS *points;   /* owned: of the certificate, or NULL */
};

MUST_USE bool pki_crl_subject_open(struct pki_crl_subject *s, X509 *cert);
void pki_crl_subject_close(struct pki_crl_subject *s);

/* The reasons about which the CRL speaks for this certificate; 0: it does not. */
unsigned pki_crl_scope(const struct pki_crl *c, const struct pki_crl_subject *s);

#endif
