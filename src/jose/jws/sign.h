/* SPDX-License-Identifier: Apache-2.0 */
/* Signing by any key under a header that is complete already: of this folder only. */
#ifndef JOSE_JWS_SIGN_H
#define JOSE_JWS_SIGN_H

#include "jose/jws/jws.h"

/* `header` names the algorithm; it is borrowed. Text malloc'ed. */
MUST_USE enum result jose_sign_by(EVP_PKEY *key, json_t *header, struct slice payload, char **ret, struct error *err);

#endif
