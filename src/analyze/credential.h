/* SPDX-License-Identifier: Apache-2.0 */
/* What the analyzer shows to the gateway: a PKI certificate, or a token of the site or of an Entra tenant with
 * the key that goes with it. Its kind is told by what it is. */
#ifndef ANALYZE_CREDENTIAL_H
#define ANALYZE_CREDENTIAL_H

#include "choices/choices.h"
#include "pki/cert/cert.h"

enum analyze_kind {
    ANALYZE_NOTHING,
    ANALYZE_PKI,
    ANALYZE_BULK,
    ANALYZE_DEVICE,
    ANALYZE_ACCESS,
    ANALYZE_ENTRA,
    ANALYZE_KINDS
};
const char *analyze_kind_name(enum analyze_kind kind); /* "pki", "bulk token", … */
enum choice_client analyze_kind_method(enum analyze_kind kind);
bool analyze_kind_exchanges(enum analyze_kind kind); /* for an access token, at CCM_STS */

struct analyze_credential {
    enum analyze_kind kind;
    X509 *leaf;
    EVP_PKEY *key;
    char *certificate_pem, *key_pem; /* the key is a secret */
    char *token;                     /* the JWT; a secret; NULL with pki */
    char subject[200];               /* for people: of the certificate, or the device's GUID, or the token's id */
    char guid[64];                   /* of a device's token; "" otherwise */
    bool fresh_key;                  /* made for this analysis: the token had no key with it */
    bool has_pin;
    unsigned char pin[PKI_SHA256]; /* told by a bulk token */
};
void analyze_credential_free(struct analyze_credential *c);

/* Texts, not files; NULL: not given. A token comes with the certificate and key that it is bound to; without them a
 * fresh pair is made, as a device does that registers. R_INVALID: certificate without key, key of another certificate,
 * no token of a site. */
struct analyze_credential_text {
    struct slice certificate_pem, key_pem, token;
};
MUST_USE enum result analyze_credential_read(const struct analyze_credential_text *t, struct analyze_credential *ret,
                                             struct error *err);

#endif
