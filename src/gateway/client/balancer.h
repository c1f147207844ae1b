/* SPDX-License-Identifier: Apache-2.0 */
/* Connections that a load balancer passes on, and tells whose they are before TLS (net/told.h). Only the addresses that
 * gateway.yaml lists are asked and believed, and from those nothing else is taken: who could leave the header out could
 * be anybody. */
#ifndef GATEWAY_CLIENT_BALANCER_H
#define GATEWAY_CLIENT_BALANCER_H

#include "conf/conf.h"
#include "gateway/client/clients.h"
#include "net/tcp.h"

/* Is it from one of these networks (CIDR)? */
MUST_USE bool balancer_is(const struct conf_texts *networks, const struct net_address *peer);

/* `socket` belongs to it, positioned behind the header; `client`: whom it told, or itself. ctx: the clients. */
typedef void balancer_passed_fn(void *ctx, struct net_stream *socket, const struct net_address *client);

/* Takes `socket` and reads its header, which must come within five seconds; what is none is closed, and logged. Until
 * then the connection takes a place, as a stranger of the balancer's address. */
void balancer_ask(struct gateway_clients *all, struct net_stream *socket, const struct net_address *balancer,
                  balancer_passed_fn *passed);

#endif
