/* SPDX-License-Identifier: Apache-2.0 */
/* The site's signed location data: where its gateways and management points are. */
#ifndef CLIENT_LOCATION_DOCUMENT_H
#define CLIENT_LOCATION_DOCUMENT_H

#include "client/session/session.h"

/* Verifies them and takes them over (s->location). */
MUST_USE bool client_location_take(struct client_session *s, const char *text);
/* Those kept, also past their end, since they are hints alone: the caller json_decref()s; NULL: there are none. */
json_t *client_location_kept(const struct client_session *s);

#endif
