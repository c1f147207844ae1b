/* SPDX-License-Identifier: Apache-2.0 */
/* The endpoints of the connector document that is in use, as upstreams, by id. */
#ifndef CONNECTOR_REQUEST_UPSTREAMS_H
#define CONNECTOR_REQUEST_UPSTREAMS_H

#include "connector/request/upstream.h"

enum { UPSTREAMS_MAX = 1000 };

struct upstreams {
    struct upstream *list[UPSTREAMS_MAX];
    size_t count;
};

/* May this document be the first one? R_DENIED: the choices rule an endpoint of it out for this connector. */
MUST_USE enum result upstreams_check(const struct connector_config *config, const struct connector_document *d,
                                     struct error *err);

/* The document's endpoints instead of those that were; requests under way go on. One that can't be served is left out,
 * and the log says why. */
void upstreams_replace(struct upstreams *u, struct loop *loop, const struct connector_config *config,
                       const struct role_identity *role, const struct connector_document *d);
void upstreams_free(struct upstreams *u); /* its members */

struct upstream *upstreams_find(const struct upstreams *u, struct slice id); /* borrowed; NULL: there is none */

#endif
