/* SPDX-License-Identifier: Apache-2.0 */
/* Who may take one of a worker's places, and who gives way for whom: first strangers, those of the address that has
 * most, then idle connections of the device that has most. Who is turned away is counted by the reason, and logged. */
#ifndef GATEWAY_CLIENT_ADMISSION_H
#define GATEWAY_CLIENT_ADMISSION_H

#include "gateway/client/connection.h"
#include "net/tcp.h"

/* Makes the worker's tables. */
void admission_start(struct gateway_clients *all, const struct gateway_config *config);

/* May a newcomer from there take a place? Somebody may have to leave for it. false: it is to be closed; counted. */
MUST_USE bool admission_ask(struct gateway_clients *all, const struct net_address *peer);

/* The same for a balancer's connection, which is not the balancer's own: whose it is, is asked then. */
MUST_USE bool admission_room(struct gateway_clients *all, const struct net_address *balancer);

/* For a worker's listeners (their ctx is its clients). */
extern const struct net_listener_guard admission_guard;

/* For the leave function of a member: counts and logs that it had to leave. peer: its address, for the log. */
void admission_left(struct gateway_clients *all, const char *peer);

/* A request of this connection was let in, `device` sent it: it is no stranger any more and counts among the
 * device's; `leave` ends it when it must go for another one. false: the device has so many connections under way that
 * none can be closed for this one. */
MUST_USE bool admission_known(struct gateway_connection *c, const char *device, crowd_leave_fn *leave);

/* Ends strangers that have stayed too long, a few at once; true: there are more. */
bool admission_end_late(struct gateway_clients *all);

/* So many bytes are kept for a stranger now; somebody, perhaps itself, may have to leave for them. */
void admission_holds(struct gateway_connection *c, size_t bytes);

/* Its address's share of refusals is used up (who was let in has no such share). */
bool admission_refused_too_often(struct gateway_connection *c);

#endif
