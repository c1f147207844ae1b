/* SPDX-License-Identifier: Apache-2.0 */
/* One request from its head to its fate: routed, judged, then refused, answered by the gateway itself, or relayed. */
#ifndef GATEWAY_REQUEST_REQUEST_H
#define GATEWAY_REQUEST_REQUEST_H

#include "gateway/client/connection.h"

/* on_request of the connection's HTTP server; owner is the gateway_connection. */
void request_handle(void *owner, struct http_exchange *x);

/* on_bad_request: a head that could not be read. */
void request_unreadable(void *owner, int status, const char *what, struct arena *arena, struct http_response *ret_head,
                        struct slice *ret_body);

#endif
