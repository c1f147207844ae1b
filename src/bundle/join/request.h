/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The request of a machine that joins (docs/protocol/wire.md 11): a JWS (ES256) by the one-time key of its join string.
 * Whoever carries it (a connector, a proxy) can neither change nor make one.
 *
 * Payload: {"type": "join", "site", "kind", "id", "created", "csr": "PEM"}. The CSR is for the machine's own new key.
 */
#ifndef BUNDLE_JOIN_REQUEST_H
#define BUNDLE_JOIN_REQUEST_H

#include "bundle/join/string.h"
#include "jose/jws/jws.h"

enum { JOIN_REQUEST_MAX = 16 * 1024 };

/* For `key`, the machine's own; malloc'ed. */
MUST_USE enum result join_request_sign(const struct join_string *s, EVP_PKEY *key, int64_t now, char **ret,
                                       struct error *err);

struct join_name {
    char site[PKI_SITE_MAX], kind[16], id[PKI_ROLE_ID_MAX];
};
/* What it says of itself, believed in nothing: by which its row is found. R_DENIED, R_LIMIT. */
MUST_USE enum result join_request_name(struct slice text, struct join_name *ret, struct error *err);

/* Signed by the key of `jwk` (public, JSON text)? The key that the certificate is to be for, of the CSR; the caller
 * EVP_PKEY_free()s it. R_DENIED with the cause. */
MUST_USE enum result join_request_read(struct slice text, const char *jwk, EVP_PKEY **ret, struct error *err);

#endif
