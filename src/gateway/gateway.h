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

#include <pthread.h>
#include <stdatomic.h>

#include "base/text/encode.h"
#include "gateway/client/places.h"
#include "gateway/config.h"
#include "gateway/metrics.h"
#include "gateway/snapshot/snapshot.h"
#include "loop/loop.h"
#include "net/tcp.h"
#include "pki/role.h"
#include "tls/context.h"

struct gateway_worker;
struct certificates;
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

    pthread_mutex_t snapshot_lock;
    struct snapshot *snapshot;         /* under the lock; NULL until the first bundle */
    char refused[ERROR_TEXT_MAX];      /* under the lock: why the site's last bundle was refused; "": it was not */
    struct certificates *certificates; /* under the lock; changed by the control loop only */
    char unread[ERROR_TEXT_MAX];       /* under the lock: why newer ones could not be used; "": they are in use */
    /* By the tenant's place in the bundle, wall seconds: one token a second may ask for its keys to be fetched. */
    atomic_llong unknown_key_told[BUNDLE_TENANTS_MAX];
    atomic_uint_least64_t wanted_list_told[256]; /* a hash of the URL and the second, of lists that certificates want */
    atomic_llong last_contact;                   /* monotonic seconds: when the site was last heard of; 0: never */
    atomic_llong bundle_ends;                    /* monotonic seconds; 0: it came from the disk, its own time holds */

    struct net_address listen[GATEWAY_LISTENERS_MAX]; /* real addresses, ports resolved */
    size_t listen_count;
    atomic_bool draining;
};

/* Puts a new snapshot in place for every worker (takes over the reference). Any thread. */
void gateway_publish(struct gateway *g, struct snapshot *snapshot);

/* Why the site's last bundle was refused; "": it was taken. Any thread. */
void gateway_refuse_bundle(struct gateway *g, const char *why);
void gateway_refused_bundle(struct gateway *g, char ret[ERROR_TEXT_MAX]);

/* Shows other server certificates from the next handshake on (takes over the reference). The control loop's thread. */
void gateway_show(struct gateway *g, struct certificates *certificates);

/* Why the files of the server certificates, read anew, could not be used; "": they are. Any thread asks, the control
 * loop's sets. */
void gateway_note_unread(struct gateway *g, const char *why);
void gateway_unread(struct gateway *g, char ret[ERROR_TEXT_MAX]);

#endif
