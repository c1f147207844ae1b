/* SPDX-License-Identifier: Apache-2.0 */
/* A table of first rows by a small hash; rows of one hash are sought among those behind the first. */
#include "http/names.h"

static struct slice name_of(const struct http_names *n, size_t row)
{
    return *(const struct slice *)(const void *)((const char *)n->rows + row * n->stride);
}

void http_names_make_ready(struct http_names *n)
{
    for (size_t row = n->count; row > 0; row--)
        n->first[http_names_mark(name_of(n, row - 1))] = (unsigned char)row;
    n->ready = true;
}

size_t http_names_seek(const struct http_names *n, size_t row, struct slice name)
{
    while (row < n->count && !slice_eq(name_of(n, row), name))
        row++;
    return row;
}
