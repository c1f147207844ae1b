/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Which row of a table has a field's name. Each field of each head is looked for in several tables, and is in hardly
 * any of them: its length and its first letter tell most of those apart, and where to look for the others.
 */
#ifndef HTTP_NAMES_H
#define HTTP_NAMES_H

#include "base/slice.h"

enum { HTTP_NAMES_MARKS = 64 };

/* Of one thread, since it is made ready by who asks first: static _Thread_local struct http_names n = HTTP_NAMES(table)
 */
struct http_names {
    const void *rows; /* each begins with its name, a struct slice; fewer than 256 */
    size_t stride, count;
    bool ready;
    unsigned char first[HTTP_NAMES_MARKS]; /* by mark: the number of the first such row, counted from 1; 0: none */
};

#define HTTP_NAMES(table)                                                                                              \
    {                                                                                                                  \
        .rows = (table), .stride = sizeof(table)[0], .count = sizeof(table) / sizeof(table)[0]                         \
    }

/* A factor by which names that are often sent seldom fall together with those of our tables. */
static inline size_t http_names_mark(struct slice name)
{
    return (name.len * 41 + (name.len ? (unsigned char)name.ptr[0] : 0)) % HTTP_NAMES_MARKS;
}

void http_names_make_ready(struct http_names *n);
size_t http_names_seek(const struct http_names *n, size_t row, struct slice name); /* from this row on */

/* The row's number, counted from 0; n->count: none has this name, byte by byte. */
static inline size_t http_names_find(struct http_names *n, struct slice name)
{
    if (!n->ready)
        http_names_make_ready(n);
    size_t first = n->first[http_names_mark(name)];
    return first ? http_names_seek(n, first - 1, name) : n->count;
}

#endif
