/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the files of the pool share: pool.c (which call gets which connection, time), pool/call.c (the call that users
 * hold, whatever carries it), pool/connect.c (making connections), pool/holders.c (shares). Private to src/http.
 *
 *     http_pool_call ─► waiting ─► carried by an HTTP/1.1 connection or a stream of a session ─► over
 *                          ▲                        │ safe, no body, reused connection cut
 *                          └────────────────────────┘ once
 */
#ifndef HTTP_POOL_INTERNAL_H
#define HTTP_POOL_INTERNAL_H

#include <bsd/sys/queue.h>
#include <bsd/sys/tree.h>

#include "base/buf.h"
#include "http/h1/client.h"
#include "http/h1/connect.h"
#include "http/h2/h2.h"
#include "http/pool/pool.h"
#include "net/tcp.h"
#include "tls/stream.h"

TAILQ_HEAD(pool_calls, pool_call);

struct pool_conn { /* an HTTP/1.1 connection */
    LIST_ENTRY(pool_conn) all;
    TAILQ_ENTRY(pool_conn) unused; /* while idle, the latest first */
    struct http_pool *pool;
    struct http_h1_client *h1;
    bool idle, reused;
    bool switched; /* to WebSocket: counted apart */
    uint64_t idle_until;
};

struct pool_session { /* an HTTP/2 connection */
    LIST_ENTRY(pool_session) all;
    struct http_pool *pool; /* NULL: the pool is gone */
    struct http_h2 *h2;
    uint32_t taken_back; /* calls, after they were sent */
    bool reused, drains;
    bool refuses; /* a stream, a moment ago: it has no room until one of its others has ended */
};

struct pool_dial { /* a connection being made */
    LIST_ENTRY(pool_dial) all;
    struct http_pool *pool;
    struct http_dial *tcp;
    struct tls_handshake *tls;
    bool http1; /* not to become a session */
    uint64_t until;
};

/* For whom calls are made. */
struct pool_holder {
    RB_ENTRY(pool_holder) by_key;
    size_t key_len; /* beside the tree that it is sought in, in the same lines of the processor's cache */
    char key[80];
    TAILQ_ENTRY(pool_holder) turn; /* while calls of it wait */
    struct pool_calls waiting;
    uint32_t calls, websockets; /* under way, in whatever list; the second: those of them that ask for it, or have it */
    uint32_t waiting_count, waiting_websockets;
    uint32_t conns; /* of HTTP/1.1 that carry calls of it; WebSockets are counted apart */
};

struct pool_call {
    struct http_call base; /* what the user holds */
    TAILQ_ENTRY(pool_call) link;
    TAILQ_ENTRY(pool_call) of_holder; /* while it waits */
    struct pool_calls *list;          /* the one it is in */
    struct pool_holder *holder;
    bool has_conn; /* counted in its holder's */
    struct http_pool *pool;
    struct http_request request;  /* its texts are the user's */
    char *target;                 /* of it, where the pool has a base path; else NULL */
    struct http_call *inner;      /* NULL: waiting */
    struct pool_conn *conn;       /* that carries it; NULL: a session does, or nothing */
    struct pool_session *session; /* the same */
    struct buf early;             /* body written while waiting */
    bool early_finish;
    bool reused;              /* carried by a connection that had carried others */
    bool began;               /* something of the answer came */
    bool answered;            /* its final head came */
    bool retried;             /* wants a fresh connection now */
    struct http_failure doom; /* in the list of the doomed: it will fail so */
    uint64_t until;           /* waiting: for a connection; carried: for the answer; 0: for ever */
};

static inline bool http_pool_call_is_websocket(const struct pool_call *c)
{
    return c->request.protocol.len > 0;
}

struct http_pool {
    struct http_pool_options o;
    struct loop *loop;
    struct loop_timer *tick;
    struct loop_deferred run; /* fails what is doomed, then matches */
    struct pool_calls waiting, carried, doomed;
    RB_HEAD(pool_holders, pool_holder) holders;
    TAILQ_HEAD(, pool_holder) turns; /* whose calls wait; who got a connection goes to the end */
    TAILQ_HEAD(pool_conns, pool_conn) unused;
    LIST_HEAD(, pool_conn) conns;
    LIST_HEAD(, pool_session) sessions;
    LIST_HEAD(, pool_dial) dials;
    uint32_t waiting_count, conn_count, switched_count, session_count, dial_count, http1_dial_count;
    uint32_t websocket_count;         /* of the waiting calls that ask for it */
    uint32_t ready, ready_websockets; /* those that wait for want of a connection, not of their holder's share */
    bool speaks_h2, knows;            /* what the last TLS handshake agreed on; knows: there was one */
    unsigned busy;                    /* user's callbacks under way */
    bool dead;                        /* freed by the user inside one */
};

/* Around a user's callback, who may free the pool in it. leave: false when it is gone. */
void http_pool_enter(struct http_pool *p);
bool http_pool_leave(struct http_pool *p);

void http_pool_later(struct http_pool *p); /* run(), at the end of the iteration */

/* pool/connect.c */
void http_pool_connect(struct http_pool *p, bool http1);
void http_pool_conn_switched(struct pool_conn *c);
void http_pool_dial_free(struct pool_dial *d);
void http_pool_conn_free(struct pool_conn *c);
void http_pool_session_orphan(struct pool_session *s);

/* pool/holders.c. R_LIMIT: its share is used up. */
MUST_USE enum result http_pool_holder_join(struct http_pool *p, struct slice key, bool websocket,
                                           struct pool_holder **ret, struct error *err);
void http_pool_holder_part(struct pool_call *c);              /* the last one frees its holder */
void http_pool_holder_waits(struct pool_call *c, bool waits); /* a retried one first */
void http_pool_holder_conn(struct pool_call *c, bool has);    /* one of HTTP/1.1 carries it */
bool http_pool_holder_has_room(const struct http_pool *p, const struct pool_holder *h); /* for one more of these */

/* pool/call.c */
MUST_USE enum result http_pool_call_new(struct http_pool *p, struct slice for_whom, const struct http_request *request,
                                        const struct http_call_events *events, void *ctx, struct pool_call **ret,
                                        struct error *err);
void http_pool_call_move(struct pool_call *c, struct pool_calls *to); /* to its end */
void http_pool_call_free(struct pool_call *c);                        /* cancels what carries it; calls no user */
/* By one of the two. Not OK: it can't take it. */
MUST_USE enum result http_pool_call_carry(struct pool_call *c, struct pool_conn *conn, struct pool_session *session,
                                          struct error *err);
/* It will fail so, from run(). */
void http_pool_call_doom(struct pool_call *c, enum http_failure_kind kind, enum result code, const char *why);
/* Ends it with on_fail. */
void http_pool_call_fail(struct pool_call *c, const struct http_failure *why);

#endif
