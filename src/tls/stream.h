/* SPDX-License-Identifier: Apache-2.0 */
/* The TLS filter: a net_stream on a net_stream, OpenSSL between them, without a socket of its own. */
#ifndef TLS_STREAM_H
#define TLS_STREAM_H

#include "loop/loop.h"
#include "net/stream.h"
#include "tls/context.h"

struct tls_handshake; /* under way; becomes a net_stream or a failure */

/* What a ClientHello asked for, before anything was answered. Borrowed for the call. */
struct tls_hello {
    struct slice sni;       /* empty: none sent */
    struct slice alpn_wire; /* the ProtocolNameList's entries, each with its length byte (RFC 7301 3.1); empty: none */
};
MUST_USE bool tls_hello_offers_only(const struct tls_hello *h, const char *protocol); /* ALPN is exactly this one */

struct tls_accept_events {
    /* Chooses the context for this ClientHello (borrowed; the filter takes a reference). NULL: give the connection up
     * unanswered; on_detach then gets the socket. Called inside OpenSSL: decide only, touch nothing. */
    struct tls_context *(*on_hello)(void *ctx, const struct tls_hello *hello);
    /* The socket and every byte read so far, for another worker (net_tcp_detach; the bytes go to net_tcp_adopt). */
    void (*on_detach)(void *ctx, struct net_stream *below, struct slice already_read);
    /* Done: `stream` belongs to the callback, which sets its events before it returns. */
    void (*on_ready)(void *ctx, struct net_stream *stream);
    /* Failed or timed out: everything is closed. */
    void (*on_fail)(void *ctx, const struct error *why);
    /* NULL allowed: the client shows so many bytes of certificates, which are about to be read. Inside OpenSSL, too. */
    void (*on_certificates)(void *ctx, size_t bytes);
    /* NULL allowed: the client chose a dear group for the keys, which cost as much CPU as so many more handshakes.
     * Inside OpenSSL, too. */
    void (*on_dear_group)(void *ctx, size_t handshakes);
};

/* Takes `below`. Exactly one of on_detach, on_ready, on_fail comes, later. */
struct tls_handshake *tls_accept(struct loop *loop, struct net_stream *below, uint64_t timeout_ms,
                                 const struct tls_accept_events *events, void *ctx);

struct tls_connect_events {
    void (*on_ready)(void *ctx, struct net_stream *stream);
    void (*on_fail)(void *ctx, const struct error *why);
};
/* Takes `below`; `name` goes into SNI and is checked against the certificate unless the context has a judge of its own;
 * an IP literal is checked against iPAddress and not sent. NULL: neither. */
struct tls_handshake *tls_connect(struct loop *loop, struct net_stream *below, struct tls_context *context,
                                  const char *name, uint64_t timeout_ms, const struct tls_connect_events *events,
                                  void *ctx);

/* Right after tls_connect: offers `protocol` (at most 31 bytes) and no other by ALPN, whatever the context says. */
void tls_handshake_offer_only(struct tls_handshake *h, const char *protocol);

/* Closes everything, no callback; NULL allowed. */
void tls_handshake_cancel(struct tls_handshake *h);

/* --- of an established stream that tls_accept or tls_connect made --- */
struct slice tls_stream_alpn(const struct net_stream *s); /* empty: none */
struct slice tls_stream_sni(const struct net_stream *s);
X509 *tls_stream_peer(const struct net_stream *s); /* borrowed; NULL: none shown */
STACK_OF(X509) * tls_stream_peer_chain(
                     const struct net_stream *s); /* borrowed, leaf first when a server's or client's; may be NULL */
bool tls_stream_resumed(const struct net_stream *s);
/* Is the peer's alert "certificate required" (116) what broke it? For on_close's owner. */
bool tls_stream_alert_certificate_required(const struct net_stream *s);

#endif
