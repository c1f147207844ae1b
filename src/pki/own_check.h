/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A program's look at its own client certificate, before anybody refuses it: step by step, each by what those to whom
 * it is shown judge by (trust.h), so that the step that rules it out is known by name.
 */
#ifndef PKI_OWN_CHECK_H
#define PKI_OWN_CHECK_H

#include "pki/cert/cert.h"
#include "pki/trust.h"

enum pki_own_step {
    PKI_OWN_CERTIFICATE,       /* there is one that can be read */
    PKI_OWN_PRIVATE_KEY,       /* there is a key, and it is the certificate's */
    PKI_OWN_DIGITAL_SIGNATURE, /* the key usage, where it is restricted, lets it sign a handshake (RFC 8446 4.4.2.2) */
    PKI_OWN_CLIENT_AUTH,       /* the extended key usage */
    PKI_OWN_VALIDITY,
    PKI_OWN_CHAIN,
    PKI_OWN_CRL,
    PKI_OWN_STEPS
};
const char *pki_own_step_name(enum pki_own_step step); /* "private_key", "client_auth", … */

enum pki_own_outcome { PKI_OWN_OK, PKI_OWN_FAILED, PKI_OWN_UNKNOWN };
const char *pki_own_outcome_name(enum pki_own_outcome outcome); /* "ok", "failed", "unknown" */

struct pki_own_question {
    struct slice certificate_pem; /* leaf first, then its intermediates */
    struct slice key_pem;
    const struct pki_trust *trust; /* sealed; NULL: chain and CRL stay unknown */
    bool crl_check;                /* is revocation judged in that trust? */
    int64_t now;
};

struct pki_own_check {
    struct {
        enum pki_own_outcome outcome;
        char detail[256]; /* what was found, and for UNKNOWN why nothing is known; "" when there is nothing to say */
    } steps[PKI_OWN_STEPS];
    enum verdict_reason reason; /* of the trust; REASON_OK: accepted, or not asked */
    char subject[256];
    char sha256[PKI_HASH_HEX];
    int64_t not_before, not_after; /* wall seconds; 0: unknown */
};

void pki_own_check(const struct pki_own_question *q, struct pki_own_check *ret);

/* The first step that rules it out, PKI_OWN_STEPS: none does. */
enum pki_own_step pki_own_ruled_out(const struct pki_own_check *c);
/* Every step is ok. */
bool pki_own_good(const struct pki_own_check *c);

#endif
