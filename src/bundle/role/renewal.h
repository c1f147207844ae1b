/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A gateway's request for its next role certificate (docs/protocol/wire.md 4). It reaches cmg-mp on the connection of a
 * connector, so it proves itself: a JWS (ES256) by the gateway's present role key, with the present chain in x5c.
 *
 * Payload: {"type": "renewal", "site", "gateway", "created", "nonce", "csr": "PEM"}
 */
#ifndef BUNDLE_ROLE_RENEWAL_H
#define BUNDLE_ROLE_RENEWAL_H

#include "bundle/role/role_identity.h"

enum {
    RENEWAL_FRESH_S = 300,        /* `created` is within this of the reader's clock, to both sides */
    RENEWAL_NONCE_MAX = 64,       /* characters */
    RENEWAL_TEXT_MAX = 32 * 1024, /* bytes of the whole message */
};

/* The message, malloc'ed, for `csr_pem`. R_INVALID: the identity's key or certificate can't be read. */
MUST_USE enum result renewal_sign(const struct role_identity *present, const char *site, const char *id,
                                  const char *csr_pem, int64_t now, char **ret, struct error *err);

struct renewal {
    char id[PKI_ROLE_ID_MAX]; /* whose certificate signed it */
    char nonce[RENEWAL_NONCE_MAX + 1];
    int64_t created, not_after;     /* not_after: of that certificate */
    unsigned char spki[PKI_SHA256]; /* of the key that signed it */
    char *csr_pem;
};
void renewal_done(struct renewal *r);

/* Chain and kind (`gateways`: a judge of kind "gateway"), signature, site, id, time. What the reader must still ask: is
 * the gateway removed, was the nonce used. R_DENIED with the reason, R_TIMEOUT: not fresh, R_LIMIT. On OK the caller
 * renewal_done()s. */
MUST_USE enum result renewal_read(struct slice text, const struct pki_role_judge *gateways, const char *site,
                                  int64_t now, struct renewal *ret, struct error *err);

#endif
