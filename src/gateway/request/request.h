/* SPDX-License-Identifier: Apache-2.0 */
/* One request from its head to its fate: routed, judged, then refused, answered by the gateway itself, or relayed. */
#ifndef GATEWAY_REQUEST_REQUEST_H
#define GATEWAY_REQUEST_REQUEST_H

#include "gateway/request/relay.h"
#include "gateway/request/tenant_info.h"
#include "gateway/snapshot/current.h"

/* What a worker's requests share; the clients' desk. */
struct request_desk {
    struct relay_way way;
    struct net_questions tenant_info; /* AADAuthInfo is open to everybody */
    const struct snapshot_current *current;
};

void request_desk_init(struct request_desk *d, const struct gateway_tunnels *tunnels,
                       const struct snapshot_current *current, size_t requests_per_device, struct loop *loop);
/* Everything of it is over. */
void request_desk_end(struct request_desk *d);

/* Of clients whose desk is one of these. */
extern const struct client_hooks request_hooks;

#endif
