/* SPDX-License-Identifier: Apache-2.0 */
/* A certificate with its private key: the one of the organisation's PKI, selected as in the field, and the device's own
 * self-signed one (PROTOCOL 4). */
#ifndef CLIENT_CREDENTIAL_CREDENTIAL_H
#define CLIENT_CREDENTIAL_CREDENTIAL_H

#include "pki/cert/cert.h"
#include "verdict/reason.h"

struct client_credential {
    X509 *leaf;
    EVP_PKEY *key;
    char *certificate_pem;     /* leaf first, then its intermediates */
    char *key_pem;             /* a secret; where the key is kept in a TPM or HSM, what tells it (pki/key/key.h) */
    char key_id[PKI_HASH_HEX]; /* hex SHA-256 of SubjectPublicKeyInfo */
};
void client_credential_free(struct client_credential *c);

/* --- the PKI's --- */

struct client_credential_query {
    const char *certificate; /* a file; NULL: none set */
    const char *key;         /* a file or a URI (pki/key/key.h); NULL: in the certificate's file */
    const char *dir;         /* folder of more candidates, or NULL */
    const char *issuers;     /* `;`-separated DNs or CNs, or NULL: any */
    bool any_usage;          /* also certificates that are not for client authentication in TLS */
    int64_t now;
    /* Called for each candidate with what became of it; may be NULL. */
    void (*note)(void *arg, const char *path, const char *what);
    void *arg;
};

struct client_credential_fault {
    bool configured;            /* false: no candidate at all */
    enum verdict_reason reason; /* of the candidate that came nearest */
    char text[ERROR_TEXT_MAX];  /* its path and what ruled it out */
};

/* Among the candidates: readable, of a listed issuer, valid now, with its private key, for client authentication; of
 * those the one that is valid longest. false: none is usable, *fault says why. */
MUST_USE bool client_credential_select(const struct client_credential_query *q, struct client_credential *ret,
                                       struct client_credential_fault *fault);

/* What to call it, and what to do: of a device whose certificate can't be used and that has nothing else. */
struct client_fault_words {
    const char *cause, *remedy;
};
struct client_fault_words client_credential_fault_words(const struct client_credential_fault *fault);

/* --- the device's own --- */

/* STATE/key.pem and STATE/certificate.pem, made when they are not there: P-256, CN = a GUID chosen here. `kept` (NULL:
 * none): a URI or file of the key to be used instead of one made here. R_DENIED when others can read the key. */
MUST_USE enum result client_credential_own(const char *state, const char *kept, int64_t now,
                                           struct client_credential *ret, struct error *err);
/* Removes both from `state`: the next call makes new ones. */
MUST_USE enum result client_credential_forget(const char *state, struct error *err);

#endif
