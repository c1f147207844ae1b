/* SPDX-License-Identifier: Apache-2.0 */
/* See loopback_stream.h: each end has an inbox of chunks with the instant from which they may be read. */
#include "loopback_stream.h"

#include <stdlib.h>

#include "base/mem.h"

enum { CAPACITY = 256 * 1024, SLICE_MAX = 64 * 1024, TURN = 64 };

enum kind { DATA, END, BROKEN };

struct chunk {
    struct chunk *next;
    enum kind kind;
    uint64_t due_ms;
    size_t start, len;
    char mem[];
};

struct end {
    struct net_stream s;
    struct loop *loop;
    struct end *peer; /* NULL: closed */
    struct loop_timer *timer;
    struct chunk *first, **last;
    uint64_t delay_ms, written, writes;
    size_t capacity, inbox;
    bool paused, shut, want_drain, closed, busy;
};

static struct end *of(const struct net_stream *s)
{
    return (struct end *)(uintptr_t)s;
}

static void wake(struct end *e)
{
    if (!e->first || e->closed || (e->paused && e->first->kind == DATA))
        return;
    uint64_t now = loop_now_ms(e->loop);
    loop_timer_start(e->timer, e->first->due_ms > now ? e->first->due_ms - now : 0, 0);
}

static void put(struct end *to, enum kind kind, struct slice data)
{
    struct chunk *c = mem_zalloc(sizeof *c + data.len);
    c->kind = kind;
    c->len = data.len;
    c->due_ms = loop_now_ms(to->loop) + to->delay_ms;
    if (data.len)
        memcpy(c->mem, data.ptr, data.len);
    bool was_empty = !to->first;
    *to->last = c;
    to->last = &c->next;
    to->inbox += data.len;
    if (was_empty)
        wake(to);
}

static void take_first(struct end *e)
{
    struct chunk *c = e->first;
    e->first = c->next;
    if (!e->first)
        e->last = &e->first;
    free(c);
}

static size_t queued(const struct net_stream *s)
{
    const struct end *e = of(s);
    if (!e->peer || e->peer->inbox <= e->peer->capacity)
        return 0;
    return e->peer->inbox - e->peer->capacity;
}

static void tell_drain(struct end *e)
{
    if (!e || !e->want_drain || queued(&e->s) > NET_STREAM_LOW)
        return;
    e->want_drain = false;
    if (e->s.events && e->s.events->on_drain)
        e->s.events->on_drain(e->s.ctx);
}

static void end_free(struct end *e)
{
    loop_timer_free(e->timer);
    while (e->first)
        take_first(e);
    free(e);
}

/* One chunk, or a slice of it, to the owner; he may close the stream meanwhile. */
static void deliver(struct end *e)
{
    struct chunk *c = e->first;
    if (c->kind == DATA) {
        size_t n = c->len < SLICE_MAX ? c->len : SLICE_MAX;
        struct slice data = slice_make(c->mem + c->start, n);
        e->inbox -= n;
        c->start += n;
        c->len -= n;
        if (n)
            e->s.events->on_data(e->s.ctx, data);
        if (c->len == 0)
            take_first(e);
        if (!e->closed)
            tell_drain(e->peer);
        return;
    }
    struct error why;
    enum kind kind = c->kind;
    take_first(e);
    (void)error_set(&why, R_IO, "connection reset");
    if (kind == END && e->s.events->on_end)
        e->s.events->on_end(e->s.ctx);
    else if (kind == BROKEN && e->s.events->on_close)
        e->s.events->on_close(e->s.ctx, &why);
}

static void on_timer(void *arg)
{
    struct end *e = arg;
    e->busy = true;
    for (int i = 0; i < TURN && !e->closed && e->first && e->first->due_ms <= loop_now_ms(e->loop); i++) {
        if (e->paused && e->first->kind == DATA)
            break;
        deliver(e);
    }
    e->busy = false;
    if (e->closed)
        end_free(e);
    else
        wake(e);
}

static void write_data(struct net_stream *s, struct slice data)
{
    struct end *e = of(s);
    e->written += data.len;
    e->writes++;
    if (!e->peer || e->shut || data.len == 0)
        return;
    put(e->peer, DATA, data);
    if (net_stream_congested(s))
        e->want_drain = true;
}

static void pause_reading(struct net_stream *s)
{
    of(s)->paused = true;
}

static void resume_reading(struct net_stream *s)
{
    of(s)->paused = false;
    if (!of(s)->busy)
        wake(of(s));
}

static void shut(struct net_stream *s)
{
    struct end *e = of(s);
    if (e->peer && !e->shut)
        put(e->peer, END, SLICE_NONE);
    e->shut = true;
}

/* What the line had not taken is lost with its writer. */
static void lose_queued(struct end *to)
{
    size_t kept = 0;
    for (struct chunk *c = to->first; c; c = c->next) {
        if (c->len > to->capacity - kept) {
            to->inbox -= c->len - (to->capacity - kept);
            c->len = to->capacity - kept;
        }
        kept += c->len;
    }
}

static void close_end(struct net_stream *s)
{
    struct end *e = of(s);
    if (e->peer)
        lose_queued(e->peer);
    shut(s);
    if (e->peer)
        e->peer->peer = NULL;
    e->closed = true;
    if (!e->busy)
        end_free(e);
}

static const struct net_stream_ops ops = {
    .write = write_data,
    .queued = queued,
    .pause = pause_reading,
    .resume = resume_reading,
    .shutdown = shut,
    .close = close_end,
};

void loopback_pair(struct loop *loop, uint64_t delay_ms, size_t capacity, struct net_stream **ret_a,
                   struct net_stream **ret_b)
{
    struct end *ends[2];
    for (int i = 0; i < 2; i++) {
        struct end *e = ends[i] = mem_zalloc(sizeof *e);
        e->s.ops = &ops;
        e->loop = loop;
        e->delay_ms = delay_ms;
        e->capacity = capacity ? capacity : CAPACITY;
        e->last = &e->first;
        e->timer = loop_timer_new(loop, on_timer, e);
    }
    ends[0]->peer = ends[1];
    ends[1]->peer = ends[0];
    *ret_a = &ends[0]->s;
    *ret_b = &ends[1]->s;
}

void loopback_break(struct net_stream *s)
{
    struct end *e = of(s);
    if (e->peer)
        put(e->peer, BROKEN, SLICE_NONE);
    put(e, BROKEN, SLICE_NONE);
}

uint64_t loopback_written(const struct net_stream *s)
{
    return of(s)->written;
}

uint64_t loopback_writes(const struct net_stream *s)
{
    return of(s)->writes;
}
