/* SPDX-License-Identifier: Apache-2.0 */
/* A worker's clients: their connections, and who of them may hold how many places. What becomes of their requests is
 * told from above (struct client_hooks). */
#ifndef GATEWAY_CLIENT_CLIENTS_H
#define GATEWAY_CLIENT_CLIENTS_H

#include <bsd/sys/queue.h>
#include <stdatomic.h>

#include "base/limit/crowd.h"
#include "gateway/client/certificates.h"
#include "gateway/judge/judge.h"
#include "gateway/places.h"
#include "http/server.h"

struct gateway_connection;
struct request_desk;
LIST_HEAD(gateway_connections, gateway_connection);

/* Of a connection and the requests that are under way on it (its relays). */
struct client_hooks {
    void (*on_request)(struct gateway_connection *c, struct http_exchange *x);
    void (*on_bad_request)(struct gateway_connection *c, int status, const char *what, struct arena *arena,
                           struct http_response *ret_head, struct slice *ret_body);
    void (*review)(struct gateway_connection *c, int64_t now); /* ends those that may not go on */
    void (*abort)(struct gateway_connection *c);               /* ends all */
    void (*leave)(struct gateway_connection *c);               /* ends those that would go on for long */
};

struct gateway_clients {
    struct loop *loop;
    struct gateway_judge *judge;
    struct gateway_metrics *metrics;
    const struct gateway_places *places;
    const struct client_hooks *hooks;
    struct request_desk *desk;         /* of the hooks; nothing here looks into it */
    struct certificates *certificates; /* own reference */

    struct gateway_connections connections;
    atomic_size_t connection_count;        /* and handshakes under way; other threads read it */
    bool draining;                         /* those that come now end with their first requests */
    struct crowd *strangers, *long_chains; /* by address; the second: those who showed more than devices do */
    struct crowd *devices;                 /* connections of who was let in, by device */
    enum gateway_away leaving;             /* why who is made to leave just now is */
    unsigned long_chain_count;
    struct gateway_connection *sweep_next; /* NULL: the round is over */
};

#endif
