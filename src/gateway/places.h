/* SPDX-License-Identifier: Apache-2.0 */
/* How many connections a worker may hold, and who how many of them: what the configuration says, as far as the
 * process's descriptors go. */
#ifndef GATEWAY_PLACES_H
#define GATEWAY_PLACES_H

#include "gateway/config.h"

enum { GATEWAY_WORKERS_MAX = 64, GATEWAY_CONNECTIONS = 16000 /* a worker's by default */ };

/* Of a worker. */
struct gateway_places {
    size_t connections;           /* and handshakes under way */
    size_t strangers_per_address; /* of them, of clients none of whose requests was let in */
    size_t connections_per_device;
};

/* Threads: as configured, or one a processor. */
size_t gateway_worker_count(const struct gateway_config *c);

/* So many as fit beside what the gateway itself needs: tunnels, listeners, files, sources. */
struct gateway_places gateway_places_find(const struct gateway_config *c, uint64_t descriptors);

/* Does what is configured fit? R_LIMIT: no; why, and what to do. */
MUST_USE enum result gateway_places_check(const struct gateway_config *c, uint64_t descriptors, struct error *err);

#endif
