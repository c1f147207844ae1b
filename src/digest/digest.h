/* SPDX-License-Identifier: Apache-2.0 */
/* SHA-256 (FIPS 180-4), by OpenSSL, of what is at hand or comes in parts. It does not fail: without it nothing here can
 * be done, and the process ends. */
#ifndef DIGEST_DIGEST_H
#define DIGEST_DIGEST_H

#include "base/slice.h"
#include "base/text/encode.h"

enum { DIGEST_SIZE = 32 };
#define DIGEST_HEX HEX_SIZE(DIGEST_SIZE)

void digest_of(struct slice data, unsigned char ret[DIGEST_SIZE]);
void digest_hex_of(struct slice data, char ret[DIGEST_HEX]); /* in small letters */

struct digest;
struct digest *digest_new(void);
void digest_add(struct digest *d, struct slice part);
/* With its length before it, so that no two lists of parts are one text. */
void digest_add_counted(struct digest *d, struct slice part);
void digest_end(struct digest *d, unsigned char ret[DIGEST_SIZE]); /* frees it */
void digest_free(struct digest *d);                                /* of one that is not ended; NULL allowed */

#endif
