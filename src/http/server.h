/* SPDX-License-Identifier: Apache-2.0 */
/* A server's connection on a byte stream: HTTP/1.1 (http/h1/server.c) or HTTP/2 (http/h2/h2.h), by ALPN. */
#ifndef HTTP_SERVER_H
#define HTTP_SERVER_H

#include "http/exchange.h"
#include "loop/loop.h"
#include "net/stream.h"

struct http_server_limits {
    uint64_t head_ms; /* a whole request head must come within it (408) */
    uint64_t idle_ms; /* between requests, then the connection is closed */
    uint64_t body_ms; /* without progress of a body in either direction */
    uint32_t streams; /* concurrent HTTP/2 streams */
    size_t heads;     /* bytes of the heads under way on one HTTP/2 connection; beyond, streams are refused. 0: 1 MiB */
    size_t stranger_heads; /* the same until http_server_conn_let_in, of a stranger. 0: 64 KiB */
    bool stranger;         /* on_held is told of it until then */
    bool websocket;        /* a request's `protocol` may be "websocket" (http/websocket.h) */
};
extern const struct http_server_limits http_server_defaults; /* 30 s, 5 min, 60 s, 256 */

struct http_server_events {
    void (*on_request)(void *owner, struct http_exchange *x);
    /* A request so broken that there is no exchange for it (HTTP/1: bad syntax, too long, timeout): asks for the fields
     * and the body of the answer, after which the connection closes. `status` is 400, 408, 414, 431, 501 or 505 and in
     * *ret_head already; `what`: what was wrong, in words for the client. Adds fields to *ret_head and sets *ret_body,
     * both living in `a`. NULL: a plain answer without a body. */
    void (*on_bad_request)(void *owner, int status, const char *what, struct arena *a, struct http_response *ret_head,
                           struct slice *ret_body);
    /* So many bytes are kept for a stranger now: heads as far as they have come, answers that it has not taken. NULL
     * allowed. Any connection may be closed in it. */
    void (*on_held)(void *owner, size_t bytes);
    /* A stranger's stream was refused for what its connection holds (HTTP/2), and nobody saw it. NULL allowed. */
    void (*on_refused)(void *owner);
    void (*on_close)(void *owner); /* the connection is gone; every exchange of it was aborted before */
};

struct http_server_conn;

/* Takes `stream`; is HTTP/2 when h2. `owner` goes into each exchange. Frees itself after on_close. */
struct http_server_conn *http_server_conn_new(struct loop *loop, struct net_stream *stream, bool h2,
                                              const struct http_server_limits *limits,
                                              const struct http_server_events *events, void *owner);

/* No new requests: GOAWAY, or Connection: close on the answers; closes when the last exchange has ended. */
void http_server_conn_drain(struct http_server_conn *c);
/* The same for who has asked too much: requests that are on their way are refused unread, and get no time. */
void http_server_conn_stop(struct http_server_conn *c);
/* At once; exchanges are aborted, on_close comes (from the loop, later). */
void http_server_conn_close(struct http_server_conn *c);
void http_server_conn_let_in(struct http_server_conn *c); /* its sender is known: it is no stranger any more */
size_t http_server_conn_exchanges(const struct http_server_conn *c);

#endif
