/* SPDX-License-Identifier: Apache-2.0 */
/*
 * An established TLS connection as a net_stream. Small writes are gathered into one record until the end of the loop's
 * iteration, and the records leave with one system call; what was read is decrypted into a buffer of the loop's and
 * goes up in one piece. An idle connection holds no buffer.
 */
#include <stdlib.h>

#include <openssl/err.h>

#include "loop/watch.h"
#include "tls/filter.h"

static struct tls_handshake *self(const struct net_stream *s)
{
    return container_of(s, struct tls_handshake, stream);
}

/* OpenSSL judges a call by its thread's queue of errors, which must be empty before. It nearly always is, and looking
 * is cheaper than clearing. */
static void forget_errors(void)
{
    if (ERR_peek_error() != 0)
        ERR_clear_error();
}

static void die(struct tls_handshake *t, const struct error *why)
{
    if (t->dead || t->closed)
        return;
    t->dead = true;
    loop_defer_cancel(&t->flush);
    loop_defer_cancel(&t->restart);
    tls_bio_send(&t->ends); /* the alert */
    net_stream_pause(t->below);
    t->stream.events->on_close(t->stream.ctx, why);
}

static void die_of(struct tls_handshake *t, enum result code, const char *text)
{
    struct error why;
    (void)error_set(&why, code, "%s", text);
    die(t, &why);
}

static void die_by_openssl(struct tls_handshake *t)
{
    struct error why;
    tls_filter_error(t, &why);
    die(t, &why);
}

/* --- reading --- */

static bool may_read(const struct tls_handshake *t)
{
    return !t->closed && !t->dead && !t->paused && !t->read_ended;
}

/* Nothing left to read, neither here nor in OpenSSL: asking it would only allocate its 16 KiB, to say WANT_READ. */
static bool used_up(const struct tls_handshake *t)
{
    return t->ends.in.len == 0 && SSL_has_pending(t->ssl) != 1;
}

/* Fills `plain` with as many records as fit. SSL_ERROR_NONE: it is full, there may be more. */
static int read_records(struct tls_handshake *t, char *plain, size_t *ret_len)
{
    size_t n;
    *ret_len = 0;
    while (LOOP_SCRATCH_SIZE - *ret_len >= TLS_RECORD_MAX) {
        forget_errors();
        if (SSL_read_ex(t->ssl, plain + *ret_len, LOOP_SCRATCH_SIZE - *ret_len, &n) != 1)
            return SSL_get_error(t->ssl, 0);
        *ret_len += n;
        if (used_up(t))
            return SSL_ERROR_WANT_READ;
    }
    return SSL_ERROR_NONE;
}

static void end_reading(struct tls_handshake *t, int error)
{
    if (t->closed || t->dead || t->read_ended || error == SSL_ERROR_WANT_READ || error == SSL_ERROR_NONE)
        return;
    if (error == SSL_ERROR_ZERO_RETURN) {
        t->read_ended = true;
        t->stream.events->on_end(t->stream.ctx);
    } else {
        die_by_openssl(t);
    }
}

/* Takes records out of ends.in until it is used up, or the owner pauses, or closes. An error that was found behind data
 * is OpenSSL's to keep: a paused owner gets it after resuming, for the next SSL_read says the same. */
static void decrypt(struct tls_handshake *t)
{
    struct loop *loop = t->loop;
    char *plain = loop_scratch_take(loop);
    int error = SSL_ERROR_NONE;
    size_t len;
    while (error == SSL_ERROR_NONE && may_read(t)) {
        error = read_records(t, plain, &len);
        if (len)
            t->stream.events->on_data(t->stream.ctx, slice_make(plain, len));
    }
    loop_scratch_give(loop, plain);
    if (t->paused && error != SSL_ERROR_WANT_READ && error != SSL_ERROR_NONE)
        t->read_error = error;
    else
        end_reading(t, error);
    if (t->nuisance)
        die_of(t, R_LIMIT, t->nuisance);
}

