/* SPDX-License-Identifier: Apache-2.0 */
/* Which names a gateway must show a server certificate for, and shows none. */
#ifndef MP_WATCH_NAMES_H
#define MP_WATCH_NAMES_H

#include "mp/server/request.h"
#include "store/site/endpoint.h"
#include "store/site/role.h"

struct mp_names {
    const struct store_endpoint *endpoints; /* of the site */
    size_t endpoint_count;
};

/* [{"host", "endpoint"}], at most 16; "endpoint" is null for the gateway's own name. `report`: its last one; of a
 * gateway that does not tell all of its certificates nothing is said. The caller json_decref()s. */
json_t *mp_status_names_missing(const struct mp_names *n, const struct store_gateway *g, const json_t *report);

#endif
