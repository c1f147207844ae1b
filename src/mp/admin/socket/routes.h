/* SPDX-License-Identifier: Apache-2.0 */
/* Which handler answers which request at the admin socket, and whose role it wants: one table. */
#ifndef MP_ADMIN_SOCKET_ROUTES_H
#define MP_ADMIN_SOCKET_ROUTES_H

#include "mp/server/request.h"

struct mp_admin_route {
    const char *method, *pattern; /* a "*" stands for one segment: r->params */
    enum mp_role wants;
    mp_handler_fn *handle;
    bool streams; /* called at the head: it takes the body in as it comes */
};
/* NULL: none; *ret_allow (in `a`) then tells the methods of the path, "" when there is no such path. */
const struct mp_admin_route *mp_admin_route_find(struct arena *a, struct slice method, struct slice path,
                                                 char params[MP_PARAMS_MAX][MP_PARAM_SIZE], const char **ret_allow);

#endif
