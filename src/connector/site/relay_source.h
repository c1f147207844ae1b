/* SPDX-License-Identifier: Apache-2.0 */
/* Answers gateways that ask for a named source (docs/protocol/wire.md 5): the id leads to the URL of this connector's
 * own document, and to nothing else. */
#ifndef CONNECTOR_SITE_RELAY_SOURCE_H
#define CONNECTOR_SITE_RELAY_SOURCE_H

#include "connector/site/known.h"
#include "http/exchange.h"

#define SOURCE_ENDPOINT "source" /* the authority, announced like an endpoint */

/* `gateway_id` asks, and keeps others neither from asking nor from room for answers that it does not take. */
void relay_source_start(const struct site_known *k, const char *gateway_id, struct http_exchange *x);
/* Breaks off what is being asked; before the loop ends. */
void relay_source_stop(void);

/* Reads the revocation list at this URL of the document: http, https, ldap, ldaps, file. May take a minute: for a
 * thread of the pool. */
MUST_USE enum result relay_source_list(const struct connector_config *config, const char *url, const char *ca_pem,
                                       struct buf *ret, struct error *err);

#endif
