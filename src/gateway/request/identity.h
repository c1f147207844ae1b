/* SPDX-License-Identifier: Apache-2.0 */
/* Who the device is, as it is told to the server inside; and nothing of what the device itself says about that. */
#ifndef GATEWAY_REQUEST_IDENTITY_H
#define GATEWAY_REQUEST_IDENTITY_H

#include "bundle/bundle.h"
#include "choices/choices.h"
#include "http/message.h"
#include "net/address.h"

struct identity {
    enum choice_client method;
    char client_id[80];       /* CMG-Client-Id */
    struct slice certificate; /* pki only: Client-Cert, ":<base64 DER>:" (RFC 9440); borrowed for the call */
    bool foreign; /* a token of the site that the endpoint's server belongs to: Authorization goes on to it */
};

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
