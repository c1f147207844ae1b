/* SPDX-License-Identifier: Apache-2.0 */
/* Making a pool's connections: name, TCP, TLS; then HTTP/1.1 or, where ALPN says so, a session of HTTP/2. */
#include <stdlib.h>

#include "base/mem.h"
#include "http/pool/internal.h"

/* What one session of HTTP/2 may have open and in flight. */
enum { SESSION_STREAMS = 16384, SESSION_WINDOWS = 64 * 1024 * 1024 };

/* --- HTTP/1.1 --- */

static uint64_t idle_until(const struct http_pool *p)
{
    return p->o.idle_ms ? loop_now_ms(p->loop) + p->o.idle_ms : UINT64_MAX;
}

static void conn_on_idle(void *ctx)
{
    struct pool_conn *c = ctx;
    struct http_pool *p = c->pool;
    c->idle = c->reused = true;
    c->idle_until = idle_until(p);
    TAILQ_INSERT_HEAD(&p->unused, c, unused);
    http_pool_later(p);
}

static void conn_forget(struct pool_conn *c)
{
    struct http_pool *p = c->pool;
    if (c->idle)
        TAILQ_REMOVE(&p->unused, c, unused);
    LIST_REMOVE(c, all);
    *(c->switched ? &p->switched_count : &p->conn_count) -= 1;
    free(c);
}

void http_pool_conn_switched(struct pool_conn *c)
{
    c->switched = true;
    c->pool->conn_count--;
    c->pool->switched_count++;
    http_pool_later(c->pool); /* there is room for another */
}

static void conn_on_close(void *ctx)
{
    struct pool_conn *c = ctx;
    struct http_pool *p = c->pool;
    conn_forget(c);
    http_pool_later(p);
}

static const struct http_h1_client_events conn_events = {.on_idle = conn_on_idle, .on_close = conn_on_close};

void http_pool_conn_free(struct pool_conn *c)
{
    struct http_h1_client *h1 = c->h1;
    conn_forget(c);
    http_h1_client_free(h1);
}

static void conn_new(struct http_pool *p, struct net_stream *stream)
{
    struct pool_conn *c = mem_zalloc(sizeof *c);
    c->pool = p;
    c->h1 = http_h1_client_new(p->loop, stream, p->o.tls != NULL, &conn_events, c);
    c->idle = true;
    c->idle_until = idle_until(p);
    LIST_INSERT_HEAD(&p->conns, c, all);
    TAILQ_INSERT_HEAD(&p->unused, c, unused);
    p->conn_count++;
}

/* --- HTTP/2 --- */

static void session_on_drain(void *owner)
{
    struct pool_session *s = owner;
    s->drains = true;
    if (s->pool)
        http_pool_later(s->pool);
}

static void session_on_close(void *owner, const struct error *why)
{
    struct pool_session *s = owner;
    (void)why; /* its calls were told */
    if (s->pool) {
        LIST_REMOVE(s, all);
        s->pool->session_count--;
        http_pool_later(s->pool);
    }
    free(s);
}

static const struct http_h2_events session_events = {.on_drain = session_on_drain, .on_close = session_on_close};

void http_pool_session_orphan(struct pool_session *s)
{
    LIST_REMOVE(s, all);
    s->pool = NULL;
    http_h2_close(s->h2);
}

static void session_new(struct http_pool *p, struct net_stream *stream)
{
    const struct http_h2_options o = {
        .max_streams = SESSION_STREAMS, .window_budget = SESSION_WINDOWS, .idle_ms = p->o.idle_ms};
    struct pool_session *s = mem_zalloc(sizeof *s);
    s->pool = p;
    s->h2 = http_h2_client(p->loop, stream, &o, &session_events, s);
    LIST_INSERT_HEAD(&p->sessions, s, all);
    p->session_count++;
}

/* --- dialling --- */

void http_pool_dial_free(struct pool_dial *d)
{
    http_dial_cancel(d->tcp);
    tls_handshake_cancel(d->tls);
    LIST_REMOVE(d, all);
    d->pool->dial_count--;
    d->pool->http1_dial_count -= d->http1;
    free(d);
}

