/* SPDX-License-Identifier: Apache-2.0 */
/* A management point as this process serves it: its TLS context, its listener, its record and endpoints in the store.
 */
#ifndef MP_SERVER_POINT_H
#define MP_SERVER_POINT_H

#include "base/limit/crowd.h"
#include "http/server.h"
#include "mp/site.h"
#include "net/tcp.h"
#include "tls/identity_file.h"

struct mp_connection;

/* Takes a new exchange of `c`. */
typedef void mp_point_request_fn(struct mp_connection *c, struct http_exchange *x);

struct mp_point {
    struct mp_site *site;
    const struct mp_config_point *config;
    mp_point_request_fn *on_request;
    struct tls_context *context; /* the newest; connections keep theirs */
    int64_t not_after;           /* of its certificate */
    struct tls_identity_look look;
    int noticed; /* days before its end, last told; -1: not yet */
    struct net_listener *listener;
    LIST_HEAD(, mp_connection) connections;
    size_t connection_count;  /* of them, handshakes too */
    size_t places;            /* so many it may be */
    struct crowd *strangers;  /* those who are neither a connector nor were let in */
    struct crowd *devices;    /* those who were let in and are no connector, by device */
    struct loop_timer *pulse; /* ends strangers who stay too long */
};

MUST_USE enum result mp_point_open(struct mp_point *p, struct mp_site *site, const struct mp_config_point *config,
                                   mp_point_request_fn *on_request, struct error *err);
void mp_point_close(struct mp_point *p); /* after mp_listener_close, and when its connections are gone */

#endif
