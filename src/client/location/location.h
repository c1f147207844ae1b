/* SPDX-License-Identifier: Apache-2.0 */
/* Where the site is: directly, or through a gateway. */
#ifndef CLIENT_LOCATION_LOCATION_H
#define CLIENT_LOCATION_LOCATION_H

#include "client/session/session.h"

/* Finds a management point that can be reached directly, else a gateway that answers; verifies the signed
 * location data and chooses management point and method (s->choice). */
MUST_USE bool client_locate(struct client_session *s);
/* The same through gateways alone: the management point in use can't be reached any more. */
MUST_USE bool client_locate_outside(struct client_session *s);
/* May the device use a gateway, and does it know one? Also those that the site told of. */
MUST_USE bool client_gateways_ready(struct client_session *s);
/* Chooses again without pki, after the gateway refused it by mode. false: nothing else is left. */
MUST_USE bool client_locate_next(struct client_session *s);
/* The management point at the end of a gateway's way does not answer (s->outcome): it is passed over for a while, for
 * another that takes the same method. false: there is none; the outcome stays. */
MUST_USE bool client_locate_another(struct client_session *s);

#endif
