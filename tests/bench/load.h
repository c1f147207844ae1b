/* SPDX-License-Identifier: Apache-2.0 */
/*
 * cmg-load: drives a TLS server with client certificates and tells what that cost. One thread, epoll; OpenSSL, llhttp
 * and nghttp2 straight, without src/net, src/tls and src/http: what is measured is not measured by itself, and the
 * generator stays cheap enough for one core to fill another.
 *
 *     load.c ─► connection.c (socket, TLS) ─► h1.c or h2.c (requests, answers) ─► load_answered() ─► histogram.c
 *                                                                        watch.c: CPU and memory of the measured
 */
#ifndef BENCH_LOAD_H
#define BENCH_LOAD_H

#include <netinet/in.h>
#include <openssl/ssl.h>

#include "base/buf.h"
#include "base/error.h"
#include "histogram.h"

enum {
    LOAD_CONNECTIONS_MAX = 65536,
    LOAD_STREAMS_MAX = 256,
    LOAD_CERTIFICATES_MAX = 1024,
    LOAD_OUT_MAX = 256 * 1024, /* bytes that a connection may have waiting */
    LOAD_FAULT_SIZE = 256,
};

enum load_mode { LOAD_KEEP_ALIVE, LOAD_HANDSHAKE, LOAD_RESUME, LOAD_IDLE };

/* What every connection is the same in. */
struct load {
    enum load_mode mode;
    struct sockaddr_in server;
    const char *name;      /* for SNI and the certificate */
    const char *authority; /* Host */
    const char *target;
    const char *token_header;      /* "Bearer …" for Authorization, or NULL */
    struct slice request;          /* HTTP/1.1: its bytes */
    uint64_t body;                 /* bytes that each answer must have */
    unsigned streams;              /* HTTP/2: at once on a connection */
    uint64_t interval;             /* ns between requests, whether or not answers come; 0: each as soon as it can go */
    uint64_t paced_from, paced;    /* the n-th request is due n intervals after this instant */
    struct load_connection **idle; /* those that wait for their turn */
    size_t idle_count;
    bool h2;
    SSL_CTX *tls;
    X509 *certificates[LOAD_CERTIFICATES_MAX]; /* of the same key; connection n shows the n-th, and so on in turn */
    size_t certificate_count;
    int epoll;

    bool holding; /* all connections are opened first */
    bool measuring, ending;
    uint64_t requests, errors, opened, resumed; /* counted while measuring, errors always */
    unsigned established;                       /* connections now */
    struct histogram latency;
    char first_fault[LOAD_FAULT_SIZE];
};

struct load_protocol; /* h1.c or h2.c */

enum load_state { LOAD_CONNECTING, LOAD_SHAKING, LOAD_OPEN, LOAD_CLOSED };

struct load_connection {
    struct load *load;
    unsigned number;
    enum load_state state;
    int fd;
    bool wants_write, renew; /* renew: this exchange was the connection's last */
    SSL *ssl;
    SSL_SESSION *session; /* the newest that this slot was given */
    struct buf out;       /* not taken by TLS yet */
    uint64_t began;       /* ns: when the connection was begun */
    struct load_protocol *protocol;
};

uint64_t load_now(void); /* monotonic nanoseconds */

/* --- connection.c --- */
void connection_open(struct load_connection *c);
void connection_close(struct load_connection *c);
void connection_event(struct load_connection *c, uint32_t events);
void connection_write(struct load_connection *c, struct slice data); /* gathers; goes when the event was handled */
void connection_flush(struct load_connection *c);
/* This connection's fault: counted, and the connection begins anew while the run lasts. */
void connection_fail(struct load_connection *c, const char *fmt, ...) PRINTF_LIKE(2, 3);
SSL_CTX *connection_context(const char *ca, bool h2, bool tls12, struct error *err);
enum result connection_add_certificates(struct load *l, const char *file, const char *key, struct error *err);

/* --- a protocol: h1.c, h2.c --- */
struct load_protocol *h1_new(struct load_connection *c);
void h1_free(struct load_protocol *p);
void h1_ask(struct load_protocol *p); /* fills the connection with requests */
void h1_feed(struct load_protocol *p, struct slice data);

struct load_protocol *h2_new(struct load_connection *c);
void h2_free(struct load_protocol *p);
void h2_ask(struct load_protocol *p);
void h2_feed(struct load_protocol *p, struct slice data);

/* The connection is open: it asks, or waits for its turn. */
void load_ready(struct load_connection *c);
void load_gone(const struct load_connection *c);
/* When the request that is made now should have gone: latency counts from there (no coordinated omission). */
uint64_t load_due(const struct load *l);

/* One answer is whole. True: ask again on this connection. False: it idles, or `renew` is set. */
bool load_answered(struct load_connection *c, uint64_t asked_at, int status, uint64_t body);

#endif
