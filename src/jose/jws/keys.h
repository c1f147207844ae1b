/* SPDX-License-Identifier: Apache-2.0 */
/* What the verifier sees of a key set: of this folder only. */
#ifndef JOSE_JWS_KEYS_H
#define JOSE_JWS_KEYS_H

#include "jose/jws/jws.h"

/* The public JWK of this kid, borrowed; NULL: none. */
const json_t *jose_keys_find(const struct jose_keys *k, const char *kid);

/* Is it a set of somebody else, where a kid is a hint (RFC 7515 4.1.4)? */
bool jose_keys_foreign(const struct jose_keys *k);

/* Why a key of this kid in a foreign set was passed over; NULL: none was, or `kid` is NULL. Borrowed. */
const char *jose_keys_dropped(const struct jose_keys *k, const char *kid);

struct jose_algorithm;
enum { JOSE_SAME_KID_MAX = 4 };
/* The keys of a foreign set that may have signed: those of this kid; without a kid, or where no key has it, the only
 * one without a kid of its own (with a kid) or the only one at all (without) that fits. Borrowed; returns how many. */
size_t jose_keys_candidates(const struct jose_keys *k, const char *kid, const struct jose_algorithm *a,
                            const json_t *ret[JOSE_SAME_KID_MAX]);

/* The Ed25519 key of a JWK (RFC 8037 2); NULL when it is none. The caller EVP_PKEY_free()s it. */
EVP_PKEY *jose_keys_ed25519(const json_t *jwk);

#endif
