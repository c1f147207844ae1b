/* SPDX-License-Identifier: Apache-2.0 */
/* A token bucket: so much at once, so much a second in the long run. The clock is the caller's. */
#ifndef BASE_LIMIT_BUCKET_H
#define BASE_LIMIT_BUCKET_H

#include <stdbool.h>
#include <stdint.h>

#include "base/attr.h"

struct bucket {
    uint64_t tokens, burst, per_second, at_ms;
};

void bucket_start(struct bucket *b, uint64_t burst, uint64_t per_second, uint64_t now_ms); /* full */
void bucket_add(struct bucket *b, uint64_t n);                                             /* never over `burst` */
MUST_USE bool bucket_take(struct bucket *b, uint64_t n, uint64_t now_ms);                  /* false: not enough in it */
void bucket_charge(struct bucket *b, uint64_t n, uint64_t now_ms); /* what was used already; all there is, at most */

#endif
