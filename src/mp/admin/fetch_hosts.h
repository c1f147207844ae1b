/* SPDX-License-Identifier: Apache-2.0 */
#ifndef MP_ADMIN_FETCH_HOSTS_H
#define MP_ADMIN_FETCH_HOSTS_H

#include "mp/server/request.h"
#include "json/json.h"

/* The member "fetch_hosts" as words "host" or "host:port", lower case, in the request's arena; "": none. R_INVALID. */
MUST_USE enum result mp_admin_fetch_hosts_read(struct mp_request *r, const json_t *body, const char **ret,
                                               struct error *err);

#endif
