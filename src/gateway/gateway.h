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

enum { GATEWAY_LISTENERS_MAX = 16 };

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

    struct responder *responder; /* in the loop of the first worker */

    struct snapshot_current current;
    struct shown_certificates shown;
    /* By the tenant's place in the bundle, wall seconds: one token a second may ask for its keys to be fetched. */
    atomic_llong unknown_key_told[BUNDLE_TENANTS_MAX];
    atomic_uint_least64_t wanted_list_told[256]; /* a hash of the URL and the second, of lists that certificates want */

    struct net_address listen[GATEWAY_LISTENERS_MAX]; /* real addresses, ports resolved */
    size_t listen_count;
    atomic_bool draining;
};

#endif
