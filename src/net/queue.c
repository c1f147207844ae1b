/* SPDX-License-Identifier: Apache-2.0 */
/* The queue of unsent bytes. */
#include "net/queue.h"

#include <stdlib.h>

#include "base/mem.h"

enum { CHUNK_SIZE = 32 * 1024 };

struct net_chunk {
    STAILQ_ENTRY(net_chunk) turn;
    size_t start, end, room;
    char bytes[];
};

static struct net_chunk *add_chunk(struct net_queue *q, size_t at_least)
{
    size_t room = at_least > CHUNK_SIZE ? at_least : CHUNK_SIZE;
    struct net_chunk *c = mem_resize(NULL, sizeof *c + room, 1);
    c->start = c->end = 0;
    c->room = room;
    STAILQ_INSERT_TAIL(&q->chunks, c, turn);
    return c;
}

void net_queue_init(struct net_queue *q)
{
    STAILQ_INIT(&q->chunks);
    q->len = 0;
}

void net_queue_add(struct net_queue *q, struct slice data)
{
    q->len += data.len;
    while (data.len) {
        struct net_chunk *c = STAILQ_LAST(&q->chunks, net_chunk, turn);
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
    struct net_chunk *c;
    STAILQ_FOREACH(c, &q->chunks, turn) {
        if (n == max)
            break;
        ret[n++] = (struct iovec){c->bytes + c->start, c->end - c->start};
    }
    return n;
}

void net_queue_drop(struct net_queue *q, size_t n)
{
    q->len -= n;
    while (n) {
        struct net_chunk *c = STAILQ_FIRST(&q->chunks);
        size_t here = c->end - c->start < n ? c->end - c->start : n;
        c->start += here;
        n -= here;
        if (c->start < c->end)
            return;
        STAILQ_REMOVE_HEAD(&q->chunks, turn);
        free(c);
    }
}

void net_queue_free(struct net_queue *q)
{
    struct net_chunk *c, *next;
    STAILQ_FOREACH_SAFE(c, &q->chunks, turn, next)
        free(c);
    net_queue_init(q);
}
