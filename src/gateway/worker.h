/* SPDX-License-Identifier: Apache-2.0 */
/* A worker: a thread with its loop, its listeners (SO_REUSEPORT), its client connections and its tunnels. */
#ifndef GATEWAY_WORKER_H
#define GATEWAY_WORKER_H

#include <bsd/sys/queue.h>

#include "base/limit/crowd.h"
#include "gateway/gateway.h"
#include "gateway/give_back.h"
#include "gateway/judge/judge.h"
#include "gateway/tunnels.h"
#include "http/server.h"

/* For all addresses together; one address has its own rate (net/strangers.h). */
enum { GATEWAY_TENANT_INFO_PER_SECOND = 1000 };

struct gateway_connection;
LIST_HEAD(gateway_connections, gateway_connection);

struct gateway_questions;
struct gateway_report;

struct gateway_worker {
    struct gateway *gateway;
    size_t index;
    struct loop *loop;
    struct loop_thread *thread;
    struct net_listener *listeners[GATEWAY_LISTENERS_MAX];
    size_t listener_count;

    struct gateway_judge judge;
    struct certificates *certificates; /* its own reference */
    struct gateway_tunnels tunnels;
    atomic_uint tunnel_count; /* read by other workers to find the one with fewest */
    struct gateway_connections connections;
    size_t connection_count;               /* and handshakes under way */
    struct crowd *strangers, *long_chains; /* by address; the second: those who showed more than devices do */
    struct crowd *devices;                 /* connections of who was let in, by device */
    enum gateway_away leaving;             /* why who is made to leave just now is */
    unsigned long_chain_count;
    struct loop_timer *pulse;   /* every second: tells that the loop turns, ends strangers who stay too long */
    atomic_uint_least64_t beat; /* monotonic milliseconds of the last one; 0: not started */
    struct loop_timer *sweep;   /* looks for connections whose verdict has ended */
    struct gateway_connection *sweep_next; /* NULL: the round is over */
    struct give_back give_back;            /* worker 0 only */
    struct bundle_pull *pull;              /* worker 0 only */
    struct gateway_report *report;         /* worker 0 only */
    struct gateway_questions *questions;   /* worker 0 only */
    struct sources *sources;               /* the pull's */
    uint64_t retries, calls;               /* the budget of retries: at most 10 % of calls (PROTOCOL 2) */
    struct bucket tenant_info;             /* AADAuthInfo is open to everybody */
    struct gateway_metrics metrics;
};

/* Listens; the thread starts with gateway_worker_start. A port 0 in g->listen is replaced by the real one. */
MUST_USE enum result gateway_worker_new(struct gateway *g, size_t index, struct gateway_worker **ret,
                                        struct error *err);
void gateway_worker_start(struct gateway_worker *w);

/* Any thread. The worker takes its own reference to the gateway's snapshot and judges its open connections by it. */
void gateway_worker_refresh(struct gateway_worker *w);

/* Any thread. The same for the server certificates, which the next handshakes show. */
void gateway_worker_show(struct gateway_worker *w);

/* Any thread: no new connections, the old ones end; then at once. */
void gateway_worker_drain(struct gateway_worker *w);
void gateway_worker_stop(struct gateway_worker *w); /* waits for the thread, frees everything */

#endif