/* What a paused owner did not take waits; the stream below is paused with it, so that it is little. */
static void keep_rest(struct tls_handshake *t, struct slice rest)
{
    if (t->closed || t->dead || t->read_ended || buf_append(&t->pending, rest) == OK)
        return;
    die_of(t, R_LIMIT, "too many bytes wait for a paused reader");
}

static void truncated(struct tls_handshake *t)
{
    if (!t->read_ended)
        die_of(t, R_EOF, "the peer closed without close_notify");
}

static void take(struct tls_handshake *t, struct slice data)
{
    t->ends.in = data;
    decrypt(t);
    keep_rest(t, t->ends.in);
    t->ends.in = SLICE_NONE;
    if (!t->closed && !t->dead && buf_len(&t->plain) == 0)
        tls_bio_send(&t->ends); /* answers to key updates; else the flush brings them */
}

static void on_data(void *ctx, struct slice data)
{
    struct tls_handshake *t = ctx;
    tls_filter_enter(t);
    if (buf_len(&t->pending) || t->paused)
        keep_rest(t, data);
    else
        take(t, data);
    (void)tls_filter_leave(t);
}

static void on_end(void *ctx)
{
    struct tls_handshake *t = ctx;
    t->below_ended = true;
    if (!t->paused && buf_len(&t->pending) == 0)
        truncated(t);
}

static void on_drain(void *ctx)
{
    struct tls_handshake *t = ctx;
    t->noise = 0;
    if (!t->dead)
        t->stream.events->on_drain(t->stream.ctx);
}

static void on_close(void *ctx, const struct error *why)
{
    die(ctx, why);
}

static const struct net_stream_events below_events = {on_data, on_end, on_drain, on_close};

/* After a resume, from the loop: first what waits here, then the stream below may bring more. */
static void on_restart(void *arg)
{
    struct tls_handshake *t = arg;
    struct buf waiting = t->pending;
    int error = t->read_error;
    if (t->paused)
        return;
    buf_init(&t->pending, TLS_PENDING_MAX);
    t->read_error = SSL_ERROR_NONE;
    tls_filter_enter(t);
    if (error != SSL_ERROR_NONE)
        end_reading(t, error);
    else
        take(t, buf_data(&waiting));
    buf_free(&waiting);
    if (!t->closed && !t->dead && !t->paused) {
        if (t->below_ended)
            truncated(t);
        else
            net_stream_resume(t->below);
    }
    (void)tls_filter_leave(t);
}

/* --- writing --- */

/* The BIO always takes: a failure is the connection's end, told from the loop. What it was is not asked, so that the
 * queue of errors need not be looked at before. */
static void encrypt(struct tls_handshake *t, struct slice data)
{
    while (data.len && !t->write_failed) {
        size_t n = 0;
        t->write_failed = SSL_write_ex(t->ssl, data.ptr, data.len, &n) != 1;
        data = slice_skip(data, n);
    }
    if (t->write_failed)
        ERR_clear_error();
}

static void push(struct tls_handshake *t)
{
    encrypt(t, buf_data(&t->plain));
    buf_free(&t->plain);
    tls_bio_send(&t->ends);
}

static void on_flush(void *arg)
{
    struct tls_handshake *t = arg;
    push(t);
    if (t->write_failed)
        die_of(t, R_IO, "TLS can't be written to any more");
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
        if (part.len == TLS_RECORD_MAX) {
            encrypt(t, part); /* a whole record: no copy */
            continue;
        }
        (void)!buf_append(&t->plain, part); /* fits: see `room` */
        if (buf_len(&t->plain) == TLS_RECORD_MAX) {
            encrypt(t, buf_data(&t->plain));
            buf_consume(&t->plain, TLS_RECORD_MAX);
        }
    }
    loop_defer(t->loop, &t->flush);
}

static void stream_send(struct net_stream *s, struct slice data)
{
    struct tls_handshake *t = self(s);
    if (t->dead || t->write_ended)
        return;
    encrypt(t, buf_data(&t->plain));
    buf_free(&t->plain);
    encrypt(t, data);
    tls_bio_send(&t->ends);
    if (t->write_failed)
        loop_defer(t->loop, &t->flush); /* which says so, from the loop */
}

