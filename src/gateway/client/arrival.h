/* SPDX-License-Identifier: Apache-2.0 */
/* A client's connection between its handshake and its first request, while its certificates are judged in the pool or
 * an OCSP responder is asked about them: nothing of it is read, and no worker waits. Whatever comes of it, it goes on
 * after ARRIVAL_MS. */
#ifndef GATEWAY_CLIENT_ARRIVAL_H
#define GATEWAY_CLIENT_ARRIVAL_H

#include "gateway/client/clients.h"
#include "net/address.h"

/* As gateway_connection_new, now or later. */
void gateway_arrive(struct gateway_clients *all, struct net_stream *stream, const struct net_address *peer,
                    struct crowd_member *handshake);

#endif
