/* SPDX-License-Identifier: Apache-2.0 */
/* A borrowed run of bytes: what everything that came over a wire is held in. Never NUL-terminated by promise. */
#ifndef BASE_SLICE_H
#define BASE_SLICE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include "base/attr.h"

struct slice {
    const char *ptr;
    size_t len;
};

/* printf("%" PRIslice, SLICE_ARG(s)) */
#define PRIslice ".*s"
#define SLICE_ARG(s) (int)(s).len, (s).ptr ? (s).ptr : ""

#define SLICE(literal) ((struct slice){"" literal, sizeof(literal) - 1})
#define SLICE_NONE ((struct slice){NULL, 0})

static inline struct slice slice_of(const char *text)
{
    return (struct slice){text, text ? strlen(text) : 0};
}

static inline struct slice slice_make(const void *ptr, size_t len)
{
    return (struct slice){ptr, len};
}

static inline bool slice_eq(struct slice a, struct slice b)
{
    return a.len == b.len && (a.len == 0 || memcmp(a.ptr, b.ptr, a.len) == 0);
}

bool slice_eq_nocase(struct slice a, struct slice b); /* ASCII letters only */

static inline bool slice_starts(struct slice s, struct slice prefix)
{
    return s.len >= prefix.len && slice_eq((struct slice){s.ptr, prefix.len}, prefix);
}

bool slice_starts_nocase(struct slice s, struct slice prefix);
bool slice_ends(struct slice s, struct slice suffix);

/* <0, 0, >0 by bytes, then by length: for trees. */
int slice_cmp(struct slice a, struct slice b);
int slice_cmp_nocase(struct slice a, struct slice b); /* ASCII letters only */

/* Equal, in a time that depends on the lengths alone: for secrets. */
bool slice_eq_secret(struct slice a, struct slice b);

/* s without its first n bytes (all of it when shorter). */
static inline struct slice slice_skip(struct slice s, size_t n)
{
    if (n > s.len)
        n = s.len;
    return (struct slice){s.ptr ? s.ptr + n : NULL, s.len - n};
}

/* Index of the first c or of the first needle, or SIZE_MAX. */
size_t slice_find(struct slice s, char c);
size_t slice_find_slice(struct slice s, struct slice needle);

/* Cuts *rest at the first `sep`: returns what stood before it and leaves in *rest what stood behind it (SLICE_NONE
 * when there was no sep, so that a loop `while (rest.ptr)` sees every part, the empty ones included). */
struct slice slice_cut(struct slice *rest, char sep);

/* Without spaces and tabs at both ends (RFC 9110 5.6.3 OWS). */
struct slice slice_trim(struct slice s);

/* Decimal digits only, the whole slice, no sign, no overflow. */
MUST_USE bool slice_to_u64(struct slice s, uint64_t *ret);

/* Copies into a C string of `size` bytes; false (and an empty string) when it does not fit or holds a NUL. */
MUST_USE bool slice_to_cstr(struct slice s, char *ret, size_t size);

/* Copies a C string; what does not fit is cut off, as in a line of a log. */
void cstr_copy(char *ret, size_t size, const char *text);

/* A malloc'ed C string; a NUL inside ends it early. The caller frees it. */
char *slice_dup(struct slice s);

/* Is `word` (not empty) one of the words of this text, which blanks separate? */
bool slice_is_word_of(struct slice word, const char *words);

/* Which of these words it is, as enums name theirs in a table; false: none, and *ret stays. */
MUST_USE bool slice_word(struct slice s, const char *const *words, size_t count, size_t *ret);

#endif
