/* SPDX-License-Identifier: Apache-2.0 */
/* A TLS connection's state, shared by the files of src/tls that drive it: handshake.c before, stream.c after. */
#ifndef TLS_FILTER_H
#define TLS_FILTER_H

#include "tls/bio.h"
#include "tls/context_internal.h"
#include "tls/stream.h"

enum {
    TLS_RECORD_MAX = 16384,         /* RFC 8446 5.1 */
    TLS_HELLO_MAX = 64 * 1024,      /* bytes before a ClientHello is whole */
    TLS_OUT_MAX = 64 * 1024 * 1024, /* far above what the stream below is ever congested with */
    TLS_PENDING_MAX = 1024 * 1024,  /* ciphertext kept while paused: at most one read of the socket */
};

struct tls_handshake {
    struct net_stream stream; /* what the owner sees, once established */
    struct net_stream *below;
    struct loop *loop;
    SSL *ssl;
    struct tls_context *context; /* a reference, once chosen */
    struct tls_bio ends;

    /* handshake */
    bool is_server, established, detached;
    const struct tls_accept_events *accept_events;
    const struct tls_connect_events *connect_events;
    void *handshake_ctx;
    struct loop_timer *limit;
    struct buf hello; /* every byte read until the ClientHello has chosen a context */
    bool hello_done;
    struct error verify_error; /* a judge's words */
    int alert;                 /* the last alert received, -1: none */

    /* stream */
    struct buf plain;   /* gathered: one record's worth at most */
    struct buf pending; /* ciphertext that came with more plaintext than a paused owner took */
    struct loop_deferred flush, restart;
    bool paused, congested, read_ended, write_ended, dead;

    unsigned busy; /* callbacks that are on the C stack: the memory stays until they have returned */
    bool closed;
};

/* While busy, the struct may not be freed; leave() frees it when it was closed meanwhile. False: it is gone. */
void tls_filter_enter(struct tls_handshake *t);
MUST_USE bool tls_filter_leave(struct tls_handshake *t);
void tls_filter_close(struct tls_handshake *t);

/* Gives what OpenSSL has written to the stream below. */
void tls_filter_send(struct tls_handshake *t);

/* stream.c takes over after the handshake: becomes a net_stream; then, with its owner there, reads what came behind the
 * handshake in the same piece (`ends.in`). */
void tls_stream_prepare(struct tls_handshake *t);
void tls_stream_start(struct tls_handshake *t);

/* What went wrong, in words: the judge's, the alert's, OpenSSL's. */
void tls_filter_error(struct tls_handshake *t, struct error *ret);

#endif
