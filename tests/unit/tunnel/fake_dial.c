/* SPDX-License-Identifier: Apache-2.0 */
/* See fake_dial.h. */
#include "fake_dial.h"

#include <stdlib.h>

#include "../http/loopback_stream.h"
#include "base/mem.h"
#include "net/tcp.h"
#include "tls/stream.h"
#include "tunnel/accept.h"

struct fake_dial fake_dial;

struct net_dial {
    struct loop *loop;
    struct loop_deferred step;
    const struct net_dial_events *events;
    void *ctx;
};

struct tls_handshake {
    struct loop *loop;
    struct loop_deferred step;
    struct net_stream *below;
    const struct tls_connect_events *events;
    void *ctx;
};

static void open_dial(void *arg)
{
    struct net_dial d = *(struct net_dial *)arg;
    struct net_stream *ours, *gateway;
    struct error why;
    free(arg);
    if (!fake_dial.on_dial) {
        (void)error_set(&why, R_IO, "connection refused");
        d.events->on_fail(d.ctx, &why);
        return;
    }
    loopback_pair(d.loop, 0, 0, &ours, &gateway);
    fake_dial.on_dial(fake_dial.ctx, gateway);
    d.events->on_open(d.ctx, ours);
}

struct net_dial *net_dial_tcp(struct loop *loop, const char *host, uint16_t port, uint64_t timeout_ms,
                              const struct net_dial_events *events, void *ctx)
{
    struct net_dial *d = mem_zalloc(sizeof *d);
    (void)host, (void)port, (void)timeout_ms;
    *d = (struct net_dial){.loop = loop, .step = {.fn = open_dial, .arg = d}, .events = events, .ctx = ctx};
    loop_defer(loop, &d->step);
    return d;
}

void net_dial_cancel(struct net_dial *d)
{
    if (!d)
        return;
    loop_defer_cancel(&d->step);
    free(d);
}

static void stand(void *arg)
{
    struct tls_handshake h = *(struct tls_handshake *)arg;
    free(arg);
    h.events->on_ready(h.ctx, h.below);
}

struct tls_handshake *tls_connect(struct loop *loop, struct net_stream *below, struct tls_context *context,
                                  const char *name, uint64_t timeout_ms, const struct tls_connect_events *events,
                                  void *ctx)
{
    struct tls_handshake *h = mem_zalloc(sizeof *h);
    (void)context, (void)name, (void)timeout_ms;
    *h = (struct tls_handshake){
        .loop = loop, .step = {.fn = stand, .arg = h}, .below = below, .events = events, .ctx = ctx};
    loop_defer(loop, &h->step);
    return h;
}

void tls_handshake_cancel(struct tls_handshake *h)
{
    if (!h)
        return;
    loop_defer_cancel(&h->step);
    net_stream_close(h->below);
    free(h);
}

struct slice tls_stream_alpn(const struct net_stream *s)
{
    (void)s;
    return SLICE(TUNNEL_ALPN);
}

struct tls_context *tls_context_ref(struct tls_context *c)
{
    return c;
}

void tls_context_unref(struct tls_context *c)
{
    (void)c;
}