/* Congested exactly when the stream below is, for its on_drain is ours. */
static size_t stream_queued(const struct net_stream *s)
{
    const struct tls_handshake *t = self(s);
    if (!t->below)
        return 0;
    size_t here = buf_len(&t->plain) + t->ends.out_len, below = net_stream_queued(t->below);
    return below <= NET_STREAM_HIGH && below + here > NET_STREAM_HIGH ? NET_STREAM_HIGH : below + here;
}

static void stream_pause(struct net_stream *s)
{
    struct tls_handshake *t = self(s);
    t->paused = true;
    loop_defer_cancel(&t->restart);
    if (!t->dead)
        net_stream_pause(t->below);
}

static void stream_resume(struct net_stream *s)
{
    struct tls_handshake *t = self(s);
    if (!t->paused || t->dead)
        return;
    t->paused = false;
    loop_defer(t->loop, &t->restart);
}

static void notify_close(struct tls_handshake *t)
{
    push(t);
    t->write_ended = true;
    if (!t->write_failed)
        (void)SSL_shutdown(t->ssl);
    forget_errors();
    tls_bio_send(&t->ends);
}

static void stream_shutdown(struct net_stream *s)
{
    struct tls_handshake *t = self(s);
    if (t->dead || t->write_ended)
        return;
    notify_close(t);
    net_stream_shutdown(t->below);
}

static void stream_close(struct net_stream *s)
{
    struct tls_handshake *t = self(s);
    if (!t->dead && !t->write_ended)
        notify_close(t);
    tls_filter_close(t);
}

static const struct net_stream_ops tls_stream_ops = {
    .write = stream_write,
    .send = stream_send,
    .queued = stream_queued,
    .pause = stream_pause,
    .resume = stream_resume,
    .shutdown = stream_shutdown,
    .close = stream_close,
};

void tls_stream_prepare(struct tls_handshake *t)
{
    t->stream.ops = &tls_stream_ops;
    t->flush = (struct loop_deferred){.fn = on_flush, .arg = t};
    t->restart = (struct loop_deferred){.fn = on_restart, .arg = t};
    net_stream_set_events(t->below, &below_events, t);
}

void tls_stream_start(struct tls_handshake *t)
{
    struct slice rest = t->ends.in;
    t->ends.in = SLICE_NONE;
    if (rest.len)
        on_data(t, rest);
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
    if (!t)
        return SLICE_NONE;
    return slice_of(SSL_is_server(t->ssl) ? t->sni : SSL_get_servername(t->ssl, TLSEXT_NAMETYPE_host_name));
}

X509 *tls_stream_peer(const struct net_stream *s)
{
    const struct tls_handshake *t = established(s);
    return t ? SSL_get0_peer_certificate(t->ssl) : NULL;
}

/* A server's OpenSSL keeps a client's leaf apart from the rest. */
static STACK_OF(X509) * whole_chain(SSL *ssl)
{
    STACK_OF(X509) *rest = SSL_get_peer_cert_chain(ssl), *all = sk_X509_new_null();
    X509 *leaf = SSL_get0_peer_certificate(ssl);
    bool ok = all && (!rest || sk_X509_num(rest) == 0 || sk_X509_value(rest, 0) == leaf ||
                      X509_add_cert(all, leaf, X509_ADD_FLAG_UP_REF) == 1);
    ok = ok && (!rest || X509_add_certs(all, rest, X509_ADD_FLAG_UP_REF) == 1);
    ok = ok && (sk_X509_num(all) > 0 || X509_add_cert(all, leaf, X509_ADD_FLAG_UP_REF) == 1);
    if (!ok)
        fatal("OpenSSL: out of memory");
    return all;
}

STACK_OF(X509) * tls_stream_peer_chain(const struct net_stream *s)
{
    struct tls_handshake *t = s->ops == &tls_stream_ops ? self(s) : NULL;
    if (!t || !SSL_get0_peer_certificate(t->ssl))
        return NULL;
    if (!t->chain)
        t->chain = whole_chain(t->ssl);
    return t->chain;
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
