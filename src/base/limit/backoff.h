/* SPDX-License-Identifier: Apache-2.0 */
/* How long to wait after failures in a row. What is taken off by chance, so that many do not come in step, is for who
 * asks: each says why it is as much as it is. */
#ifndef BASE_LIMIT_BACKOFF_H
#define BASE_LIMIT_BACKOFF_H

#include <stdint.h>

/* `first`, doubled so many times, at most `most`. Of any unit. */
uint64_t backoff_doubled(uint64_t first, uint64_t most, unsigned times);

#endif
