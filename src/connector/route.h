/* SPDX-License-Identifier: Apache-2.0 */
/* Where a request goes that came out of a tunnel: to a source, to the site, to the upstream of its endpoint, or
 * nowhere.
 */
#ifndef CONNECTOR_ROUTE_H
#define CONNECTOR_ROUTE_H

#include "connector/request/upstreams.h"
#include "connector/site/known.h"
#include "connector/site/site.h"
#include "http/splice.h"

/* Where it looks; all is borrowed. */
struct route {
    const struct site_known *known;
    struct site_link *site;
    const struct upstreams *upstreams;
    struct http_splice_senders senders; /* of requests under way, by device */
};

/* Takes over x: `gateway_id` is who asks by it. */
void route_request(const struct route *to, const char *gateway_id, struct http_exchange *x);

#endif
