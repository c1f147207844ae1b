/* SPDX-License-Identifier: Apache-2.0 */
/*
 * One tunnel of the connector: TCP, TLS, HTTP/2 in the server's role, the hello, then requests. Everything that ends it
 * goes through link_end, once.
 */
#include <stdlib.h>

#include "base/mem.h"
#include "tunnel/dial_internal.h"

enum { CONNECT_MS = 5000, PROXY_MS = 5000 /* for a proxy to do the same */ };

static void link_free(struct tunnel_link *l)
{
    loop_timer_free(l->timer);
    buf_free(&l->text);
    free(l);
}

static void unlink_from_dialer(struct tunnel_link *l)
{
    if (!l->dialer)
        return;
    LIST_REMOVE(l, others);
    l->dialer = NULL;
}

static void link_end(struct tunnel_link *l, const struct error *why)
{
    struct tunnel_dialer *d = l->dialer;
    unlink_from_dialer(l);
    if (d)
        tunnel_dialer_link_down(d, l, why);
    link_free(l);
}

static void give_up(struct tunnel_link *l, const struct error *why)
{
    if (l->why.code == OK)
        l->why = *why;
    http_h2_close(l->h2);
}

/* --- the hello --- */

static void on_hello_timeout(void *arg)
{
    struct error why;
    (void)error_set(&why, R_TIMEOUT, "the gateway did not say hello within %d s", TUNNEL_HELLO_MS / 1000);
    give_up(arg, &why);
}

static void write_line(struct tunnel_link *l, const char *connector_id)
{
    char *line = tunnel_line_write(connector_id, &l->dialer->endpoints);
    http_exchange_write(l->hello, slice_of(line));
    free(line);
}

static void answer_hello(struct tunnel_link *l)
{
    struct http_field type = {SLICE("content-type"), SLICE(TUNNEL_HELLO_TYPE)};
    struct http_response head = {.status = 200, .fields = {&type, 1, 1}, .content_length = -1};
    http_exchange_respond(l->hello, &head, false);
    write_line(l, l->dialer->o.connector_id);
    loop_timer_stop(l->timer);
    l->state = LINK_UP;
    l->up_ms = loop_now_ms(l->loop);
    tunnel_dialer_link_up(l->dialer, l);
}

static void on_hello_body(void *ctx, struct slice data)
{
    struct tunnel_link *l = ctx;
    struct error why;
    http_exchange_consumed(l->hello, data.len);
    if (buf_append(&l->text, data) == OK)
        return;
    (void)error_set(&why, R_LIMIT, "the gateway's hello is longer than %d bytes", TUNNEL_HELLO_MAX);
    give_up(l, &why);
}

static void on_hello_end(void *ctx)
{
    struct tunnel_link *l = ctx;
    struct error why;
    enum result r = tunnel_hello_read(buf_data(&l->text), &l->greeting, &why);
    buf_free(&l->text);
    if (l->state != LINK_GREETING || !l->dialer)
        return;
    if (r == OK)
        r = tunnel_dialer_greeted(l->dialer, l, &why);
    if (r == OK)
        answer_hello(l);
    else
        give_up(l, &why);
}

/* When the gateway drains it, it ends the hello itself; otherwise the tunnel is gone with its first stream. */
static void on_hello_abort(void *ctx, const struct error *why)
{
    struct tunnel_link *l = ctx;
    l->hello = NULL;
    if (l->state != LINK_ENDING && !http_h2_draining(l->h2))
        give_up(l, why);
}

static const struct http_exchange_events hello_events = {
    .on_body = on_hello_body,
    .on_body_end = on_hello_end,
    .on_abort = on_hello_abort,
};

static void take_hello(struct tunnel_link *l, struct http_exchange *x)
{
    l->hello = x;
    x->events = &hello_events;
    x->ctx = l;
}

/* --- the session --- */

static void on_request(void *owner, struct http_exchange *x)
{
    struct tunnel_link *l = owner;
    bool own = slice_starts_nocase(x->request.target, SLICE(TUNNEL_OWN_PATHS)); /* as management points read them */
    bool hello = slice_eq(x->request.target, SLICE(TUNNEL_HELLO_PATH)) && slice_eq(x->request.method, SLICE("POST"));
    if (!l->dialer) {
        http_exchange_reset(x);
    } else if (hello && l->state == LINK_GREETING && !l->hello) {
        take_hello(l, x);
    } else if (own || l->state == LINK_GREETING) {
        http_exchange_reply(x, 404, NULL, SLICE_NONE, NULL);
    } else {
        x->owner = l->dialer->owner;
        l->dialer->events->on_request(l->dialer->owner, x);
    }
}

