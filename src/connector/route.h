/* SPDX-License-Identifier: Apache-2.0 */
/* Where a request goes that came out of a tunnel: to a source, to the site, to the upstream of its endpoint, or
 * nowhere.
 */
#ifndef CONNECTOR_ROUTE_H
#define CONNECTOR_ROUTE_H

#include "base/limit/crowd.h"
#include "connector/request/upstreams.h"
#include "connector/site/known.h"
#include "connector/site/site.h"
#include "http/splice.h"

/* Where it looks; all is borrowed. */
struct route {
    const struct site_known *known;
    struct site_link *site;
    const struct upstreams *upstreams;
    struct http_splice_senders senders;  /* of requests under way, by device */
    struct http_splice_senders gateways; /* of those to the site, by gateway, with route_site_rates */
};

/* How fast one gateway may ask the site: for all that carries the connector's certificate there. */
enum route_site_rate { ROUTE_SITE_LISTS, ROUTE_SITE_OTHERS, ROUTE_SITE_RATES };
extern const struct crowd_rate route_site_rates[ROUTE_SITE_RATES];

/* Takes over x: `gateway_id` is who asks by it. */
void route_request(const struct route *to, const char *gateway_id, struct http_exchange *x);

#endif
