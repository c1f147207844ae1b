/* SPDX-License-Identifier: Apache-2.0 */
/* The queue of unsent bytes. */
#include "net/queue.h"

#include <stdlib.h>

#include "base/mem.h"

enum { CHUNK_SIZE = 32 * 1024 };

struct net_chunk {
    struct net_chunk *next;
    size_t start, end, room;
    char bytes[];
};

static struct net_chunk *add_chunk(struct net_queue *q, size_t at_least)
{
    size_t room = at_least > CHUNK_SIZE ? at_least : CHUNK_SIZE;
    struct net_chunk *c = mem_resize(NULL, sizeof *c + room, 1);
    c->next = NULL;
    c->start = c->end = 0;
    c->room = room;
    if (q->last)
        q->last->next = c;
    else
        q->first = c;
    q->last = c;
    return c;
}

void net_queue_add(struct net_queue *q, struct slice data)
{
    q->len += data.len;
    while (data.len) {
        struct net_chunk *c = q->last;
        if (!c || c->end == c->room)
            c = add_chunk(q, data.len);
        size_t n = c->room - c->end < data.len ? c->room - c->end : data.len;
        memcpy(c->bytes + c->end, data.ptr, n);
        c->end += n;
        data = slice_skip(data, n);
    }
}

int net_queue_pieces(const struct net_queue *q, struct iovec *ret, int max)
{
    int n = 0;
    for (struct net_chunk *c = q->first; c && n < max; c = c->next)
        ret[n++] = (struct iovec){c->bytes + c->start, c->end - c->start};
    return n;
}

void net_queue_drop(struct net_queue *q, size_t n)
{
    q->len -= n;
    while (n) {
        struct net_chunk *c = q->first;
        size_t here = c->end - c->start < n ? c->end - c->start : n;
        c->start += here;
        n -= here;
        if (c->start < c->end)
            return;
        q->first = c->next;
        if (!q->first)
            q->last = NULL;
        free(c);
    }
}

void net_queue_free(struct net_queue *q)
{
    for (struct net_chunk *c = q->first, *next; c; c = next) {
        next = c->next;
        free(c);
    }
    *q = (struct net_queue){0};
}
