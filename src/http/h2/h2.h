/* SPDX-License-Identifier: Apache-2.0 */
/*
 * HTTP/2 (RFC 9113) over a byte stream, on nghttp2: the adapter for both roles. Which side dialled does not matter, so
 * a tunnel is the client's role on an accepted stream and the server's role on a dialled one.
 *
 * Writes are gathered: frames of many streams leave once an iteration of the loop, in one piece.
 * Flow control: the connection's window is given back on receipt, a stream's when its data was consumed. A stream's
 * window starts at 64 KiB and grows with the measured bandwidth-delay product up to 4 MiB, all of a session's growth
 * together bounded by window_budget. A slow stream so stalls nobody else.
 */
#ifndef HTTP_H2_H2_H
#define HTTP_H2_H2_H

#include "http/call.h"
#include "http/exchange.h"
#include "loop/loop.h"
#include "net/stream.h"

struct http_h2;

struct http_h2_options {
    uint32_t max_streams; /* that the peer may open (server), or that we allow ourselves (client) */
    size_t window_budget; /* bytes, e.g. 64 MiB */
    uint64_t ping_ms;     /* health: a PING this often when nothing was received; 0: none */
    uint64_t ping_timeout_ms;
    uint64_t idle_ms; /* no stream open for so long: GOAWAY and close; 0: never */
    uint64_t body_ms; /* a stream without progress while it could make some (server: 60 s); 0: never */
    /* Bytes of the table of field lines that repeat, each direction (RFC 7541 2.3.2); 0: 4096. In a tunnel, which
     * carries many devices' requests, it holds their certificates: else each request would carry its own,
     * Huffman-coded. */
    uint32_t header_table;
    bool websocket; /* server: extended CONNECT is offered (RFC 8441 3) */
    /* Server: bytes of all heads of requests under way; a stream over it is refused, and may be tried again; 0: any. A
     * peer that takes no answers would hold max_streams times the largest head. */
    size_t heads_budget;
    size_t stranger_heads; /* the same until http_h2_let_in */
    bool stranger;         /* server: on_held is told exactly, until http_h2_let_in */
    bool for_many;         /* server: as after http_h2_for_many */
};
extern const struct http_h2_options http_h2_tunnel_options; /* 32,768 streams, 64 MiB, PING 10 s / 5 s, never idle */

struct http_h2_events {
    void (*on_request)(void *owner, struct http_exchange *x); /* server role */
    void (*on_drain)(void *owner);                            /* the peer sent GOAWAY: no new calls, please */
    void (*on_close)(void *owner, const struct error *why);   /* gone; every call has failed, every exchange aborted.
                                                                 Freed after it.   R_EOF: in peace */
    /* Server role; NULL: a plain answer. A request that no handler is to see (400, 414, 431, 501): as in server.h. */
    void (*on_bad_request)(void *owner, int status, const char *what, struct arena *a, struct http_response *ret_head,
                           struct slice *ret_body);
    /* Server role; NULL allowed. As in server_face.h; of a stranger with what nghttp2 keeps beside what every session
     * has. */
    void (*on_held)(void *owner, size_t bytes);
    void (*on_refused)(void *owner); /* server role; NULL allowed. As in server.h */
};

/* Both take `stream`. */
struct http_h2 *http_h2_server(struct loop *loop, struct net_stream *stream, const struct http_h2_options *o,
                               const struct http_h2_events *events, void *owner);
struct http_h2 *http_h2_client(struct loop *loop, struct net_stream *stream, const struct http_h2_options *o,
                               const struct http_h2_events *events, void *owner);

/* A new call (client role). `request` is copied. A body follows when request->has_body. R_LIMIT: max_streams or
 * draining. */
MUST_USE enum result http_h2_call(struct http_h2 *h, const struct http_request *request,
                                  const struct http_call_events *events, void *ctx, struct http_call **ret,
                                  struct error *err);

bool http_h2_has_room(const struct http_h2 *h);  /* client role: for one call more */
size_t http_h2_streams(const struct http_h2 *h); /* open now */
void http_h2_let_in(struct http_h2 *h);
/* Server role: the peer asks for many. What one of them takes back, or breaks, is not held against it any more, for it
 * would end what all others asked for. */
void http_h2_for_many(struct http_h2 *h);
bool http_h2_draining(const struct http_h2 *h); /* GOAWAY sent or received */
void http_h2_drain(struct http_h2 *h);          /* GOAWAY; closes after the last stream */
void http_h2_stop(struct http_h2 *h);  /* server role: the same, what still comes is refused unread, and HTTP_STOPPED_MS
                                          are all it has */
void http_h2_close(struct http_h2 *h); /* at once; on_close comes later from the loop */

/* Like http_h2_close, but every call has failed and every exchange was aborted when it returns; on_close alone comes
 * later. For owners that free at once what those would use. */
void http_h2_abort(struct http_h2 *h);

#endif