static struct pool_call *first_waiting(struct http_pool *p, bool http1)
{
    struct pool_call *c;
    TAILQ_FOREACH(c, &p->waiting, link) {
        if (http_pool_call_is_websocket(c) == http1)
            return c;
    }
    return NULL;
}

/* Nobody waits in vain: when nothing else is there that could carry calls, all that wait fail with this one's reason;
 * else the first alone, for which this connection was meant. */
static void dial_failed(struct pool_dial *d, enum http_failure_kind kind, const struct error *why)
{
    struct http_pool *p = d->pool;
    bool http1 = d->http1;
    http_pool_dial_free(d);
    bool all = p->conn_count == 0 && LIST_EMPTY(&p->sessions) && LIST_EMPTY(&p->dials); /* WebSockets carry nothing */
    for (struct pool_call *c; (c = all ? TAILQ_FIRST(&p->waiting) : first_waiting(p, http1));) {
        http_pool_call_doom(c, kind, why->code, why->text);
        if (!all)
            break;
    }
    http_pool_later(p);
}

static void ready(struct pool_dial *d, struct net_stream *stream)
{
    struct http_pool *p = d->pool;
    bool h2 = p->o.tls && slice_eq(tls_stream_alpn(stream), SLICE("h2"));
    if (p->o.tls && !d->http1) {
        p->knows = true;
        p->speaks_h2 = h2;
    }
    http_pool_dial_free(d);
    (h2 ? session_new : conn_new)(p, stream);
    http_pool_later(p);
}

static void tls_on_ready(void *ctx, struct net_stream *stream)
{
    struct pool_dial *d = ctx;
    d->tls = NULL;
    ready(d, stream);
}

static void tls_on_fail(void *ctx, const struct error *why)
{
    struct pool_dial *d = ctx;
    d->tls = NULL;
    enum http_failure_kind kind = HTTP_FAIL_TLS;
    if (why->code == R_TIMEOUT)
        kind = HTTP_FAIL_TIMEOUT;
    else if (strcasestr(why->text, "certificate required"))
        kind = HTTP_FAIL_CERT_REQUIRED; /* OpenSSL's words for alert 116 */
    dial_failed(d, kind, why);
}

static const struct tls_connect_events tls_events = {.on_ready = tls_on_ready, .on_fail = tls_on_fail};

static void tcp_on_open(void *ctx, struct net_stream *stream)
{
    struct pool_dial *d = ctx;
    struct http_pool *p = d->pool;
    d->tcp = NULL;
    if (!p->o.tls) {
        ready(d, stream);
        return;
    }
    uint64_t now = loop_now_ms(p->loop), rest = d->until > now ? d->until - now : 1;
    d->tls = tls_connect(p->loop, stream, p->o.tls, p->o.tls_name[0] ? p->o.tls_name : p->o.host, rest, &tls_events, d);
    if (d->http1)
        tls_handshake_offer_only(d->tls, "http/1.1");
}

static void tcp_on_fail(void *ctx, const struct error *why)
{
    struct pool_dial *d = ctx;
    d->tcp = NULL;
    enum http_failure_kind kind = HTTP_FAIL_REFUSED;
    if (why->code == R_NOTFOUND)
        kind = HTTP_FAIL_NAME;
    else if (why->code == R_TIMEOUT)
        kind = HTTP_FAIL_TIMEOUT;
    dial_failed(d, kind, why);
}

static bool tcp_may(void *ctx, const struct net_address *to)
{
    const struct pool_dial *d = ctx;
    const struct http_pool_options *o = &d->pool->o;
    return !o->may || o->may(o->may_arg, to);
}

static const struct net_dial_events tcp_events = {.may = tcp_may, .on_open = tcp_on_open, .on_fail = tcp_on_fail};

void http_pool_connect(struct http_pool *p, bool http1)
{
    struct pool_dial *d = mem_zalloc(sizeof *d);
    d->pool = p;
    d->http1 = http1;
    p->http1_dial_count += http1;
    d->until = loop_now_ms(p->loop) + p->o.connect_ms;
    LIST_INSERT_HEAD(&p->dials, d, all);
    p->dial_count++;
    d->tcp = http_dial_tcp(p->loop, &p->o.proxy, p->o.host, p->o.port, p->o.connect_ms, &tcp_events, d);
}
