/* SPDX-License-Identifier: Apache-2.0 */
/* For whom calls are made, so that nobody takes a server from all others: what each holder has of a pool, and its calls
 * that wait, in turn with those of the others. A holder is there while it has calls. */
#include <stdlib.h>

#include "base/mem.h"
#include "http/pool/internal.h"

static int compare(const struct pool_holder *a, const struct pool_holder *b)
{
    if (a->key_len != b->key_len)
        return a->key_len < b->key_len ? -1 : 1;
    return memcmp(a->key, b->key, a->key_len);
}

#define TREE UNUSED static
RB_GENERATE_INTERNAL(pool_holders, pool_holder, by_key, compare, TREE)

static void set_key(struct pool_holder *h, struct slice key)
{
    h->key_len = key.len < sizeof h->key ? key.len : sizeof h->key;
    if (h->key_len)
        memcpy(h->key, key.ptr, h->key_len);
}

/* Of `all` that the pool has; who asks for nobody is the owner itself. */
static uint32_t share(const struct pool_holder *h, uint32_t all)
{
    return h->key_len ? (all + HTTP_POOL_SHARE - 1) / HTTP_POOL_SHARE : all;
}

static uint32_t room(const struct http_pool *p, const struct pool_holder *h)
{
    uint32_t most = share(h, p->o.max_connections);
    return h->conns < most ? most - h->conns : 0;
}

static uint32_t least(uint32_t a, uint32_t b)
{
    return a < b ? a : b;
}

/* What connections are to be made for is counted by holder: calls over its share wait for its own. */
static void count_ready(struct http_pool *p, const struct pool_holder *h, int sign)
{
    if (h->waiting_count == 0)
        return;
    uint32_t free_conns = room(p, h);
    p->ready_websockets += (uint32_t)sign * least(h->waiting_websockets, free_conns);
    p->ready += (uint32_t)sign * least(h->waiting_count - h->waiting_websockets, free_conns);
}

/* A fourth of the places where calls may wait that are left for all others, besides. */
static uint32_t most_calls(const struct http_pool *p, const struct pool_holder *h)
{
    enum { PART = 4 };
    return least(share(h, p->o.max_waiting), (p->o.max_waiting - p->waiting_count) / PART);
}

enum result http_pool_holder_join(struct http_pool *p, struct slice key, bool websocket, struct pool_holder **ret,
                                  struct error *err)
{
    struct pool_holder wanted;
    set_key(&wanted, key);
    struct pool_holder *h = RB_FIND(pool_holders, &p->holders, &wanted);
    if (h && key.len && h->calls >= most_calls(p, h))
        return error_set(err, R_LIMIT, "%u calls of this sender are under way already", h->calls);
    if (h && key.len && websocket && h->websockets >= share(h, p->o.max_switched))
        return error_set(err, R_LIMIT, "%u WebSockets of this sender are open already", h->websockets);
    if (!h) {
        h = mem_zalloc(sizeof *h);
        set_key(h, key);
        TAILQ_INIT(&h->waiting);
        (void)RB_INSERT(pool_holders, &p->holders, h);
    }
    h->calls++;
    h->websockets += websocket;
    *ret = h;
    return OK;
}

void http_pool_holder_part(struct pool_call *c)
{
    struct pool_holder *h = c->holder;
    h->websockets -= http_pool_call_is_websocket(c);
    if (--h->calls)
        return;
    (void)RB_REMOVE(pool_holders, &c->pool->holders, h);
    free(h);
}

void http_pool_holder_waits(struct pool_call *c, bool waits)
{
    struct http_pool *p = c->pool;
    struct pool_holder *h = c->holder;
    count_ready(p, h, -1);
    if (!waits)
        TAILQ_REMOVE(&h->waiting, c, of_holder);
    else if (c->retried)
        TAILQ_INSERT_HEAD(&h->waiting, c, of_holder);
    else
        TAILQ_INSERT_TAIL(&h->waiting, c, of_holder);
    if (waits && h->waiting_count == 0)
        TAILQ_INSERT_TAIL(&p->turns, h, turn);
    h->waiting_count += waits ? 1 : (uint32_t)-1;
    if (http_pool_call_is_websocket(c))
        h->waiting_websockets += waits ? 1 : (uint32_t)-1;
    if (h->waiting_count == 0)
        TAILQ_REMOVE(&p->turns, h, turn);
    count_ready(p, h, 1);
}

void http_pool_holder_conn(struct pool_call *c, bool has)
{
    if (c->has_conn == has)
        return;
    count_ready(c->pool, c->holder, -1);
    c->has_conn = has;
    c->holder->conns += has ? 1 : (uint32_t)-1;
    count_ready(c->pool, c->holder, 1);
}

bool http_pool_holder_has_room(const struct http_pool *p, const struct pool_holder *h)
{
    return room(p, h) > 0;
}
