/* SPDX-License-Identifier: Apache-2.0 */
/* Who the device is, as it is told to the server inside; and nothing of what the device itself says about that. */
#ifndef GATEWAY_REQUEST_IDENTITY_H
#define GATEWAY_REQUEST_IDENTITY_H

#include "gateway/judge/question.h"
#include "net/address.h"

struct identity_request {
    const struct identity *who;
    const struct bundle_endpoint *endpoint;
    const char *request_id;
    const char *peer;  /* address without port */
    struct slice host; /* that the client asked for; "": it named none */
    bool by_host;      /* a host route: Authorization belongs to the upstream */
};

/* Is this one of the names that could assert an identity, or that we set ourselves? Counts `_` as `-`. */
bool identity_header_forbidden(struct slice name);

/* Removes all such headers, then sets CMG-Device and CMG-Host, of which the connector makes the others, and
 * CMG-Request-Id. R_LIMIT when the head grows too large. */
MUST_USE enum result identity_apply(const struct identity_request *r, struct http_fields *fields, struct arena *arena,
                                    struct error *err);

#endif
