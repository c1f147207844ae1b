/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Gateways that join (docs/protocol/wire.md 11). A gateway can reach nothing inside, so it waits for a connector of its
 * site, which brings its request to the site and the answer back. Neither end believes the connector, and it believes
 * neither: what it carries is signed from end to end, and it shows the gateway nothing of its own.
 */
#ifndef CONNECTOR_GATEWAY_JOINING_H
#define CONNECTOR_GATEWAY_JOINING_H

#include "bundle/bundle.h"
#include "connector/site/known.h"
#include "connector/site/site.h"

struct joining;

/* Borrows both. */
struct joining *joining_new(const struct site_known *known, struct site_link *site);
void joining_free(struct joining *j); /* NULL allowed */

/* Those that the document says are joining are asked from now on, and no others. */
void joining_apply(struct joining *j, const struct connector_document *d);
/* Nothing of ours is on its way to the site when this returns; it is tried again. NULL allowed. */
void joining_pause(struct joining *j);

#endif
