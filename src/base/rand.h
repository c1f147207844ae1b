/* SPDX-License-Identifier: Apache-2.0 */
/* Randomness of the operating system. A machine without it ends the process. */
#ifndef BASE_RAND_H
#define BASE_RAND_H

#include <stddef.h>
#include <stdint.h>

void rand_bytes(void *ret, size_t len);

/* The same, without a system call each time: a thread takes 4 KiB at once. For names that must be unique and not
 * guessed (request ids, nonces), never for keys: what is handed out next lies in memory before. */
void rand_id_bytes(void *ret, size_t len);

uint64_t rand_below(uint64_t limit); /* 0 … limit-1, evenly; limit > 0 */

#endif
