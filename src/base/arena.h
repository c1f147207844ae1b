/* SPDX-License-Identifier: Apache-2.0 */
/* Memory that dies together: one arena a request. Nothing in it is freed alone. */
#ifndef BASE_ARENA_H
#define BASE_ARENA_H

#include "base/slice.h"

struct arena;

/* `max` bounds all that is ever taken from it, in bytes. */
struct arena *arena_new(size_t max);
void arena_free(struct arena *a); /* NULL allowed */

/* Zeroed, aligned for any type; NULL when the maximum would be passed: the caller turns that into R_LIMIT. */
MUST_USE void *arena_alloc(struct arena *a, size_t size);

/* Copies; .ptr is NULL when the maximum would be passed. A NUL follows the copy, outside its length. */
MUST_USE struct slice arena_dup(struct arena *a, struct slice s);
MUST_USE struct slice arena_join(struct arena *a, const struct slice *parts, size_t count); /* one behind the other */
MUST_USE struct slice arena_printf(struct arena *a, const char *fmt, ...) PRINTF_LIKE(2, 3);

/* Bytes taken so far. */
size_t arena_used(const struct arena *a);

#endif
