/* SPDX-License-Identifier: Apache-2.0 */
/* Connections to a management point: TLS with an optional client certificate, then HTTP/1.1 or HTTP/2. */
#ifndef MP_SERVER_LISTENER_H
#define MP_SERVER_LISTENER_H

#include <bsd/sys/queue.h>

#include "http/server.h"
#include "mp/sender/peer.h"
#include "mp/server/point.h"

struct mp_connection {
    struct mp_point *point;
    LIST_ENTRY(mp_connection) others; /* of the point */
    struct mp_peer peer;
    struct crowd_member stranger;    /* until it is known */
    struct crowd_member of_device;   /* from then on, of who asks for itself */
    struct net_stream *stream;       /* the TLS stream, of `http` */
    struct tls_handshake *handshake; /* until it is done */
    struct http_server_conn *http;   /* once its certificate is judged */
    char host[NET_ADDRESS_TEXT];     /* its address without the port, for the log */
    size_t bodies;                   /* bytes of those of its requests that nobody vouched for */
};

MUST_USE enum result mp_listener_open(struct mp_point *p, struct error *err);
/* A request of it was let in, which `device` sent: it makes room for other devices alone, and ends when that one holds
 * its share of connections and none of them is idle. `device` NULL: it is a connector's, which makes room for nobody.
 * `c` NULL allowed. */
void mp_listener_known(struct mp_connection *c, const char *device);
/* A request of it was refused. Of a stranger whose address is refused too often it is the last one that is read. NULL
 * allowed. */
void mp_listener_refused(struct mp_connection *c);
/* No new connections; the old ones end with what is under way on them. */
void mp_listener_drain(struct mp_point *p);
/* Closes the listener and every connection. */
void mp_listener_close(struct mp_point *p);

#endif
