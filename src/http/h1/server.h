/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the two halves of an HTTP/1.1 server's connection share: h1/server.c (connection: input, timeouts, life) and
 * h1/exchange.c (one exchange: what the handler calls). Private to src/http.
 *
 *            HEAD               END and answered
 *     idle ───────► exchange ────────────────────► idle … (keep-alive)
 *                      │ answered early: rest is dropped (up to 256 KiB), then idle
 *                      ▼ Connection: close, fault, or the last one of a connection that drains
 *                  lingering: our end is sent, what still comes is dropped ──► closed
 */
#ifndef HTTP_H1_SERVER_H
#define HTTP_H1_SERVER_H

#include "http/h1/wire.h"
#include "http/server_face.h"
#include "loop/loop.h"

enum {
    HTTP_H1_DRAIN_MAX = 256 * 1024,
    HTTP_H1_LAST_CALL_MS = 1000, /* a connection that drains waits so long for one more request */
    HTTP_H1_LINGER_MS = 2000,
    HTTP_H1_LINGER_TICK_MS = 250,
};

struct http_h1_server;

/* In the exchange's arena. */
struct http_h1_exchange {
    struct http_exchange x;
    struct http_h1_server *server;
    bool over; /* the handler is done with it, or was told so; nothing is taken from it any more */
};

/* What the one timer waits for. */
enum http_h1_phase { HTTP_H1_PHASE_HEAD, HTTP_H1_PHASE_IDLE, HTTP_H1_PHASE_EXCHANGE, HTTP_H1_PHASE_LINGER };

struct http_h1_server {
    struct http_server_conn base;
    struct http_h1_wire wire;
    struct loop *loop;
    struct loop_timer *timer;
    struct loop_deferred run;
    struct http_server_limits limits;
    const struct http_server_events *events;
    void *owner;

    struct http_h1_exchange *exchange; /* NULL: none; it may be over already and wait to be settled */
    bool received;                     /* its request is all here */
    bool head_sent;                    /* its final head was written */
    bool bodiless;                     /* its answer has no body: what is written goes nowhere */
    bool informed;                     /* it got "100 Continue" */
    bool may_switch;                   /* it asks for WebSocket; what follows it is not looked at before the answer */
    bool switched;                     /* the answer was 101: what follows it is its body */
    bool close_after;                  /* no next request on this connection */

    bool draining;    /* http_server_conn_drain */
    uint64_t stopped; /* http_server_conn_stop: when; 0: not */
    bool discarding;  /* reads the rest of a request whose answer is complete */
    bool lingering, eof;
    bool closing;      /* run() tears it down */
    struct error *why; /* of closing; NULL before */
    size_t discarded;
    size_t held; /* bytes, as the owner was told */

    enum http_h1_phase phase;
    uint64_t deadline, due; /* due: what the timer is set to; 0: not running */
    uint64_t progress;      /* when the exchange's bodies last moved */
    size_t queued;          /* in the stream, when last looked at */
};

extern const struct http_exchange_ops http_h1_exchange_ops;

static inline void http_h1_server_later(struct http_h1_server *c)
{
    loop_defer(c->loop, &c->run);
}

/* From run(): closes at once; the exchange gets `why`. */
void http_h1_server_break(struct http_h1_server *c, enum result code, const char *why);

/* May the rest of the request be read and dropped for the sake of the connection? */
bool http_h1_server_can_discard(const struct http_h1_server *c);

/* Tells the handler that it is over without its doing. */
void http_h1_exchange_abort(struct http_h1_exchange *e, const struct error *why);

/* What http_server_conn_new does for HTTP/1.1. */
struct http_server_conn *http_h1_server_new(struct loop *loop, struct net_stream *stream,
                                            const struct http_server_limits *limits,
                                            const struct http_server_events *events, void *owner);

#endif
