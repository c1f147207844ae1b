/* SPDX-License-Identifier: Apache-2.0 */
/* What a server inside is shown of the sender, made of what the gateway said in one field (tunnel/device.h). */
#ifndef CONNECTOR_REQUEST_IDENTITY_H
#define CONNECTOR_REQUEST_IDENTITY_H

#include "bundle/bundle.h"
#include "http/message.h"

/* What of it an endpoint's server reads. */
struct identity_form {
    enum bundle_headers headers;
    bool x_forwarded; /* X-Forwarded-For, -Host and -Proto beside Forwarded */
};

/* Sets CMG-Auth-Method, CMG-Client-Id, Forwarded, traceparent and, with a certificate, Client-Cert and what the form
 * makes of it in the place of CMG-Device and CMG-Host; the request's authority becomes the name that the client asked
 * for ("": it named none). *ret_whom: whose shares it takes, the device's; of the many that have one id by a bulk
 * token, those of its address. R_INVALID: CMG-Device is missing or malformed; R_LIMIT: the head grows too large. */
MUST_USE enum result identity_unfold(const struct identity_form *form, struct http_request *request,
                                     struct arena *arena, struct slice *ret_whom);

#endif
