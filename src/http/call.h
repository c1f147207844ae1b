/* SPDX-License-Identifier: Apache-2.0 */
/*
 * One request and its answer at the side that asks: the mirror of http/exchange.h, over an HTTP/1.1 connection of a
 * pool, an HTTP/2 session, or the gateway's end of a tunnel.
 *
 * Life: a call is over, and may not be touched again, when on_end or on_fail has come or http_call_cancel was called.
 * on_end may come while the request's body is still being written (an early final answer); the rest of it is dropped.
 * Callbacks never come from inside a call to it, nor before the function that made it has returned.
 * Back-pressure is that of exchange.h.
 */
#ifndef HTTP_CALL_H
#define HTTP_CALL_H

#include "http/message.h"

struct http_call;

enum http_failure_kind {
    HTTP_FAIL_NAME,           /* the host's name does not resolve */
    HTTP_FAIL_REFUSED,        /* can't connect */
    HTTP_FAIL_REFUSED_STREAM, /* HTTP/2: it did not process this request, and says so (RFC 9113 8.7); `unsent` */
    HTTP_FAIL_TLS,            /* no TLS with it, or its certificate is not the right one */
    HTTP_FAIL_CERT_REQUIRED,  /* its TLS demands a client certificate (alert 116) */
    HTTP_FAIL_TRUNCATED,      /* it closed or reset in the middle */
    HTTP_FAIL_PROTOCOL,       /* it sent something that is not HTTP */
    HTTP_FAIL_TIMEOUT,
    HTTP_FAIL_LIMIT, /* a maximum of ours */
};

struct http_failure {
    enum http_failure_kind kind;
    bool unsent;   /* nothing of the request was processed: REFUSED_STREAM, above GOAWAY's last id, never written */
    bool answered; /* a final head had been delivered */
    struct error error;
};

struct http_call_events {
    void (*on_inform)(void *ctx, const struct http_response *head);   /* 1xx; borrowed for the call */
    void (*on_response)(void *ctx, const struct http_response *head); /* borrowed for the call: copy what must stay */
    void (*on_body)(void *ctx, struct slice data);
    void (*on_end)(void *ctx, const struct http_fields *trailers); /* trailers NULL: none */
    void (*on_sent)(void *ctx, size_t n);
    void (*on_fail)(void *ctx, const struct http_failure *why);
};

struct http_call_ops {
    void (*write)(struct http_call *c, struct slice data);
    void (*finish)(struct http_call *c);
    void (*consumed)(struct http_call *c, size_t n);
    void (*cancel)(struct http_call *c);
};

struct http_call {
    const struct http_call_ops *ops;
    const struct http_call_events *events;
    void *ctx;
};

static inline void http_call_write(struct http_call *c, struct slice data)
{
    c->ops->write(c, data);
}

/* The request's body is complete. Not for requests made with has_body = false. */
static inline void http_call_finish(struct http_call *c)
{
    c->ops->finish(c);
}

static inline void http_call_consumed(struct http_call *c, size_t n)
{
    c->ops->consumed(c, n);
}

static inline void http_call_cancel(struct http_call *c)
{
    c->ops->cancel(c);
}

const char *http_failure_name(enum http_failure_kind kind); /* "refused", "tls", "name", "truncated", "protocol" … */

#endif
