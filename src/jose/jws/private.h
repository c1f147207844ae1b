/* SPDX-License-Identifier: Apache-2.0 */
/* Private keys of P-256 as JWK (RFC 7517, RFC 7518 6.2.2): for keys that travel in a text that somebody hands over. */
#ifndef JOSE_JWS_PRIVATE_H
#define JOSE_JWS_PRIVATE_H

#include "jose/jws/jws.h"

/* {"kty", "crv", "x", "y", "d"}: a secret. The caller json_decref()s it; a process that does so says json_wipe_freed().
 * R_INVALID: not P-256, or no private part. */
MUST_USE enum result jose_private_jwk(EVP_PKEY *key, json_t **ret, struct error *err);

/* The caller EVP_PKEY_free()s it. R_INVALID: no key of P-256, no private part, or one that is not of its public part.
 */
MUST_USE enum result jose_private_key(const json_t *jwk, EVP_PKEY **ret, struct error *err);

#endif
