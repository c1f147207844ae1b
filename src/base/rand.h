/* SPDX-License-Identifier: Apache-2.0 */
/* Randomness of the operating system. A machine without it ends the process. */
#ifndef BASE_RAND_H
#define BASE_RAND_H

#include <stddef.h>
#include <stdint.h>

void rand_bytes(void *ret, size_t len);
uint64_t rand_below(uint64_t limit); /* 0 … limit-1, evenly; limit > 0 */

#endif
