/* SPDX-License-Identifier: Apache-2.0 */
/* What the verifier sees of a key set: of this folder only. */
#ifndef JOSE_KEYS_H
#define JOSE_KEYS_H

#include "jose/jws.h"

/* The public JWK of this kid, borrowed; NULL: none. */
const json_t *jose_keys_find(const struct jose_keys *k, const char *kid);

#endif
