/* SPDX-License-Identifier: Apache-2.0 */
/* Arithmetic on the configuration and the process's descriptors, at the start. Who gets a place later is
 * client/admission.c. Pure, but for the number of processors. */
#include "gateway/places.h"

#include <inttypes.h>
#include <unistd.h>

#include "gateway/tunnels.h"
#include "net/strangers.h"

enum {
    OF_THE_PROCESS = 256,                   /* files, sources being fetched, responders being asked, the admin pages */
    OF_A_WORKER = GATEWAY_TUNNELS_MAX + 32, /* tunnels, listeners and their spares, the loop */
    DEVICE_SHARE = 8,                       /* one device may hold an eighth of all places */
    FEWEST = 16,
};

size_t gateway_worker_count(const struct gateway_config *c)
{
    long processors = sysconf(_SC_NPROCESSORS_ONLN);
    size_t n = c->workers ? (size_t)c->workers : processors > 0 ? (size_t)processors : 1;
    return n < GATEWAY_WORKERS_MAX ? n : GATEWAY_WORKERS_MAX;
}

static uint64_t own_need(const struct gateway_config *c)
{
    return OF_THE_PROCESS + gateway_worker_count(c) * OF_A_WORKER;
}

/* A worker's; where there are so few that hardly anything would be left, half of them. */
static size_t room(const struct gateway_config *c, uint64_t descriptors)
{
    uint64_t own = own_need(c), rest = descriptors > 2 * own ? descriptors - own : descriptors / 2;
    uint64_t each = rest / gateway_worker_count(c);
    return each > SIZE_MAX / 2 ? SIZE_MAX / 2 : each < FEWEST ? FEWEST : (size_t)each;
}

static size_t share(uint64_t configured, size_t all, size_t part)
{
    size_t wanted = configured ? (size_t)configured : all / part;
    return wanted > all ? all : wanted ? wanted : 1;
}

struct gateway_places gateway_places_find(const struct gateway_config *c, uint64_t descriptors)
{
    size_t fit = room(c, descriptors), wanted = c->max_connections ? (size_t)c->max_connections : GATEWAY_CONNECTIONS;
    size_t all = wanted < fit ? wanted : fit;
    return (struct gateway_places){.connections = all,
                                   .strangers_per_address = share(c->strangers_per_address, all, NET_STRANGERS_SHARE),
                                   .connections_per_device = share(c->connections_per_device, all, DEVICE_SHARE)};
}

enum result gateway_places_check(const struct gateway_config *c, uint64_t descriptors, struct error *err)
{
    size_t workers = gateway_worker_count(c), fit = room(c, descriptors);
    if (c->max_connections <= fit)
        return OK;
    return error_set(err, R_LIMIT,
                     "max_connections: %zu workers x %" PRIu64 " connections and %" PRIu64
                     " descriptors of the gateway's own are more than the %" PRIu64
                     " that this process may open; %zu a worker fit. Lower it, leave it out (then it adapts), or raise "
                     "the limit (LimitNOFILE= of the service, ulimit -Hn)",
                     workers, c->max_connections, own_need(c), descriptors, fit);
}
