/* SPDX-License-Identifier: Apache-2.0 */
/* A TLS connection's state, shared by the files of src/tls that drive it: handshake.c before, stream.c after. */
#ifndef TLS_FILTER_H
#define TLS_FILTER_H

#include "base/buf.h"
#include "base/limit/bucket.h"
#include "tls/bio.h"
#include "tls/context_internal.h"
#include "tls/stream.h"

enum {
    TLS_RECORD_MAX = 16384,        /* RFC 8446 5.1 */
    TLS_HELLO_MAX = 64 * 1024,     /* bytes before a ClientHello is whole */
    TLS_PENDING_MAX = 1024 * 1024, /* ciphertext kept while paused: at most one read of the socket */
    TLS_NOISE_MAX = 256,           /* key updates and the like that are answered to a peer who does not read */
};

/* What only the way to an established stream needs. */
struct tls_opening {
    const struct tls_accept_events *accept_events; /* a server's */
    const struct tls_connect_events *connect_events;
    void *ctx;
    struct loop_timer *limit;
    struct buf hello; /* every byte read until the ClientHello has chosen a context */
    struct slice fed; /* the piece that is being read */
    bool hello_done;
    bool answered;           /* the peer sent something */
    char clear[80];          /* the first line of its answer in clear instead of TLS; "": none came */
    struct error refused;    /* why the peer's hello or certificates are not taken; code OK: they are */
    size_t certificates_len; /* octets of the certificates that a client showed, as they came */
};

struct tls_handshake {
    struct net_stream stream; /* what the owner sees, once established */
    struct net_stream *below; /* the same as ends.below; NULL once it is closed or handed over */
    struct loop *loop;
    SSL *ssl;
    struct tls_context *context; /* a reference, once chosen */
    struct tls_bio ends;
    struct tls_opening *opening; /* NULL once established */
    struct error *verify_error;  /* a judge's words */
    char *sni;                   /* that a client sent us */
    STACK_OF(X509) * chain;      /* made when somebody asks for it */
    int alert;                   /* the last fatal alert received, -1: none */
    unsigned noise;
    struct bucket key_updates; /* of a server's: a client may ask for some */
    const char *nuisance;      /* why the peer is not read any more; NULL: it is */

    struct buf plain;   /* gathered: one record's worth at most */
    struct buf pending; /* ciphertext that came with more plaintext than a paused owner took */
    struct loop_deferred flush, restart;
    int read_error; /* SSL_ERROR_…: found behind data, told when the owner resumes */
    bool paused, read_ended, write_ended, write_failed, below_ended, dead;

    unsigned busy; /* callbacks that are on the C stack: the memory stays until they have returned */
    bool closed;
};

/* While busy, the struct may not be freed; leave() frees it when it was closed meanwhile. False: it is gone. */
void tls_filter_enter(struct tls_handshake *t);
bool tls_filter_leave(struct tls_handshake *t);
void tls_filter_close(struct tls_handshake *t);

/* stream.c takes over after the handshake: becomes a net_stream; then, with its owner there, reads what came behind the
 * handshake in the same piece (`ends.in`). */
void tls_stream_prepare(struct tls_handshake *t);
void tls_stream_start(struct tls_handshake *t);

/* Inside the callback of a ClientHello. R_LIMIT: one of its lists is longer than anybody's. */
MUST_USE enum result tls_hello_check(SSL *ssl, struct error *err);

/* What went wrong, in words: the judge's, ours of the hello, the alert's, OpenSSL's. Empties OpenSSL's queue of errors.
 */
void tls_filter_error(struct tls_handshake *t, struct error *ret);

#endif
