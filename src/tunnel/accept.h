/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The gateway's end of a tunnel: a TLS stream that a connector dialled (ALPN "rh2", its role certificate checked in the
 * handshake), on which we are the HTTP/2 client. The first stream is the hello (PROTOCOL 2).
 */
#ifndef TUNNEL_ACCEPT_H
#define TUNNEL_ACCEPT_H

#include "http/h2/h2.h"

#define TUNNEL_ALPN "rh2"
enum { TUNNEL_VERSION = 1, TUNNEL_ENDPOINTS_MAX = 1024, TUNNEL_ID_MAX = 64 };

struct tunnel; /* one accepted tunnel */

struct tunnel_hello { /* ours */
    const char *gateway_id;
    const char *generation;   /* of this process: a GUID */
    uint32_t worker, workers; /* 0 … workers-1 */
};

struct tunnel_events {
    void (*on_up)(void *owner, struct tunnel *t);     /* the hello was answered: it can carry calls */
    void (*on_update)(void *owner, struct tunnel *t); /* it announced another set of endpoints, or drains */
    void (*on_down)(void *owner, struct tunnel *t,
                    const struct error *why); /* gone; freed after it. Also without on_up */
};

/* Takes `stream`. `connector_id` is from its certificate and must be what the hello's answer says; `not_after`: when
 * that certificate ends, wall seconds, kept for the owner. */
struct tunnel *tunnel_accept(struct loop *loop, struct net_stream *stream, const char *connector_id, int64_t not_after,
                             const struct tunnel_hello *hello, const struct tunnel_events *events, void *owner);

const char *tunnel_connector_id(const struct tunnel *t);
int64_t tunnel_not_after(const struct tunnel *t);
bool tunnel_reaches(const struct tunnel *t, struct slice endpoint_id); /* announced, and not draining */
bool tunnel_has_room(const struct tunnel *t);                          /* for one call more */
bool tunnel_drains(const struct tunnel *t);                            /* either side ends it */
size_t tunnel_outstanding(const struct tunnel *t);                     /* calls under way, parked ones included */

/* request->authority is the endpoint's id, request->target the client's bytes behind the prefix. */
MUST_USE enum result tunnel_call(struct tunnel *t, const struct http_request *request,
                                 const struct http_call_events *events, void *ctx, struct http_call **ret,
                                 struct error *err);
void tunnel_drain(struct tunnel *t);
void tunnel_close(struct tunnel *t);

#endif
