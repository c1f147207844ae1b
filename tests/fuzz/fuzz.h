/* SPDX-License-Identifier: Apache-2.0 */
/* What the fuzz targets share. Each target is one file, its corpus the folder corpus/<target>. */
#ifndef TESTS_FUZZ_H
#define TESTS_FUZZ_H

#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/slice.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* A property that must hold whatever the input is. */
#define MUST(condition)                                                                                                \
    do {                                                                                                               \
        if (!(condition)) {                                                                                            \
            (void)fprintf(stderr, "%s:%d: %s does not hold\n", __FILE__, __LINE__, #condition);                        \
            abort();                                                                                                   \
        }                                                                                                              \
    } while (0)

/* The first byte of the input, which chooses how the rest is used; 0 of an empty one. */
static inline uint8_t fuzz_choice(struct slice *in)
{
    uint8_t first = in->len ? (uint8_t)in->ptr[0] : 0;
    *in = slice_skip(*in, 1);
    return first;
}

/* The same bytes in memory of its own so that reading over its end is seen. The caller frees
 * ret->ptr; it is never NULL. */
static inline struct slice fuzz_own(struct slice s)
{
    char *copy = malloc(s.len ? s.len : 1);
    if (!copy)
        abort();
    if (s.len)
        memcpy(copy, s.ptr, s.len);
    return slice_make(copy, s.len);
}

static inline void fuzz_own_free(struct slice s)
{
    free((void *)(uintptr_t)s.ptr);
}

#endif
