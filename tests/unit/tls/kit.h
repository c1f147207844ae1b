/* SPDX-License-Identifier: Apache-2.0 */
/* For the tests of src/tls: certificates made on the spot, and a server and a client joined over loopback in one loop.
 */
#ifndef TEST_TLS_KIT_H
#define TEST_TLS_KIT_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include "base/buf.h"
#include "net/tcp.h"
#include "tls/stream.h"

/* --- certificates --- */

struct kit_identity {
    char *certificate, *key; /* PEM */
    X509 *x509;
    EVP_PKEY *pkey;
};
/* A P-256 certificate for the DNS name (and 127.0.0.1); issuer NULL: self-signed CA. Valid from now + from_s for
 * to_s. */
struct kit_identity kit_identity_new(const char *name, const struct kit_identity *issuer, long from_s, long to_s);
/* The same for a key of the caller's choice, which it takes. */
struct kit_identity kit_identity_of_key(EVP_PKEY *key, const char *name, const struct kit_identity *issuer, long from_s,
                                        long to_s);
void kit_identity_free(struct kit_identity *i);
struct tls_identity kit_identity_pem(const struct kit_identity *i);

/* --- two ends --- */

struct kit;

struct kit_end {
    struct kit *kit;
    struct tls_handshake *handshake;
    struct net_stream *stream;
    bool ready, failed, ended, closed, drained, full;
    bool close_in_ready, close_in_data, close_in_end, pause_in_data, pause_in_ready;
    struct error why;  /* of failed or closed */
    struct buf got;    /* the first MiB that came */
    size_t total;      /* all that came */
    unsigned long sum; /* of its bytes, with their places */
};

struct kit {
    struct loop *loop;
    struct net_listener *listener;
    struct net_dial *dial;
    uint16_t port;
    struct kit_end server, client;
    struct tls_context *(*on_hello)(struct kit *k, const struct tls_hello *hello); /* NULL: server_context */
    struct tls_context *server_context, *client_context;                           /* client NULL: plain TCP */
    const char *name;                                                              /* that the client asks for */
    char sni[64], alpn[64];                                                        /* of the ClientHello */
    uint64_t timeout_ms;
    struct net_stream *detached; /* taken in on_detach */
    struct buf detached_bytes;
    unsigned hellos;
    size_t dear;         /* handshakes more that the group costs */
    bool cancel_at_once; /* the client's handshake */
};

void kit_init(struct kit *k);
void kit_done(struct kit *k);      /* closes and frees all of it, the contexts too */
void kit_hang_up(struct kit *k);   /* closes both ends, ready for another connection */
void kit_connect(struct kit *k);   /* starts a connection */
void kit_handshake(struct kit *k); /* … and waits until both are ready */

/* Runs the loop until the condition holds; fails the test after ten seconds. */
typedef bool kit_condition(struct kit *k);
void kit_run_until(struct kit *k, kit_condition *condition, const char *what);
#define KIT_RUN_UNTIL(k, condition) kit_run_until((k), (condition), #condition)
void kit_run_for(struct kit *k, uint64_t ms);

bool kit_both_ready(struct kit *k);
bool kit_server_ready(struct kit *k);
bool kit_server_failed(struct kit *k);
bool kit_client_failed(struct kit *k);
bool kit_client_closed(struct kit *k);
bool kit_server_closed(struct kit *k);
bool kit_client_ended(struct kit *k);
bool kit_server_ended(struct kit *k);

void kit_write(struct kit_end *e, const char *text);
void kit_assert_got(struct kit_end *e, const char *text);

/* Contexts of an identity, with what a test does not care about filled in. */
struct tls_context *kit_server_context(const struct tls_server_options *o);
struct tls_context *kit_client_context(const struct tls_client_options *o);

#endif
