/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A growing run of bytes with a maximum, consumed from the front.
 *
 *     mem ─┬──────────┬────────────────┬────────┐
 *          │ consumed │  buf_data()    │ room   │   allocated ≤ max
 *          └──────────┴────────────────┴────────┘
 *
 * An empty buffer holds no memory once buf_free() or the last buf_consume() was called, so that idle connections
 * cost nothing.
 */
#ifndef BASE_BUF_H
#define BASE_BUF_H

#include "base/error.h"
#include "base/slice.h"

struct buf {
    char *mem;
    size_t start, end, room; /* bytes: first unread, first free, allocated */
    size_t max;              /* of unread bytes */
    bool secret;             /* what it gives back is wiped first */
};

/* `max` bounds the unread bytes; there is no buffer without one. */
void buf_init(struct buf *b, size_t max);
/* The same for what may hold a secret (keys, tokens, passwords): no copy of it stays in memory that was given back,
 * also when the buffer grows. */
void buf_init_secret(struct buf *b, size_t max);
void buf_free(struct buf *b); /* ready for use again, same maximum */

/* R_LIMIT (and nothing appended) when the maximum would be passed. */
MUST_USE enum result buf_append(struct buf *b, struct slice data);
MUST_USE enum result buf_append_str(struct buf *b, const char *text);
MUST_USE enum result buf_printf(struct buf *b, const char *fmt, ...) PRINTF_LIKE(2, 3);

/* At least n bytes to write at the returned place, then buf_commit(how many were written). NULL: over the maximum. */
MUST_USE char *buf_reserve(struct buf *b, size_t n);
void buf_commit(struct buf *b, size_t n);

static inline struct slice buf_data(const struct buf *b)
{
    return (struct slice){b->mem ? b->mem + b->start : NULL, b->end - b->start};
}

static inline size_t buf_len(const struct buf *b)
{
    return b->end - b->start;
}

/* Drops n unread bytes from the front; gives the memory back when nothing is left and it was large. */
void buf_consume(struct buf *b, size_t n);

/* The bytes as a malloc'ed, NUL-terminated string that the caller frees; the buffer is empty afterwards. */
char *buf_take_str(struct buf *b);

#endif
