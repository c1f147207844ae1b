/* SPDX-License-Identifier: Apache-2.0 */
/* How this connector's tunnels and upstreams are, for its report (docs/protocol/wire.md 4). */
#ifndef CONNECTOR_STATUS_H
#define CONNECTOR_STATUS_H

#include <jansson.h>

/* `connector`: the struct connector; the caller json_decref()s. */
json_t *connector_status_gateways(const void *connector);
json_t *connector_status_upstreams(const void *connector);

#endif
