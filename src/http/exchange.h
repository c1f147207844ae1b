/* SPDX-License-Identifier: Apache-2.0 */
/*
 * One request and its answer at the side that is asked: the face that an HTTP/1.1 connection, an HTTP/2 session and the
 * connector's end of a tunnel all show to whoever answers.
 *
 * Life: the server calls on_request(exchange). Before it returns, the handler either answers, or sets x->events and
 * x->ctx. The exchange is over, and may not be touched again, once the handler called http_exchange_finish,
 * _respond with end = true, or _reset, or when on_abort has come. No callback comes after that.
 * Callbacks never come from inside a call to the exchange.
 *
 * Back-pressure: what on_body delivers is credited back with http_exchange_consumed when it has gone on; at most the
 * window (64 KiB at first) is ever outstanding. What http_exchange_write takes is reported by on_sent when it has gone
 * on; a handler keeps at most HTTP_WRITE_AHEAD bytes unreported.
 */
#ifndef HTTP_EXCHANGE_H
#define HTTP_EXCHANGE_H

#include "http/message.h"

enum { HTTP_WRITE_AHEAD = 64 * 1024 };

struct http_exchange;

struct http_exchange_events {
    void (*on_body)(void *ctx, struct slice data);
    void (*on_body_end)(void *ctx); /* comes at once after on_request when there is no body */
    void (*on_sent)(void *ctx, size_t n);
    void (*on_abort)(void *ctx, const struct error *why); /* the asker is gone, timed out, or broke the protocol */
};

struct http_exchange_ops {
    void (*inform)(struct http_exchange *x, const struct http_response *head);
    void (*respond)(struct http_exchange *x, const struct http_response *head, bool end);
    void (*write)(struct http_exchange *x, struct slice data);
    void (*finish)(struct http_exchange *x, const struct http_fields *trailers);
    void (*consumed)(struct http_exchange *x, size_t n);
    void (*reset)(struct http_exchange *x);
};

struct http_exchange {
    const struct http_exchange_ops *ops;
    const struct http_exchange_events *events; /* set by the handler */
    void *ctx;                                 /* of the handler */
    void *owner;                               /* of whoever made the server: the same for all of a connection */
    bool broken_inside;  /* before _reset: what was being passed on broke its protocol; the asker is to know that */
    struct arena *arena; /* dies with the exchange */
    struct http_request request;
};

/* A 1xx answer. */
static inline void http_exchange_inform(struct http_exchange *x, const struct http_response *head)
{
    x->ops->inform(x, head);
}

/* The final head; the server adds framing (Content-Length from head->content_length, else chunked) and Date when there
 * is none. With end, there is no body and the exchange is over. */
static inline void http_exchange_respond(struct http_exchange *x, const struct http_response *head, bool end)
{
    x->ops->respond(x, head, end);
}

static inline void http_exchange_write(struct http_exchange *x, struct slice data)
{
    x->ops->write(x, data);
}

/* The end of the body; trailers (NULL: none) pass on HTTP/2 and are dropped on HTTP/1. When the request's body is not
 * all in yet, HTTP/2 resets the upload (NO_ERROR) and HTTP/1 drains up to 256 KiB, then closes. */
static inline void http_exchange_finish(struct http_exchange *x, const struct http_fields *trailers)
{
    x->ops->finish(x, trailers);
}

static inline void http_exchange_consumed(struct http_exchange *x, size_t n)
{
    x->ops->consumed(x, n);
}

/* Breaks the answer off so that the asker can tell (RST_STREAM, or a closed connection before the body's end). */
static inline void http_exchange_reset(struct http_exchange *x)
{
    x->ops->reset(x);
}

/* A whole answer from memory, in one call: status, content type (NULL: none), body. The exchange is over afterwards.
 * `extra` fields (NULL: none) are added. */
void http_exchange_reply(struct http_exchange *x, int status, const char *content_type, struct slice body,
                         const struct http_fields *extra);

#endif
