/* SPDX-License-Identifier: Apache-2.0 */
/* The tunnels that come to a worker: whose they are, how many each connector may have, how often it may come. One that
 * was broken into keeps neither places nor processor from the others. In the worker's loop. */
#ifndef GATEWAY_CONNECTORS_H
#define GATEWAY_CONNECTORS_H

#include "gateway/worker.h"

/* The caller keeps it as long as the worker. */
struct crowd *gateway_connectors_new(void);

/* Takes over the stream, whose handshake proved a connector's certificate. What was charged of the stranger that it was
 * is given back, unless it comes too often. */
void gateway_connector_arrive(struct gateway_worker *w, struct net_stream *stream, struct crowd_member *stranger);

/* By the worker's snapshot. */
void gateway_connectors_close_removed(struct gateway_worker *w);

#endif
