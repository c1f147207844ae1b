/* SPDX-License-Identifier: Apache-2.0 */
/* The signature algorithms that are taken at all, and which key fits which: of this folder only. */
#ifndef JOSE_JWS_ALGORITHM_H
#define JOSE_JWS_ALGORITHM_H

#include <jansson.h>

#include "base/slice.h"
#include "jose/jws/library.h"

enum { JOSE_ED25519_KEY = 32, JOSE_ED25519_SIGNATURE = 64 };

struct jose_algorithm {
    const char *name;     /* as in `alg` (RFC 7518 3.1) */
    const char *kty;      /* "EC", "RSA", "OKP" (RFC 8037) */
    const char *crv;      /* EC and OKP */
    size_t signature_len; /* bytes, exact; 0: as long as the key's modulus */
};

/* NULL: not one that we ever take. */
const struct jose_algorithm *jose_algorithm_find(const char *name);

/* Is `name` a word of the space-separated list? */
bool jose_algorithm_listed(const char *list, const char *name);

/* Does the key's type and curve (and its own `alg`, if it names one) fit? */
bool jose_algorithm_fits(const struct jose_algorithm *a, const json_t *jwk);

/* Is there any algorithm that could use this key? */
bool jose_algorithm_any(const json_t *jwk);

/* A libjose configuration that prints nothing; each operation has its own, for its counter is not atomic. The caller
 * jose_cfg_decref()s it. */
jose_cfg_t *jose_algorithm_cfg(void);

#endif
