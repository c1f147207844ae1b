/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Blocks of memory that live for about one request: arenas and buffers. malloc takes long for what is larger than its
 * quick lists hold, so each thread keeps a few of them, of two sizes, for the next request. Under AddressSanitizer it
 * keeps none, so that a use after the end is found.
 */
#ifndef BASE_STOCK_H
#define BASE_STOCK_H

#include <stddef.h>

enum { STOCK_SMALL = 2048, STOCK_LARGE = 4096 };

/* Not zeroed. Any size; `size` itself must be given back with it. */
void *stock_take(size_t size);
void stock_give(void *block, size_t size); /* NULL allowed */

#endif
