/* SPDX-License-Identifier: Apache-2.0 */
/* What a server inside is shown of the sender, made of what the gateway said in one field (tunnel/device.h). */
#ifndef CONNECTOR_IDENTITY_H
#define CONNECTOR_IDENTITY_H

#include "http/message.h"

/* Sets CMG-Auth-Method, CMG-Client-Id, Forwarded, traceparent and, with a certificate, Client-Cert in the place of
 * CMG-Device. R_INVALID: it is missing or malformed; R_LIMIT: the head grows too large. */
MUST_USE enum result identity_unfold(struct http_fields *fields, struct arena *arena);

#endif
