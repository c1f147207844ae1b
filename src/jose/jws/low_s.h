/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The lower of the two signatures that ECDSA allows: with (r, s) also (r, n - s) verifies, and anyone can make one of
 * the other. A site's tokens have the lower s and no other, so that a token has one spelling. RFC 7518 3.4 allows both,
 * and other issuers send both: of theirs nothing is asked. Of this folder only.
 */
#ifndef JOSE_JWS_LOW_S_H
#define JOSE_JWS_LOW_S_H

#include <stdbool.h>

enum { LOW_S_SIGNATURE = 64 }; /* of ES256: r and s, 32 bytes each, big-endian */

bool low_s_is(const unsigned char signature[LOW_S_SIGNATURE]);
/* s becomes n - s where that is lower. */
void low_s_make(unsigned char signature[LOW_S_SIGNATURE]);

#endif
