/* SPDX-License-Identifier: Apache-2.0 */
/* An established TLS connection as a net_stream. Small writes are gathered into one record until the end of the loop's
 * iteration, and leave with one system call. */
#include <stdlib.h>

#include <openssl/err.h>

#include "tls/filter.h"

static struct tls_handshake *self(const struct net_stream *s)
{
    return container_of(s, struct tls_handshake, stream);
}

static void die(struct tls_handshake *t, const struct error *why)
{
    if (t->dead || t->closed)
        return;
    t->dead = true;
    loop_defer_cancel(&t->flush);
    t->stream.events->on_close(t->stream.ctx, why);
}

static void die_by_openssl(struct tls_handshake *t)
{
    struct error why;
    tls_filter_error(t, &why);
    tls_filter_send(t); /* the alert */
    die(t, &why);
}

/* --- reading --- */

static void deliver_end(struct tls_handshake *t)
{
    if (t->read_ended)
        return;
    t->read_ended = true;
    t->stream.events->on_end(t->stream.ctx);
}

/* Takes records out of ends.in until it is used up, or the owner pauses, or closes. */
static void decrypt(struct tls_handshake *t)
{
    static _Thread_local char plain[TLS_RECORD_MAX]; /* one a thread: connections hold none */
    while (!t->closed && !t->dead && !t->paused && !t->read_ended) {
        size_t n;
        ERR_clear_error();
        if (SSL_read_ex(t->ssl, plain, sizeof plain, &n) == 1) {
            t->stream.events->on_data(t->stream.ctx, slice_make(plain, n));
            continue;
        }
        switch (SSL_get_error(t->ssl, 0)) {
        case SSL_ERROR_WANT_READ:
            return;
        case SSL_ERROR_ZERO_RETURN:
            deliver_end(t);
            return;
        default:
            die_by_openssl(t);
            return;
        }
    }
}

/* What a paused owner did not take waits; the stream below is paused with it, so that it is little. */
static void keep_rest(struct tls_handshake *t)
{
    struct error why;
    if (t->closed || t->dead || buf_append(&t->pending, t->ends.in) == OK)
        return;
    (void)error_set(&why, R_LIMIT, "more than %d bytes wait for a paused reader", TLS_PENDING_MAX);
    die(t, &why);
}

static void take(struct tls_handshake *t, struct slice data)
{
    tls_filter_enter(t);
    t->ends.in = data;
    decrypt(t);
    if (t->ends.in.len && !t->read_ended)
        keep_rest(t);
    t->ends.in = SLICE_NONE;
    if (!t->closed && !t->dead)
        tls_filter_send(t); /* answers to key updates */
    (void)!tls_filter_leave(t);
}

static void take_pending(void *arg)
{
    struct tls_handshake *t = arg;
    if (t->paused || t->dead)
        return;
    struct buf waiting = t->pending;
    buf_init(&t->pending, TLS_PENDING_MAX);
    tls_filter_enter(t);
    take(t, buf_data(&waiting));
    buf_free(&waiting);
    if (tls_filter_leave(t) && !t->paused && !t->dead && !t->closed)
        net_stream_resume(t->below);
}

static void on_data(void *ctx, struct slice data)
{
    struct tls_handshake *t = ctx;
    if (buf_len(&t->pending) || t->paused) {
        t->ends.in = data;
        keep_rest(t);
        t->ends.in = SLICE_NONE;
    } else {
        take(t, data);
    }
}

static void on_end(void *ctx)
{
    struct tls_handshake *t = ctx;
    struct error why;
    if (t->read_ended)
        return;
    (void)error_set(&why, R_EOF, "the peer closed without close_notify");
    die(t, &why);
}

static void on_drain(void *ctx)
{
    struct tls_handshake *t = ctx;
    if (!t->congested)
        return;
    t->congested = false;
    t->stream.events->on_drain(t->stream.ctx);
}

static void on_close(void *ctx, const struct error *why)
{
    die(ctx, why);
}

static const struct net_stream_events below_events = {on_data, on_end, on_drain, on_close};

/* --- writing --- */

static void encrypt(struct tls_handshake *t, struct slice data)
{
    while (data.len) {
        size_t n;
        ERR_clear_error();
        if (SSL_write_ex(t->ssl, data.ptr, data.len, &n) != 1) {
            ERR_clear_error(); /* reading reports what broke the connection */
            return;
        }
        data = slice_skip(data, n);
    }
}

static void flush(void *arg)
{
    struct tls_handshake *t = arg;
    if (t->closed || t->dead)
        return;
    encrypt(t, buf_data(&t->plain));
    buf_free(&t->plain);
    tls_filter_send(t);
}

