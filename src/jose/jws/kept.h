/* SPDX-License-Identifier: Apache-2.0 */
/* ES256 by a key that stays in its TPM or HSM (pki/key/key.h): libjose, which wants a key's numbers, can't use it. Of
 * this folder only. */
#ifndef JOSE_JWS_KEPT_H
#define JOSE_JWS_KEPT_H

#include "jose/jws/jws.h"

/* Its public half, as a key that libjose reads; the caller EVP_PKEY_free()s it. */
EVP_PKEY *jose_kept_public(EVP_PKEY *key);
/* As jose_sign; `header` is whole, and borrowed. R_IO: the TPM or HSM did not sign. */
MUST_USE enum result jose_kept_sign(EVP_PKEY *key, const json_t *header, struct slice payload, char **ret,
                                    struct error *err);

#endif
