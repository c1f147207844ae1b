/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Memory blocks that live for about one request (arenas, buffers), kept for the next one. glibc's malloc is slow for
 * blocks larger than its per-thread cache holds, so each thread keeps a few freed blocks of two sizes. Example: an
 * arena that needs 2 KiB takes the block that the request before gave back, without a call of malloc. With
 * AddressSanitizer nothing is kept, so that a use after free is found.
 */
#ifndef BASE_STOCK_H
#define BASE_STOCK_H

#include <stddef.h>

enum { STOCK_SMALL = 2048, STOCK_LARGE = 4096 };

/* Not zeroed. Any size; `size` itself must be given back with it. */
void *stock_take(size_t size);
void stock_give(void *block, size_t size); /* NULL allowed */

#endif
