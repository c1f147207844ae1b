/* SPDX-License-Identifier: Apache-2.0 */
/* One kind of connection or the other, and the shell around an HTTP/2 session that makes it a server's connection. */
#include "http/server.h"

#include <stdlib.h>

#include "base/mem.h"
#include "http/h1/server.h"
#include "http/h2/h2.h"

const struct http_server_limits http_server_defaults = {
    .head_ms = 30 * 1000,
    .idle_ms = 5 * 60 * 1000,
    .body_ms = 60 * 1000,
    .streams = 256,
};

/* Windows of one client's connection may grow to this together. */
enum { H2_WINDOW_BUDGET = 8 * 1024 * 1024, H2_HEADS_BUDGET = 1024 * 1024, H2_STRANGER_HEADS = 64 * 1024 };

struct h2_conn {
    struct http_server_conn base;
    struct http_h2 *h2;
    const struct http_server_events *events;
    void *owner;
};

static struct h2_conn *h2_conn_of(struct http_server_conn *c)
{
    return (struct h2_conn *)(void *)c;
}

static void h2_conn_drain(struct http_server_conn *c)
{
    http_h2_drain(h2_conn_of(c)->h2);
}

static void h2_conn_stop(struct http_server_conn *c)
{
    http_h2_stop(h2_conn_of(c)->h2);
}

static void h2_conn_close(struct http_server_conn *c)
{
    http_h2_close(h2_conn_of(c)->h2);
}

static void h2_conn_let_in(struct http_server_conn *c)
{
    http_h2_let_in(h2_conn_of(c)->h2);
}

static void h2_conn_for_many(struct http_server_conn *c)
{
    http_h2_for_many(h2_conn_of(c)->h2);
}

static size_t h2_conn_exchanges(const struct http_server_conn *c)
{
    return http_h2_streams(((const struct h2_conn *)(const void *)c)->h2);
}

static const struct http_server_conn_ops h2_conn_ops = {
    .drain = h2_conn_drain,
    .stop = h2_conn_stop,
    .close = h2_conn_close,
    .let_in = h2_conn_let_in,
    .for_many = h2_conn_for_many,
    .exchanges = h2_conn_exchanges,
};

static void h2_on_request(void *owner, struct http_exchange *x)
{
    const struct h2_conn *c = owner;
    x->owner = c->owner;
    c->events->on_request(c->owner, x);
}

static void h2_on_bad_request(void *owner, int status, const char *what, struct arena *a,
                              struct http_response *ret_head, struct slice *ret_body)
{
    const struct h2_conn *c = owner;
    if (c->events->on_bad_request)
        c->events->on_bad_request(c->owner, status, what, a, ret_head, ret_body);
}

static void h2_on_held(void *owner, size_t bytes)
{
    const struct h2_conn *c = owner;
    if (c->events->on_held)
        c->events->on_held(c->owner, bytes);
}

static void h2_on_refused(void *owner)
{
    const struct h2_conn *c = owner;
    if (c->events->on_refused)
        c->events->on_refused(c->owner);
}

static void h2_on_drain(void *owner)
{
    (void)owner; /* a client's GOAWAY: it will close when its streams have ended */
}

static void h2_on_close(void *owner, const struct error *why)
{
    struct h2_conn *c = owner;
    (void)why;
    if (c->events->on_close)
        c->events->on_close(c->owner);
    free(c);
}

static const struct http_h2_events h2_conn_events = {
    .on_request = h2_on_request,
    .on_bad_request = h2_on_bad_request,
    .on_held = h2_on_held,
    .on_refused = h2_on_refused,
    .on_drain = h2_on_drain,
    .on_close = h2_on_close,
};

static struct http_server_conn *h2_conn_new(struct loop *loop, struct net_stream *stream,
                                            const struct http_server_limits *limits,
                                            const struct http_server_events *events, void *owner)
{
    struct h2_conn *c = mem_zalloc(sizeof *c);
    struct http_h2_options o = {
        .max_streams = limits->streams,
        .window_budget = H2_WINDOW_BUDGET,
        .idle_ms = limits->idle_ms,
        .heads_budget = limits->heads ? limits->heads : H2_HEADS_BUDGET,
        .stranger_heads = limits->stranger_heads ? limits->stranger_heads : H2_STRANGER_HEADS,
        .stranger = limits->stranger,
        .for_many = limits->for_many,
        .body_ms = limits->body_ms,
        .websocket = limits->websocket,
    };
    c->base.ops = &h2_conn_ops;
    c->events = events;
    c->owner = owner;
    c->h2 = http_h2_server(loop, stream, &o, &h2_conn_events, c);
    return &c->base;
}

struct http_server_conn *http_server_conn_new(struct loop *loop, struct net_stream *stream, bool h2,
                                              const struct http_server_limits *limits,
                                              const struct http_server_events *events, void *owner)
{
    return (h2 ? h2_conn_new : http_h1_server_new)(loop, stream, limits, events, owner);
}

void http_server_conn_drain(struct http_server_conn *c)
{
    c->ops->drain(c);
}

void http_server_conn_stop(struct http_server_conn *c)
{
    c->ops->stop(c);
}

void http_server_conn_close(struct http_server_conn *c)
{
    c->ops->close(c);
}

void http_server_conn_let_in(struct http_server_conn *c)
{
    c->ops->let_in(c);
}

void http_server_conn_for_many(struct http_server_conn *c)
{
    c->ops->for_many(c);
}

size_t http_server_conn_exchanges(const struct http_server_conn *c)
{
    return c->ops->exchanges(c);
}
