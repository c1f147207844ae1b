/* SPDX-License-Identifier: Apache-2.0 */
/* A client's connection after its TLS handshake: what it proved there, and the requests of it that are under way. */
#ifndef GATEWAY_CLIENT_CONNECTION_H
#define GATEWAY_CLIENT_CONNECTION_H

#include "gateway/client/clients.h"
#include "gateway/judge/client.h"
#include "http/server.h"

struct relay;
LIST_HEAD(relays, relay);

struct gateway_connection {
    LIST_ENTRY(gateway_connection) link;
    struct gateway_clients *clients;
    struct http_server_conn *http;
    struct judge_client client; /* what it showed, and what let its requests in */
    struct slice sni;           /* borrows from the stream below http; empty: none was sent */
    struct relays relays;
    struct crowd_member stranger;   /* until a request was let in */
    struct crowd_member long_chain; /* the same, of one that showed more than devices do */
    struct crowd_member of_device;  /* from then on: of the device that sent it */

    bool closing;
};

/* Takes `stream` (an established TLS stream that is no tunnel), what it proved, and the place of its handshake among
 * the strangers. */
void gateway_connection_new(struct gateway_clients *all, struct net_stream *stream, const struct credential *shown,
                            const struct net_address *peer, struct crowd_member *handshake);

/* The gateway ends: it takes one more request at most, and ends with those that are under way. */
void gateway_connection_drain(struct gateway_connection *c);

/* One of its requests was let in, `device` sent it. false: that one holds too many connections. */
MUST_USE bool gateway_connection_known(struct gateway_connection *c, const char *device);

/* Ends those whose verdict no longer holds, from all->sweep_next on: a few milliseconds' worth of them, for a new
 * snapshot means a new verdict on each, and requests wait meanwhile. false: there are more. */
bool gateway_connections_sweep(struct gateway_clients *all, int64_t now);

#endif
