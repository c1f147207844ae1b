/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Asking an OCSP responder (RFC 6960), without the transport: what to send, and what its answer says.
 *
 * A judgement that finds no answer in the lists at hand asks an oracle, which knows the answers that have come so far,
 * and tells which certificates to ask about: so a judgement never waits.
 */
#ifndef PKI_REVOCATION_OCSP_CLIENT_H
#define PKI_REVOCATION_OCSP_CLIENT_H

#include <openssl/x509.h>

#include "base/error.h"
#include "base/slice.h"
#include "pki/cert/cert_ref.h"

enum { PKI_OCSP_KEY_SIZE = 32, PKI_OCSP_NONCE_SIZE = 16, PKI_OCSP_QUESTIONS_MAX = 4 };

enum pki_ocsp_state { PKI_OCSP_NONE, PKI_OCSP_GOOD, PKI_OCSP_REVOKED, PKI_OCSP_UNUSABLE };

struct pki_ocsp_answer {
    enum pki_ocsp_state state; /* NONE: none is about this certificate; UNUSABLE: none of those that are can be used */
    int64_t next_update;       /* GOOD, REVOKED: until when it counts */
    const char *why;           /* UNUSABLE; a constant */
    /* GOOD, REVOKED: whom the issuer delegated, unless it said that his certificate need not be looked up (RFC 6960
     * 4.2.2.2.1); that it is good still is for who holds lists to say. */
    bool delegated;
    struct pki_cert_ref signer;
};

/* Which certificate of which issuer: equal for equal questions. */
void pki_ocsp_key(X509 *cert, X509 *issuer, unsigned char ret[PKI_OCSP_KEY_SIZE]);

struct pki_ocsp_question {
    X509 *cert, *issuer; /* own references */
    unsigned char key[PKI_OCSP_KEY_SIZE];
};
struct pki_ocsp_questions {
    struct pki_ocsp_question list[PKI_OCSP_QUESTIONS_MAX];
    size_t count;
};
void pki_ocsp_questions_add(
    struct pki_ocsp_questions *q, X509 *cert, X509 *issuer,
    const unsigned char key[PKI_OCSP_KEY_SIZE]); /* twice, or over the maximum: once, not at all */
void pki_ocsp_questions_done(struct pki_ocsp_questions *q);

struct pki_ocsp_oracle {
    /* What has been answered to this question; UNUSABLE with a cause when nothing yet. Any thread. */
    void (*ask)(void *arg, const unsigned char key[PKI_OCSP_KEY_SIZE], int64_t now, struct pki_ocsp_answer *ret);
    void *arg;
    struct pki_ocsp_questions *open; /* gets those without a usable answer; NULL allowed */
};

/* A request (DER, malloc'ed) with a fresh nonce (RFC 8954). */
void pki_ocsp_request(const struct pki_ocsp_question *q, unsigned char ret_nonce[PKI_OCSP_NONCE_SIZE], char **ret,
                      size_t *ret_len);

/* What a responder answered to that very request at `now`: signed by the issuer or one whom it let sign (RFC 6960
 * 4.2.2.2), about this certificate, and fresh. A nonce in it must be ours; one without is taken, as most responders
 * sign in advance (RFC 8954 2.1 leaves it to the client). Without nextUpdate (newer knowledge is always there) it
 * must be of now, and counts for five minutes. */
void pki_ocsp_read(const struct pki_ocsp_question *q, const unsigned char nonce[PKI_OCSP_NONCE_SIZE],
                   struct slice response, int64_t now, struct pki_ocsp_answer *ret);

#endif
