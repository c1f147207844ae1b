/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A worker's clients without sockets: what comes after a TLS handshake is a struct of the test, the HTTP server on it
 * remembers what it was told, requests are askers (way.h), and one tunnel leads inside. judge/responder.h is linked
 * from here, http_server_conn_new and some of tls/stream.h with --wrap; loop and clocks are the tests' own.
 */
#ifndef TEST_GATEWAY_FLOOR_H
#define TEST_GATEWAY_FLOOR_H

#include "../http/fake_clock.h"
#include "../http/fake_loop.h"
#include "fake_trust.h"
#include "gateway/client/admission.h"
#include "gateway/client/arrival.h"
#include "gateway/client/connection.h"
#include "gateway/judge/responder.h"
#include "gateway/request/request.h"
#include "http/server_face.h"
#include "kit.h"
#include "served.h"
#include "way.h"

struct fake_http {
    struct http_server_conn face;
    const struct http_server_events *events;
    void *owner;
    struct net_stream *stream;
    bool h2, let_in, stopped, closed;
    size_t exchanges; /* under way, as the test says */
};

/* Who has come: a stream that stands on nothing, and what became of it. */
struct visitor {
    struct net_stream stream;
    struct floor *floor;
    const char *alpn, *sni;
    STACK_OF(X509) * shown; /* leaf first; NULL: nothing */
    bool resumed;
    struct crowd_member handshake;
    bool paused, closed;
    struct fake_http *http; /* NULL: it is held yet, or gone */
    bool gone;              /* its connection is over */
    struct visitor *next;
};

/* What the responder was asked; the test answers. */
struct fake_responder {
    bool named;
    unsigned asked;
    struct loop *loop;
    loop_fn *done; /* of the last one; NULL: none waits */
    void *arg;
    struct pki_ocsp_answer answer; /* of all */
};
extern struct fake_responder fake_responder;

enum { FLOOR_REQUESTS_PER_DEVICE = 3 };

struct floor {
    struct kit *k;
    struct loop *loop;
    struct gateway_config config;
    struct gateway_places places;
    struct gateway_clients clients;
    struct request_desk desk;
    struct tunnel inside;
    struct gateway_tunnels tunnels;
    struct snapshot_current current;
    struct served served; /* gw.example and own.example have certificates of their own */
    struct visitor *visitors;
};

/* For cmocka: the state is a floor with a fresh bundle, whose tunnel reaches all endpoints of the kit. */
int floor_setup(void **state);
int floor_teardown(void **state);

void floor_pass(struct floor *f, uint64_t ms);
void floor_heard(struct floor *f); /* the site, now */

/* Came through the listener: NULL, it was turned away. It shows these certificates (leaf first, `count`). */
struct visitor *floor_arrive(struct floor *f, const char *address, X509 *const *shown, size_t count);
/* The same, and its connection stands. */
struct visitor *floor_come(struct floor *f, const char *address, const struct pair *shown);
struct gateway_connection *floor_connection(const struct visitor *v);
/* Its request came, and what was done about it at once: the caller frees the asker. */
struct asker *floor_ask(struct visitor *v, const char *method, const char *authority, const char *target);
void floor_send(struct visitor *v, struct asker *a); /* one that was made before */
void floor_leave(struct visitor *v);                 /* the client closes */

long long floor_away(const struct floor *f, enum gateway_away why);
long long floor_refused(const struct floor *f, enum verdict_reason reason);

#endif
