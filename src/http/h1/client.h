/* SPDX-License-Identifier: Apache-2.0 */
/* The asking end of an HTTP/1.1 connection: one call at a time, keep-alive between. Private to src/http. */
#ifndef HTTP_H1_CLIENT_H
#define HTTP_H1_CLIENT_H

#include "http/call.h"
#include "loop/loop.h"
#include "net/stream.h"

struct http_h1_client;

struct http_h1_client_events {
    void (*on_idle)(void *ctx);  /* the call is over and the connection is good for the next one */
    void (*on_close)(void *ctx); /* gone; a call of it has failed before. Freed after it */
};

/* Takes `stream`; `tls`: it is one of tls/stream.h. Callbacks come from the loop only. */
struct http_h1_client *http_h1_client_new(struct loop *loop, struct net_stream *stream, bool tls,
                                          const struct http_h1_client_events *events, void *ctx);

/* At once and without callbacks, a call's included. */
void http_h1_client_free(struct http_h1_client *c);

/* Writes the request's head; only when idle. The call is part of the connection: untouchable when it is over.
 * R_LIMIT: the head is too long. */
MUST_USE enum result http_h1_client_call(struct http_h1_client *c, const struct http_request *request,
                                         const struct http_call_events *events, void *ctx, struct http_call **ret,
                                         struct error *err);

/* Has a byte of the current call's answer arrived? */
bool http_h1_client_answering(const struct http_h1_client *c);

#endif
