/* SPDX-License-Identifier: Apache-2.0 */
/* The algorithms of message signatures (RFC 9421 3.3) by kind of key: of this folder only. */
#ifndef JOSE_HTTPSIG_SIGKEY_H
#define JOSE_HTTPSIG_SIGKEY_H

#include <openssl/evp.h>

#include "base/error.h"
#include "base/slice.h"

enum { SIGKEY_SIGNATURE_MAX = 1024 };

struct sigkey_algorithm;

/* NULL: no algorithm for such a key (another curve, RSA under 2048 or over 8192 bits). */
const struct sigkey_algorithm *sigkey_algorithm(EVP_PKEY *key);
const char *sigkey_name(const struct sigkey_algorithm *a);

/* ECDSA as r||s. The signature's length, or 0 when the library refuses (a key without its private part). */
MUST_USE size_t sigkey_sign(const struct sigkey_algorithm *a, EVP_PKEY *key, struct slice data,
                            unsigned char ret[SIGKEY_SIGNATURE_MAX]);
MUST_USE bool sigkey_verify(const struct sigkey_algorithm *a, EVP_PKEY *key, struct slice data, struct slice signature);

#endif
