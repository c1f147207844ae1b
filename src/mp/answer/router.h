/* SPDX-License-Identifier: Apache-2.0 */
/* Which handler answers which path at a management point: one table. */
#ifndef MP_SERVER_ROUTER_H
#define MP_SERVER_ROUTER_H

#include "mp/server/request.h"

#define MP_AT_HEAD SIZE_MAX

struct mp_route {
    const char *path;    /* ASCII case is ignored */
    const char *methods; /* as the field Allow wants them */
    size_t body_max;     /* MP_AT_HEAD: the handler answers without the body */
    mp_handler_fn *handle;
    enum { MP_FOR_DEVICES, MP_FOR_ANYBODY_INSIDE, MP_FOR_CONNECTORS } whom;
    bool below; /* everything under the path too */
};

/* NULL: nothing is there. */
const struct mp_route *mp_route_find(struct slice path);
bool mp_method_in(const char *methods, struct slice method);

/* Who asks, and how much of the loop's time each may take: site->askers. The caller frees it. */
struct crowd *mp_router_askers(void);

/* Takes a new exchange of `connection`. */
void mp_route(struct mp_connection *connection, struct http_exchange *x);

#endif
