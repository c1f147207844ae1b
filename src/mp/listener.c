/* SPDX-License-Identifier: Apache-2.0 */
/* Accepting connections and giving their requests to the router. */
#include "mp/listener.h"

#include <stdlib.h>

#include "base/clock.h"
#include "base/log.h"
#include "base/mem.h"
#include "mp/access.h"
#include "mp/router.h"
#include "tls/stream.h"

enum { HANDSHAKE_MS = 15000 };

static void connection_free(struct mp_connection *c)
{
    if ((*c->link = c->next))
        c->next->link = c->link;
    c->point->connection_count--;
    X509_free(c->certificate);
    free(c);
}

static void on_request(void *owner, struct http_exchange *x)
{
    mp_route(owner, x);
}

static void on_bad_request(void *owner, int status, const char *what, struct arena *a, struct http_response *ret_head,
                           struct slice *ret_body)
{
    (void)!http_fields_add(&ret_head->fields, a, SLICE("content-type"), SLICE("text/plain; charset=utf-8"));
    *ret_body = arena_dup(a, slice_of(what));
    mp_access_log_bad(owner, status, what);
}

static void on_http_close(void *owner)
{
    connection_free(owner);
}

static const struct http_server_events http_events = {
    .on_request = on_request, .on_bad_request = on_bad_request, .on_close = on_http_close};

/* The role certificate is judged once a connection; removal is asked for at each request. */
static void find_role(struct mp_connection *c)
{
    struct error err;
    X509 *shown = tls_stream_peer(c->stream);
    if (!shown || X509_up_ref(shown) != 1)
        return;
    c->certificate = shown;
    c->chain = tls_stream_peer_chain(c->stream);
    if (pki_role_check(c->site->connectors, shown, c->chain, clock_wall_s(), c->connector, &err) != OK)
        c->connector[0] = '\0';
}

/* Connectors keep many requests parked on one connection. */
static const struct http_server_limits limits = {
    .head_ms = 30 * 1000, .idle_ms = 5 * 60 * 1000, .body_ms = 60 * 1000, .streams = 4096};

static void on_ready(void *ctx, struct net_stream *stream)
{
    struct mp_connection *c = ctx;
    c->handshake = NULL;
    c->stream = stream;
    find_role(c);
    bool h2 = slice_eq(tls_stream_alpn(stream), SLICE("h2"));
    c->http = http_server_conn_new(c->site->loop, stream, h2, &limits, &http_events, c);
}

static void on_fail(void *ctx, const struct error *why)
{
    struct mp_connection *c = ctx;
    log_msg(LOG_DEBUG, "mp", "%s: TLS failed: %s", c->peer, why->text);
    connection_free(c);
}

static struct tls_context *on_hello(void *ctx, const struct tls_hello *hello)
{
    struct mp_connection *c = ctx;
    (void)hello;
    return c->point->context;
}

static void on_detach(void *ctx, struct net_stream *below, struct slice already_read)
{
    (void)already_read; /* never asked for: on_hello always answers */
    net_stream_close(below);
    connection_free(ctx);
}

static const struct tls_accept_events tls_events = {
    .on_hello = on_hello, .on_detach = on_detach, .on_ready = on_ready, .on_fail = on_fail};

static void on_accept(void *ctx, struct net_stream *stream, const struct net_address *peer)
{
    struct mp_point *p = ctx;
    if (p->connection_count >= p->site->config->max_connections) {
        net_stream_close(stream);
        return;
    }
    struct mp_connection *c = mem_zalloc(sizeof *c);
    p->connection_count++;
    c->site = p->site;
    c->point = p;
    net_address_format(peer, c->peer);
    c->link = &p->connections;
    if ((c->next = p->connections))
        c->next->link = &c->next;
    p->connections = c;
    c->handshake = tls_accept(p->site->loop, stream, HANDSHAKE_MS, &tls_events, c);
}

enum result mp_listener_open(struct mp_point *p, struct error *err)
{
    struct net_address at;
    enum result r = net_address_parse(slice_of(p->config->listen), &at, err);
    if (r == OK)
        r = net_listen_tcp(p->site->loop, &at, false, on_accept, p, &p->listener, err);
    return r;
}

void mp_listener_close(struct mp_point *p)
{
    net_listener_close(p->listener);
    p->listener = NULL;
    for (struct mp_connection *c = p->connections, *next; c; c = next) {
        next = c->next;
        if (c->http) {
            http_server_conn_close(c->http); /* on_close frees it */
        } else {
            tls_handshake_cancel(c->handshake);
            connection_free(c);
        }
    }
}
