/* SPDX-License-Identifier: Apache-2.0 */
/* Makes tokens that no honest signer would: any header, any payload, any signature. */
#ifndef TESTS_JOSE_FORGE_H
#define TESTS_JOSE_FORGE_H

#include <openssl/evp.h>

#include "base/slice.h"
#include "jose/jws/jws.h"

EVP_PKEY *forge_key(const char *curve); /* "P-256", "P-384" */

/* base64url(header).base64url(payload).base64url(signature); malloc'ed. */
char *forge_raw(const char *header, const char *payload, struct slice signature);

/* ECDSA as r||s by the key's curve. */
char *forge_ecdsa(EVP_PKEY *key, const char *header, const char *payload);

/* HMAC-SHA256 with the given bytes as secret. */
char *forge_hmac(struct slice secret, const char *header, const char *payload);

/* printf into malloc'ed memory. */
char *forge_text(const char *fmt, ...) PRINTF_LIKE(1, 2);

/* {"keys":[…]} of the signer alone, or with `more` (borrowed) as a second key. */
struct jose_keys *forge_keys(const struct jose_signer *s, json_t *more);

/* The name of the signer's key; malloc'ed. */
char *forge_kid(const struct jose_signer *s);

/* Public JWK of an EC key with this kid. */
json_t *forge_jwk(EVP_PKEY *key, const char *curve, const char *kid);

#endif
