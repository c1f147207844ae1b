/* SPDX-License-Identifier: Apache-2.0 */
/* Connections to a management point: TLS with an optional client certificate, then HTTP/1.1 or HTTP/2. */
#ifndef MP_SERVER_LISTENER_H
#define MP_SERVER_LISTENER_H

#include <openssl/x509.h>

#include "http/server.h"
#include "mp/server/point.h"
#include "pki/trust.h"

struct mp_connection {
    struct mp_site *site;
    struct mp_point *point;
    struct mp_connection *next, **link; /* of the point */
    struct crowd_member stranger;       /* until it is known */
    struct net_stream *stream;          /* the TLS stream, of `http` */
    struct tls_handshake *handshake;    /* until it is done */
    struct mp_judging *judging;         /* while its certificate is judged, before the first request */
    struct http_server_conn *http;      /* from then on */
    char peer[NET_ADDRESS_TEXT];
    char host[NET_ADDRESS_TEXT];     /* of it alone, for the log */
    char group[NET_ADDRESS_TEXT];    /* it, or its IPv6 /64: whom a stranger's share is counted against */
    size_t bodies;                   /* bytes of those of its requests that nobody vouched for */
    X509 *certificate;               /* what the peer showed; NULL: none */
    STACK_OF(X509) * chain;          /* borrowed from the stream */
    char connector[PKI_ROLE_ID_MAX]; /* of its role certificate; "": it showed none */
    struct pki_trust *judged_by;     /* that `verdict` on the certificate is by; own reference, NULL: none yet */
    struct pki_verdict verdict;
};

MUST_USE enum result mp_listener_open(struct mp_point *p, struct error *err);
/* A request of it was let in, or it is a connector's: it makes room for nobody any more. NULL allowed. */
void mp_listener_known(struct mp_connection *c);
/* A request of it was refused. Of a stranger whose address is refused too often it is the last one that is read. NULL
 * allowed. */
void mp_listener_refused(struct mp_connection *c);
/* Closes the listener and every connection. */
void mp_listener_close(struct mp_point *p);

#endif
