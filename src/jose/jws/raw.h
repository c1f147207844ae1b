/* SPDX-License-Identifier: Apache-2.0 */
/* ECDSA signatures as r||s (RFC 7518 3.4, RFC 9421 3.3.4) of what OpenSSL makes. Of this layer only. */
#ifndef JOSE_JWS_RAW_H
#define JOSE_JWS_RAW_H

#include <stdbool.h>

#include "base/slice.h"

/* Of a DER signature, `coordinate` bytes each. False: it is none, or of a longer curve. */
bool ecdsa_raw_of_der(struct slice der, size_t coordinate, unsigned char *ret);

#endif
