/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The gateway's parts and how they hang together.
 *
 *   gateway ── one control loop (main thread): signals, admin listener
 *      └─ workers ── one thread and one loop each, sharing nothing but the snapshot's pointer
 *            ├─ connections (clients)      accept → TLS → HTTP → judge → relay
 *            └─ tunnels (connectors)       the way inside for this worker's connections alone
 */
#ifndef GATEWAY_GATEWAY_H
#define GATEWAY_GATEWAY_H

#include <stdatomic.h>

#include "base/text/encode.h"
#include "gateway/client/shown.h"
#include "gateway/config.h"
#include "gateway/metrics.h"
#include "gateway/places.h"
#include "gateway/snapshot/current.h"
#include "loop/loop.h"
#include "net/tcp.h"
#include "pki/role.h"
#include "tls/context.h"

struct gateway_worker;
struct responder;
struct gateway_site;

enum { GATEWAY_LISTENERS_MAX = 16, GATEWAY_LISTENERS_EACH = 8 /* a worker's, of one address, at most */ };

struct gateway {
    const struct gateway_config *config;
    char generation[GUID_SIZE]; /* of this process, told in the tunnel's hello */
    struct gateway_places places;
    struct loop *control;

    struct tls_context *tunnel_tls;
    struct pki_role_judge *connector_judge;

    struct gateway_worker *workers[GATEWAY_WORKERS_MAX];
    size_t worker_count;
    atomic_uint next_tunnel_worker; /* where the search for the worker with fewest tunnels starts */

    struct gateway_counters counters; /* the workers' */
    struct gateway_site *site;        /* both in the loop of the first worker */
    struct responder *responder;

    struct snapshot_current current;
    struct shown_certificates shown;
    struct net_address listen[GATEWAY_LISTENERS_MAX]; /* real addresses, ports resolved */
    size_t listen_count;
    atomic_bool draining;
};

#endif
