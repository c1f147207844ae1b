/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Word of one key that another one is of the same device (PROTOCOL 4, "proof of the old key"): a JWS (ES256) by the key
 * that a device makes for itself, for the key that it registers. The registration that it comes with is signed by the
 * latter, so that it is no use to anybody else.
 *
 * Payload: {"type": "same-device", "for": "hex SHA-256 of the other SubjectPublicKeyInfo", "certificate_pem"}
 */
#ifndef JOSE_POSSESSION_H
#define JOSE_POSSESSION_H

#include "jose/jws/jws.h"
#include "pki/cert/cert.h"

enum { JOSE_POSSESSION_MAX = 16 * 1024 };

/* `certificate` is of `key` (P-256). Text malloc'ed. */
MUST_USE enum result jose_possession_sign(EVP_PKEY *key, X509 *certificate, const char *for_spki, char **ret,
                                          struct error *err);

/* Whose key signed it, as hex. R_INVALID, R_LIMIT: it is none; R_DENIED: for another key, or not signed by its own. */
MUST_USE enum result jose_possession_read(struct slice text, const char *for_spki, char ret_spki[PKI_HASH_HEX],
                                          struct error *err);

#endif
