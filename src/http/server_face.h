/* SPDX-License-Identifier: Apache-2.0 */
/* The face of a server's connection (http/server.h), which both kinds wear: what bounds it, what it tells its owner,
 * and what server.c hands on to it. */
#ifndef HTTP_SERVER_FACE_H
#define HTTP_SERVER_FACE_H

#include "http/exchange.h"

enum {
    HTTP_STOPPED_MS = 5000, /* so long a connection that was stopped has to take its last answers, whatever it does */
    HTTP_HELD_STEP = 16 * 1024 /* bytes: less than that of who was let in is not counted */
};

struct http_server_limits {
    uint64_t head_ms; /* a whole request head must come within it (408) */
    uint64_t idle_ms; /* between requests, then the connection is closed */
    uint64_t body_ms; /* without progress of a body in either direction */
    uint32_t streams; /* concurrent HTTP/2 streams */
    size_t heads;     /* bytes of the heads under way on one HTTP/2 connection; beyond, streams are refused. 0: 1 MiB */
    size_t stranger_heads; /* the same until http_server_conn_let_in, of a stranger. 0: 64 KiB */
    bool stranger;         /* on_held is told exactly until then, and of what the engine keeps */
    bool for_many;         /* HTTP/2: as after http_server_conn_for_many */
    bool websocket;        /* a request's `protocol` may be "websocket" (http/websocket.h) */
};

struct http_server_events {
    void (*on_request)(void *owner, struct http_exchange *x);
    /* A request so broken that there is no exchange for it (HTTP/1: bad syntax, too long, timeout): asks for the fields
     * and the body of the answer, after which the connection closes. `status` is 400, 408, 414, 431, 501 or 505 and in
     * *ret_head already; `what`: what was wrong, in words for the client. Adds fields to *ret_head and sets *ret_body,
     * both living in `a`. NULL: a plain answer without a body. */
    void (*on_bad_request)(void *owner, int status, const char *what, struct arena *a, struct http_response *ret_head,
                           struct slice *ret_body);
    /* So many bytes are kept for it now: heads as far as they have come, answers that it has not taken; of who was let
     * in, in steps of HTTP_HELD_STEP. NULL allowed. Any connection may be closed in it. */
    void (*on_held)(void *owner, size_t bytes);
    /* A stranger's stream was refused for what its connection holds (HTTP/2), and nobody saw it. NULL allowed. */
    void (*on_refused)(void *owner);
    void (*on_close)(void *owner); /* the connection is gone; every exchange of it was aborted before */
};

struct http_server_conn;

/* Private to src/http from here on. */
struct http_server_conn_ops {
    void (*drain)(struct http_server_conn *c);
    void (*stop)(struct http_server_conn *c);
    void (*close)(struct http_server_conn *c);
    void (*let_in)(struct http_server_conn *c);
    void (*for_many)(struct http_server_conn *c);
    size_t (*exchanges)(const struct http_server_conn *c);
};

struct http_server_conn {
    const struct http_server_conn_ops *ops;
};

#endif
