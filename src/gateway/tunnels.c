/* SPDX-License-Identifier: Apache-2.0 */
/* A list and a choice, nothing of what goes through a tunnel: whose it is and what it reaches says tunnel/accept.h.
 * Of the worker whose loop the tunnels live in; it owns none of them. */
#include "gateway/tunnels.h"

bool gateway_tunnels_add(struct gateway_tunnels *ts, struct tunnel *t)
{
    if (ts->count == GATEWAY_TUNNELS_MAX)
        return false;
    ts->list[ts->count++] = t;
    return true;
}

void gateway_tunnels_remove(struct gateway_tunnels *ts, const struct tunnel *t)
{
    for (size_t i = 0; i < ts->count; i++) {
        if (ts->list[i] == t) {
            ts->list[i] = ts->list[--ts->count];
            return;
        }
    }
}

static struct tunnel *least_outstanding(const struct gateway_tunnels *ts, struct slice endpoint_id,
                                        const struct tunnel *not_this)
{
    struct tunnel *best = NULL;
    for (size_t i = 0; i < ts->count; i++) {
        struct tunnel *t = ts->list[i];
        if (t == not_this || !tunnel_reaches(t, endpoint_id) || !tunnel_has_room(t))
            continue;
        if (!best || tunnel_outstanding(t) < tunnel_outstanding(best))
            best = t;
    }
    return best;
}

struct tunnel *gateway_tunnels_pick(const struct gateway_tunnels *ts, struct slice endpoint_id,
                                    const struct tunnel *not_this)
{
    struct tunnel *best = least_outstanding(ts, endpoint_id, not_this);
    return best || !not_this ? best : least_outstanding(ts, endpoint_id, NULL);
}
