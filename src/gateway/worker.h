/* SPDX-License-Identifier: Apache-2.0 */
/* A worker: a thread with its loop, its listeners (SO_REUSEPORT), its client connections and its tunnels. */
#ifndef GATEWAY_WORKER_H
#define GATEWAY_WORKER_H

#include "gateway/gateway.h"
#include "gateway/give_back.h"
#include "gateway/request/request.h"

struct gateway_worker {
    struct gateway *gateway;
    size_t index;
    struct loop *loop;
    struct loop_thread *thread;
    struct net_listener *listeners[GATEWAY_LISTENERS_MAX * GATEWAY_LISTENERS_EACH];
    size_t listener_count;

    struct gateway_judge judge;
    struct gateway_tunnels tunnels;
    struct crowd *connectors; /* their tunnels, those among them that are not up yet */
    atomic_uint tunnel_count; /* read by other workers to find the one with fewest */
    struct gateway_clients clients;
    struct request_desk desk;
    struct loop_timer *pulse;   /* every second: tells that the loop turns, ends strangers who stay too long */
    atomic_uint_least64_t beat; /* monotonic milliseconds of the last one; 0: not started */
    struct loop_timer *sweep;   /* looks for connections whose verdict has ended */
    struct gateway_site *site;  /* that lives in this loop; NULL: in another worker's */
    struct give_back give_back; /* worker 0 only */
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
