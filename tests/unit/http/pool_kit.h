/* SPDX-License-Identifier: Apache-2.0 */
/*
 * For the pool's tests. Dialling and TLS are stand-ins: a dial makes a stream in memory whose other end the test plays
 * as the server, or fails as the test says. The clock is the test's.
 */
#ifndef TESTS_HTTP_POOL_KIT_H
#define TESTS_HTTP_POOL_KIT_H

#include "base/buf.h"
#include "fake_loop.h"
#include "http/h2/h2.h"
#include "http/pool/pool.h"

enum { SERVERS_MAX = 16 };

/* A connection as the server sees it. */
struct server {
    struct net_stream *stream;
    struct buf got;
    bool eof;
};

struct fixture {
    struct loop *loop;
    struct http_pool *pool;
    struct server servers[SERVERS_MAX];
    unsigned dials;
    enum result dial_fails; /* OK: it does not */
    bool dial_hangs;
    const char *tls_fails;
    const char *alpn, *agreed; /* what the server takes, what the last handshake came to */
    bool alert_116;
    struct http_h2 *h2;
    unsigned h2_requests, h2_closes, h2_streams; /* streams: that a server allows; 0: 100 */
};
extern struct fixture *fix; /* of the test under way */

/* A call as the user sees it. */
struct asked {
    struct http_call *call;
    struct buf body;
    int status, inform;
    char reason[64];
    int64_t length;
    size_t sent;
    bool ended, failed, cancel_in_body, free_pool_in_body, free_pool_in_end, inside, nested, consume;
    char trailer[64];
    struct http_failure why;
};

/* Makes a call; its events go to *a. */
enum result ask_request(struct asked *a, const struct http_request *r);
/* The same in the share of this sender. */
enum result ask_for(struct asked *a, const char *whom, const struct http_request *r);
/* A request without a body or fields. */
struct http_request request_of(const char *method, const char *target);
/* ask_request that must succeed. */
void ask(struct asked *a, const char *method, const char *target);
/* Ends *a; no event of it may have come from inside a call. */
void done(struct asked *a);
/* Lets the loop do what there is to do. */
void settle(void);
/* Server i must have got exactly this, which is taken out. */
void expect_request(unsigned i, const char *want);
/* Server i sends this. */
void answer(unsigned i, const char *text);
void server_closes(unsigned i);
/* The call must have failed in this way. */
void expect_failure(struct asked *a, enum http_failure_kind kind, bool unsent, bool answered);
/* Two connections, three waiters. */
struct http_pool_options options(bool tls);
/* Another pool for the test. */
void set_pool(const struct http_pool_options *o);
/* For cmocka: an empty pool. */
int set_up(void **state);
int tear_down(void **state);

#endif
