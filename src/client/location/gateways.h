/* SPDX-License-Identifier: Apache-2.0 */
/* The way to the site through gateways: they are asked for ServiceMetadata, the best first. */
#ifndef CLIENT_LOCATION_GATEWAYS_H
#define CLIENT_LOCATION_GATEWAYS_H

#include "client/session/session.h"

/* Beside those set, the ones that location data (NULL: none) tell of. */
void client_gateways_add(struct client_fqdns *list, const json_t *location);
/* Of those known, the one that answered last; the first when none ever did. NULL: none is known. */
const struct client_fqdn *client_gateways_foremost(const char *dir, const struct client_fqdns *list);

enum client_asked {
    CLIENT_ASKED,         /* one answered: s->location, s->way.gateway */
    CLIENT_ASKED_IN_VAIN, /* s->outcome says why */
    CLIENT_ASKED_NOBODY,  /* the device has nothing that opens them */
};
enum client_asked client_gateways_ask(struct client_session *s);

/* Was the token itself refused, so that another one may do better? */
bool client_token_is_refused(const struct web_outcome *o);

/* The one that answered has no way inside (s->outcome): from now on the others come before it. */
void client_gateway_failed(const struct client_session *s);

#endif
