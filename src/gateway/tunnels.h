/* SPDX-License-Identifier: Apache-2.0 */
/* A worker's tunnels: which connector carries the next request (PROTOCOL 2: among those that announced the endpoint,
 * the one with least outstanding). */
#ifndef GATEWAY_TUNNELS_H
#define GATEWAY_TUNNELS_H

#include "tunnel/accept.h"

enum { GATEWAY_TUNNELS_MAX = 256 }; /* a worker's */

struct gateway_tunnels {
    struct tunnel *list[GATEWAY_TUNNELS_MAX]; /* those that are up */
    size_t count;
};

MUST_USE bool gateway_tunnels_add(struct gateway_tunnels *ts, struct tunnel *t); /* false: full */
void gateway_tunnels_remove(struct gateway_tunnels *ts, const struct tunnel *t);

/* NULL: no connector reaches it. `not_this` (NULL allowed) is passed over unless it is the only one. */
struct tunnel *gateway_tunnels_pick(const struct gateway_tunnels *ts, struct slice endpoint_id,
                                    const struct tunnel *not_this);

#endif
