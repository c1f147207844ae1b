/* SPDX-License-Identifier: Apache-2.0 */
/* The way to the site through gateways: they are asked for ServiceMetadata, the best first. */
#ifndef CLIENT_GATEWAYS_H
#define CLIENT_GATEWAYS_H

#include "client/client.h"

/* Beside those set, the ones that location data (NULL: none) tell of. */
void client_gateways_add(struct client_session *s, const json_t *location);

enum client_asked {
    CLIENT_ASKED,         /* one answered: s->location, s->gateway */
    CLIENT_ASKED_IN_VAIN, /* s->outcome says why */
    CLIENT_ASKED_NOBODY,  /* the device has nothing that opens them */
};
enum client_asked client_gateways_ask(struct client_session *s);

/* The one that answered has no way inside (s->outcome): from now on the others come before it. */
void client_gateway_failed(const struct client_session *s);

#endif