static void stream_write(struct net_stream *s, struct slice data)
{
    struct tls_handshake *t = self(s);
    if (t->dead || t->write_ended)
        return;
    while (data.len) {
        size_t room = TLS_RECORD_MAX - buf_len(&t->plain);
        struct slice part = slice_make(data.ptr, data.len < room ? data.len : room);
        data = slice_skip(data, part.len);
        if (buf_len(&t->plain) == 0 && part.len == TLS_RECORD_MAX) {
            encrypt(t, part); /* a whole record: no copy */
        } else {
            (void)!buf_append(&t->plain, part); /* fits by the line above */
            if (buf_len(&t->plain) < TLS_RECORD_MAX)
                break;
            encrypt(t, buf_data(&t->plain));
            buf_consume(&t->plain, buf_len(&t->plain));
        }
    }
    if (net_stream_congested(s))
        t->congested = true;
    loop_defer(t->loop, &t->flush);
}

static size_t stream_queued(const struct net_stream *s)
{
    const struct tls_handshake *t = self(s);
    return buf_len(&t->plain) + buf_len(&t->ends.out) + (t->below ? net_stream_queued(t->below) : 0);
}

static void stream_pause(struct net_stream *s)
{
    struct tls_handshake *t = self(s);
    t->paused = true;
    loop_defer_cancel(&t->restart);
    if (t->below)
        net_stream_pause(t->below);
}

static void stream_resume(struct net_stream *s)
{
    struct tls_handshake *t = self(s);
    t->paused = false;
    loop_defer(t->loop, &t->restart);
}

static void stream_shutdown(struct net_stream *s)
{
    struct tls_handshake *t = self(s);
    if (t->dead || t->write_ended)
        return;
    flush(t);
    t->write_ended = true;
    (void)SSL_shutdown(t->ssl);
    ERR_clear_error();
    tls_filter_send(t);
    net_stream_shutdown(t->below);
}

static void stream_close(struct net_stream *s)
{
    struct tls_handshake *t = self(s);
    if (!t->dead)
        flush(t);
    if (!t->dead && !t->write_ended) {
        (void)SSL_shutdown(t->ssl);
        ERR_clear_error();
        tls_filter_send(t);
    }
    tls_filter_close(t);
}

static const struct net_stream_ops tls_stream_ops = {stream_write,  stream_queued,   stream_pause,
                                                     stream_resume, stream_shutdown, stream_close};

void tls_stream_prepare(struct tls_handshake *t)
{
    t->stream.ops = &tls_stream_ops;
    t->flush = (struct loop_deferred){.fn = flush, .arg = t};
    t->restart = (struct loop_deferred){.fn = take_pending, .arg = t};
    net_stream_set_events(t->below, &below_events, t);
}

void tls_stream_start(struct tls_handshake *t)
{
    take(t, t->ends.in);
}

/* --- questions --- */

static const struct tls_handshake *established(const struct net_stream *s)
{
    return s->ops == &tls_stream_ops ? self(s) : NULL;
}

struct slice tls_stream_alpn(const struct net_stream *s)
{
    const struct tls_handshake *t = established(s);
    const unsigned char *name = NULL;
    unsigned len = 0;
    if (t)
        SSL_get0_alpn_selected(t->ssl, &name, &len);
    return slice_make(name, len);
}

struct slice tls_stream_sni(const struct net_stream *s)
{
    const struct tls_handshake *t = established(s);
    return t ? slice_of(SSL_get_servername(t->ssl, TLSEXT_NAMETYPE_host_name)) : SLICE_NONE;
}

X509 *tls_stream_peer(const struct net_stream *s)
{
    const struct tls_handshake *t = established(s);
    return t ? SSL_get0_peer_certificate(t->ssl) : NULL;
}

STACK_OF(X509) * tls_stream_peer_chain(const struct net_stream *s)
{
    const struct tls_handshake *t = established(s);
    return t ? SSL_get_peer_cert_chain(t->ssl) : NULL;
}

const char *tls_stream_version(const struct net_stream *s)
{
    const struct tls_handshake *t = established(s);
    return t ? SSL_get_version(t->ssl) : "";
}

bool tls_stream_resumed(const struct net_stream *s)
{
    const struct tls_handshake *t = established(s);
    return t && SSL_session_reused(t->ssl) == 1;
}

bool tls_stream_alert_certificate_required(const struct net_stream *s)
{
    enum { CERTIFICATE_REQUIRED = 116 }; /* RFC 8446 6.2 */
    const struct tls_handshake *t = established(s);
    return t && t->alert == CERTIFICATE_REQUIRED;
}
