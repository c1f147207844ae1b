/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A device's certificate in the fields that some servers read instead of RFC 9440's (cmg endpoint add --headers):
 *
 *   puppet   X-Client-Verify: SUCCESS; X-Client-DN: the subject as RFC 2253; X-Client-Cert: PEM, percent-encoded
 *   hawkbit  X-Ssl-Client-Cn: the common name; X-Ssl-Issuer-Hash-1: as `openssl x509 -issuer_hash` prints it
 *
 * A name that a field can't carry as it is (none, controls, blanks around it; for hawkBit also several common names)
 * makes no field at all: the server sees a request without a certificate.
 */
#ifndef CONNECTOR_REQUEST_CERTIFICATE_FORM_H
#define CONNECTOR_REQUEST_CERTIFICATE_FORM_H

#include "bundle/bundle.h"
#include "http/message.h"

/* `client_cert`: as in Client-Cert, of a certificate that the gateway let in. Fields live in the arena. R_INVALID: it
 * is no certificate; R_LIMIT: the head grows too large. */
MUST_USE enum result certificate_form_add(enum bundle_headers form, struct slice client_cert,
                                          struct http_fields *fields, struct arena *arena);

#endif
