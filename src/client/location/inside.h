/* SPDX-License-Identifier: Apache-2.0 */
/* Intranet or Internet (SPEC 6): the management points that the device knows, asked directly before any gateway is. One
 * that answers with location data of the site's makes it the intranet. Whom it speaks to is judged by the site root
 * that the device pins (a role certificate, Enhanced HTTP) or by the organisation's CA (https). */
#ifndef CLIENT_LOCATION_INSIDE_H
#define CLIENT_LOCATION_INSIDE_H

#include "client/session/session.h"

/* Collects them: those of MPUrls, then those of location data (NULL: none). false: MPCA can't be read, told. */
MUST_USE bool client_inside_collect(struct client_session *s, const json_t *location);
/* Asks them in turn, without a credential, and takes the signed location data of the first one that answers. */
MUST_USE bool client_inside_find(struct client_session *s);
/* The management point `role` as it can be used directly, asked now if it was not yet. NULL: it can't. */
struct client_mp *client_inside_role(struct client_session *s, const char *role);
/* Why it is the Internet, for people: "mp.example:443: name_not_found: …; …". */
void client_inside_why(const struct client_inside *in, char *ret, size_t size);

#endif