static void end_hello(struct tunnel_link *l)
{
    struct http_exchange *x = l->hello;
    bool answered = l->state != LINK_GREETING;
    l->hello = NULL;
    if (x && answered)
        http_exchange_finish(x, NULL);
    else if (x)
        http_exchange_reset(x);
}

static void on_drain(void *owner)
{
    struct tunnel_link *l = owner;
    end_hello(l);
    if (l->state == LINK_ENDING || !l->dialer)
        return;
    enum link_state was = l->state;
    l->state = LINK_ENDING;
    loop_timer_stop(l->timer);
    tunnel_dialer_link_ending(l->dialer, l, was);
}

static void on_close(void *owner, const struct error *why)
{
    struct tunnel_link *l = owner;
    l->h2 = NULL;
    link_end(l, l->why.code != OK ? &l->why : why);
}

static const struct http_h2_events session_events = {
    .on_request = on_request,
    .on_drain = on_drain,
    .on_close = on_close,
};

/* --- the way there --- */

static void on_tls_ready(void *ctx, struct net_stream *stream)
{
    struct tunnel_link *l = ctx;
    struct error why;
    l->tls = NULL;
    if (!slice_eq(tls_stream_alpn(stream), SLICE(TUNNEL_ALPN))) {
        net_stream_close(stream);
        (void)error_set(&why, R_INVALID, "what answers there does not speak %s", TUNNEL_ALPN);
        link_end(l, &why);
        return;
    }
    l->h2 = http_h2_server(l->loop, stream, &http_h2_tunnel_options, &session_events, l);
    l->state = LINK_GREETING;
    loop_timer_start(l->timer, TUNNEL_HELLO_MS, 0);
}

static void on_tls_fail(void *ctx, const struct error *why)
{
    struct tunnel_link *l = ctx;
    const struct http_proxy *proxy = &l->dialer->o.proxy;
    char name[HTTP_PROXY_NAME_SIZE];
    struct error through = *why;
    l->tls = NULL;
    http_proxy_name(proxy, name);
    if (proxy->host[0])
        (void)error_set(&through, why->code, "%.380s (through the proxy %.100s)", why->text, name);
    link_end(l, &through);
}

static const struct tls_connect_events tls_events = {.on_ready = on_tls_ready, .on_fail = on_tls_fail};

static void on_open(void *ctx, struct net_stream *stream)
{
    struct tunnel_link *l = ctx;
    l->dial = NULL;
    l->tls = tls_connect(l->loop, stream, l->dialer->o.tls, l->dialer->o.host, CONNECT_MS, &tls_events, l);
}

static void on_dial_fail(void *ctx, const struct error *why)
{
    struct tunnel_link *l = ctx;
    l->dial = NULL;
    link_end(l, why);
}

static const struct net_dial_events dial_events = {.on_open = on_open, .on_fail = on_dial_fail};

void tunnel_link_dial(struct tunnel_dialer *d)
{
    struct tunnel_link *l = mem_zalloc(sizeof *l);
    l->dialer = d;
    l->loop = d->loop;
    LIST_INSERT_HEAD(&d->links, l, others);
    buf_init(&l->text, TUNNEL_HELLO_MAX);
    l->timer = loop_timer_new(d->loop, on_hello_timeout, l);
    uint64_t limit = CONNECT_MS + (d->o.proxy.host[0] ? PROXY_MS : 0);
    l->dial = http_dial_tcp(d->loop, &d->o.proxy, d->o.host, d->o.port, limit, &dial_events, l);
}

void tunnel_link_announce(struct tunnel_link *l)
{
    if (l->hello && (l->state == LINK_UP || l->state == LINK_OLD))
        write_line(l, NULL);
}

void tunnel_link_drain(struct tunnel_link *l)
{
    if (l->state == LINK_ENDING)
        return;
    if (!l->h2) {
        tunnel_link_drop(l);
        return;
    }
    http_h2_drain(l->h2);
    end_hello(l);
    l->state = LINK_ENDING;
    loop_timer_stop(l->timer);
}

void tunnel_link_drop(struct tunnel_link *l)
{
    unlink_from_dialer(l);
    http_dial_cancel(l->dial);
    tls_handshake_cancel(l->tls);
    l->dial = NULL;
    l->tls = NULL;
    loop_timer_stop(l->timer);
    if (l->h2)
        http_h2_abort(l->h2);
    else
        link_free(l);
}
