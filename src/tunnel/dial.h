/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The connector's end: dials one gateway until every worker of it has a tunnel, answers the hello, and serves requests
 * as the HTTP/2 server. Reconnects with back-off (0.2 s doubling to 3 s) and full jitter; PING every 10 s finds dead
 * peers. When a tunnel is drained by the gateway (GOAWAY), a new one is dialled at once while the old one's requests
 * end.
 */
#ifndef TUNNEL_DIAL_H
#define TUNNEL_DIAL_H

#include "http/h1/connect.h"
#include "http/h2/h2.h"
#include "tls/context.h"

struct tunnel_dialer;

struct tunnel_dialer_options {
    char host[256];
    uint16_t port;
    struct http_proxy proxy; /* on the way there; zeroed: none */
    struct tls_context *tls; /* client, ALPN rh2, TLS 1.3, role certificate, a judge that demands the gateway's. A
                                reference is taken. */
    char connector_id[64];
    uint32_t max_tunnels; /* e.g. 64: over it the gateway's number of workers is not believed */
};

struct tunnel_dialer_events {
    void (*on_request)(void *owner, struct http_exchange *x); /* never for /.cmg/ paths: those are the tunnel's own */
    /* For logs and status: up = a worker's tunnel is ready; down says why. An attempt that failed before the hello has
     * gateway_id "" and workers 0. */
    void (*on_tunnel)(void *owner, const char *gateway_id, uint32_t worker, uint32_t workers, bool up,
                      const struct error *why);
};

/* `endpoints`: the ids it can reach, borrowed for the call. */
struct tunnel_dialer *tunnel_dialer_new(struct loop *loop, const struct tunnel_dialer_options *o,
                                        const char *const *endpoints, size_t endpoint_count,
                                        const struct tunnel_dialer_events *events, void *owner);
/* Announces another set, on every tunnel. */
void tunnel_dialer_set_endpoints(struct tunnel_dialer *d, const char *const *endpoints, size_t count);
/* What the next tunnels are dialled with; those that stand stay. A reference is taken. */
void tunnel_dialer_set_tls(struct tunnel_dialer *d, struct tls_context *tls);
size_t tunnel_dialer_up(const struct tunnel_dialer *d); /* workers that have a tunnel now */
void tunnel_dialer_drain(struct tunnel_dialer *d);      /* GOAWAY on all, no new ones */
bool tunnel_dialer_idle(const struct tunnel_dialer *d); /* no tunnel is left, nor one under way */
/* At once: every exchange is aborted inside; the sessions close in the loop's next step. Not from inside on_tunnel.
 * NULL allowed. */
void tunnel_dialer_free(struct tunnel_dialer *d);

#endif
