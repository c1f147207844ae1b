/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Keep-alive connections to one internal server: HTTP/1.1, or HTTP/2 where TLS's ALPN agrees on it (then one connection
 * serves as many calls as the server lets it, and the next one is made when all are full, or when many of its calls
 * were taken back, over which servers end it). A call waits for a connection, up to a bounded queue. One that asks for
 * WebSocket gets a new connection of HTTP/1.1, whatever the server speaks besides: few know RFC 8441.
 */
#ifndef HTTP_POOL_POOL_H
#define HTTP_POOL_POOL_H

#include "http/call.h"
#include "http/h1/connect.h"
#include "loop/loop.h"
#include "net/address.h"
#include "tls/context.h"

struct http_pool;

enum { HTTP_POOL_SHARE = 8 };

struct http_pool_options {
    char host[256];
    uint16_t port;
    struct http_proxy proxy;  /* on the way there; zeroed: none */
    struct tls_context *tls;  /* NULL: plain HTTP. A reference is taken. */
    char tls_name[256];       /* for SNI and the check; "": host */
    char base_path[256];      /* "", or "/prefix": put before each request's target */
    uint32_t max_connections; /* of either protocol; e.g. 256 */
    uint32_t max_switched;    /* connections beside them that have become WebSockets; over it: R_LIMIT */
    uint32_t max_waiting;     /* calls that wait; over it: R_LIMIT */
    uint64_t connect_ms;      /* name, TCP and TLS together */
    uint64_t idle_ms;         /* an unused connection is closed after it */
    uint64_t answer_ms;       /* until the final head; 0: never (parked requests) */
    /* Of each, one of those for whom calls are made has the HTTP_POOL_SHAREth part; of max_waiting, of all its calls,
     * and of those places that are left no more than a fourth.
     */
    bool (*may)(const void *arg, const struct net_address *to); /* which addresses may be connected to; NULL: all */
    const void *may_arg;
};

struct http_pool *http_pool_new(struct loop *loop, const struct http_pool_options *o);
void http_pool_free(struct http_pool *p); /* cancels what is under way, without callbacks. NULL allowed */

/* `for_whom`: the sender whose share it takes, or nobody (""): the caller's own, without one. What is over a sender's
 * share of connections waits until one of its own calls has ended, while those of others are taken in turn; R_LIMIT: it
 * has too many under way. What `request` points to (its target only where there is
 * no base path) stays until the answer's head comes or the call is over: it may be
 * sent late, and twice. Its authority is what the upstream will see. Writes may start at once (bounded by the
 * write-ahead of exchange.h). A safe request without a body that failed on a reused connection before a byte of the
 * answer is tried once more on a fresh one, by the pool itself. */
MUST_USE enum result http_pool_call(struct http_pool *p, struct slice for_whom, const struct http_request *request,
                                    const struct http_call_events *events, void *ctx, struct http_call **ret,
                                    struct error *err);

#endif
