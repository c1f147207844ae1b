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

/* Whose time a request takes. */
enum mp_time_share { MP_TIME_OF_DEVICE, MP_TIME_OF_FLEET, MP_TIME_OF_CONNECTOR, MP_TIME_BROUGHT, MP_TIME_SHARES };
struct mp_asker {
    char whose[CROWD_KEY_MAX + 1]; /* "": nobody's */
    enum mp_time_share share;
};
/* `r` is identified and has a route; *ret_brought_by: the connector that it came through. */
void mp_router_asker(const struct mp_request *r, struct mp_asker *ret, struct mp_asker *ret_brought_by);

/* Who asks, and how much of the loop's time each may take: site->askers. The caller frees it. */
struct crowd *mp_router_askers(void);

/* Takes a new exchange of `connection`. */
void mp_route(struct mp_connection *connection, struct http_exchange *x);

#endif
