/* SPDX-License-Identifier: Apache-2.0 */
/* From a socket to an established TLS stream. */
#include <arpa/inet.h>
#include <pthread.h>
#include <stdlib.h>

#include <openssl/err.h>
#include <openssl/x509v3.h>

#include "base/mem.h"
#include "base/utf8.h"
#include "der/shown.h"
#include "tls/filter.h"
#include "tls/verify.h"

enum { KEY_UPDATES_BURST = 32 }; /* and one a second: RFC 8446 5.5 wants one in millions of records */

/* --- ends --- */

static void fail(struct tls_handshake *t, const struct error *why)
{
    const struct tls_opening *o = t->opening;
    void *ctx = o->ctx;
    void (*on_fail)(void *, const struct error *) =
        o->accept_events ? o->accept_events->on_fail : o->connect_events->on_fail;
    struct error copy = *why;
    tls_filter_close(t);
    on_fail(ctx, &copy);
}

static void fail_by_openssl(struct tls_handshake *t)
{
    struct error why;
    tls_filter_error(t, &why);
    fail(t, &why); /* sends the alert that tells the peer, too */
}

static void on_limit(void *arg)
{
    struct tls_handshake *t = arg;
    struct error why;
    (void)error_set(&why, R_TIMEOUT, "the TLS handshake did not end in time");
    fail(t, &why);
}

static void ready(struct tls_handshake *t)
{
    struct tls_opening *o = t->opening;
    t->opening = NULL;
    loop_timer_free(o->limit);
    buf_free(&o->hello);
    tls_bio_send(&t->ends);
    tls_stream_prepare(t);
    if (o->accept_events)
        o->accept_events->on_ready(o->ctx, &t->stream);
    else
        o->connect_events->on_ready(o->ctx, &t->stream);
    free(o);
    if (!t->closed)
        tls_stream_start(t);
}

/* The bytes are kept by a copy, for `below` may free its own when its new owner takes it apart. */
static void detach(struct tls_handshake *t)
{
    struct net_stream *below = t->below;
    struct tls_opening *o = t->opening;
    struct buf bytes = o->hello;
    void *ctx = o->ctx;
    void (*on_detach)(void *, struct net_stream *, struct slice) = o->accept_events->on_detach;
    bytes.max = SIZE_MAX; /* the last piece is at most one read */
    (void)!buf_append(&bytes, o->fed);
    buf_init(&o->hello, TLS_HELLO_MAX);
    t->below = t->ends.below = NULL;
    tls_filter_close(t);
    on_detach(ctx, below, buf_data(&bytes));
    buf_free(&bytes);
}

/* --- steps --- */

/* The ClientHello is not whole: its bytes may have to go to another worker. */
static void keep_hello(struct tls_handshake *t)
{
    struct tls_opening *o = t->opening;
    struct error why;
    if (!o->accept_events || o->hello_done || buf_append(&o->hello, o->fed) == OK)
        return;
    (void)error_set(&why, R_LIMIT, "no whole ClientHello within %d bytes", TLS_HELLO_MAX);
    fail(t, &why);
}

static void step(struct tls_handshake *t)
{
    ERR_clear_error();
    int r = SSL_do_handshake(t->ssl);
    int error = r == 1 ? SSL_ERROR_NONE : SSL_get_error(t->ssl, r);
    if (error == SSL_ERROR_NONE) {
        ready(t);
    } else if (error == SSL_ERROR_WANT_CLIENT_HELLO_CB) {
        detach(t);
    } else if (error == SSL_ERROR_WANT_READ) {
        tls_bio_send(&t->ends);
        keep_hello(t);
    } else {
        fail_by_openssl(t);
    }
}

/* A proxy, or a server without TLS, where a server with TLS is looked for. */
static void note_clear(struct tls_opening *o, struct slice data)
{
    if (!o->answered && o->connect_events && slice_starts(data, SLICE("HTTP/1.")))
        utf8_escape(slice_cut(&data, '\r'), o->clear, sizeof o->clear);
    o->answered = true;
}

static void on_data(void *ctx, struct slice data)
{
    struct tls_handshake *t = ctx;
    note_clear(t->opening, data);
    tls_filter_enter(t);
    t->ends.in = t->opening->fed = data;
    step(t);
    t->ends.in = SLICE_NONE;
    (void)tls_filter_leave(t);
}

static void on_end(void *ctx)
{
    struct error why;
    (void)error_set(&why, R_EOF, "the peer closed the connection during the TLS handshake");
    fail(ctx, &why);
}

static void on_drain(void *ctx)
{
    (void)ctx;
}

static void on_close(void *ctx, const struct error *why)
{
    struct error copy;
    (void)error_set(&copy, why->code, "during the TLS handshake: %s", why->text);
    fail(ctx, &copy);
}

static const struct net_stream_events below_events = {on_data, on_end, on_drain, on_close};

/* Alerts received, and answers that a peer causes who does not read them. */
static void on_info(const SSL *ssl, int where, int value)
{
    struct tls_handshake *t = SSL_get_app_data(ssl);
    if ((where & SSL_CB_READ_ALERT) == SSL_CB_READ_ALERT && value >> 8 == SSL3_AL_FATAL)
        t->alert = value & 0xff;
    bool answer = (where & SSL_CB_LOOP) || (where & SSL_CB_WRITE_ALERT) == SSL_CB_WRITE_ALERT;
    if (answer && !t->opening && t->below && net_stream_congested(t->below) && ++t->noise > TLS_NOISE_MAX)
        t->nuisance = "the peer asks for answers that it does not read";
}

/* New keys are ten times the work of another record of that size: what came behind is not read. */
static void on_key_update(struct tls_handshake *t)
{
    if (bucket_take(&t->key_updates, 1, loop_now_ms(t->loop)))
        return;
    t->nuisance = "the peer changes its keys too often";
    t->ends.in = SLICE_NONE;
}

/* The client's choice decides how long our keys take: whole handshakes, measured, 0.40 ms with X25519, 0.44 with P-256,
 * 1.12 with P-521, 2.88 with P-384. */
static void on_keys(struct tls_opening *o, SSL *ssl)
{
    static const struct {
        int group;
        size_t handshakes;
    } dear[] = {{NID_secp384r1, 6}, {NID_secp521r1, 2}};
    if (!SSL_get0_session(ssl)) /* a HelloRetryRequest: no keys yet */
        return;
    for (size_t i = 0; i < ARRAY_LEN(dear); i++) {
        if (o->accept_events->on_dear_group && (long)SSL_get_negotiated_group(ssl) == dear[i].group)
            o->accept_events->on_dear_group(o->ctx, dear[i].handshakes);
    }
}

/* Our keys have gone out: with the ServerHello (RFC 8446 4.1.3), or after it in TLS 1.2 (RFC 5246 7.4.3). */
static bool is_keys(int version, unsigned char what)
{
    return what == (version == TLS1_3_VERSION ? SSL3_MT_SERVER_HELLO : SSL3_MT_SERVER_KEY_EXCHANGE);
}

/* Keys, key updates, and the certificates as they came: OpenSSL keeps what it read alone. */
static void on_message(int is_out, int version, int type, const void *message, size_t len, SSL *ssl, void *arg)
{
    struct tls_handshake *t = arg;
    struct tls_opening *o = t->opening;
    if (type != SSL3_RT_HANDSHAKE || len == 0)
        return;
    unsigned char what = *(const unsigned char *)message;
    if (o && is_out && is_keys(SSL_version(ssl), what))
        on_keys(o, ssl);
    if (is_out)
        return;
    if (!o && what == SSL3_MT_KEY_UPDATE)
        on_key_update(t);
    if (!o || what != SSL3_MT_CERTIFICATE)
        return;
    o->certificates_len = der_shown_len(version, slice_make(message, len));
    if (o->accept_events->on_certificates)
        o->accept_events->on_certificates(o->ctx, len);
    der_shown_stop_slow(version, message, len, &o->refused);
}

static void on_server_message(int is_out, int version, int type, const void *message, size_t len, SSL *ssl, void *arg)
{
    struct tls_handshake *t = arg;
    (void)ssl;
    if (!is_out && t->opening && type == SSL3_RT_HANDSHAKE && len &&
        *(const unsigned char *)message == SSL3_MT_CERTIFICATE)
        der_shown_stop_slow(version, message, len, &t->opening->refused);
}

size_t tls_stream_certificates_len(SSL *ssl)
{
    const struct tls_handshake *t = SSL_get_app_data(ssl);
    return t->opening ? t->opening->certificates_len : 0;
}

struct error *tls_stream_verify_error(SSL *ssl)
{
    struct tls_handshake *t = SSL_get_app_data(ssl);
    if (!t->verify_error)
        t->verify_error = mem_zalloc(sizeof *t->verify_error);
    return t->verify_error;
}

static struct tls_handshake *make(struct loop *loop, struct net_stream *below, SSL_CTX *ctx, uint64_t timeout_ms)
{
    struct tls_handshake *t = mem_zalloc(sizeof *t);
    struct tls_opening *o = mem_zalloc(sizeof *o);
    *t = (struct tls_handshake){.loop = loop, .below = below, .opening = o, .alert = -1};
    t->ends = (struct tls_bio){.loop = loop, .below = below};
    t->ssl = SSL_new(ctx);
    if (!t->ssl)
        fatal("OpenSSL: %s", tls_openssl_reason());
    buf_init(&o->hello, TLS_HELLO_MAX);
    buf_init(&t->plain, TLS_RECORD_MAX);
    buf_init(&t->pending, TLS_PENDING_MAX);
    BIO *bio = tls_bio_new(&t->ends);
    SSL_set_bio(t->ssl, bio, bio);
    SSL_set_app_data(t->ssl, t);
    SSL_set_info_callback(t->ssl, on_info);
    o->limit = loop_timer_new(loop, on_limit, t);
    loop_timer_start(o->limit, timeout_ms, 0);
    net_stream_set_events(below, &below_events, t);
    return t;
}

void tls_handshake_cancel(struct tls_handshake *h)
{
    if (h)
        tls_filter_close(h);
}

/* --- accepting --- */

/* RFC 6066 3: a list of names, of which we read the first host_name. */
static struct slice hello_sni(SSL *ssl)
{
    const unsigned char *ext;
    size_t len;
    enum { HEADER = 5, HOST_NAME = 0 };
    if (SSL_client_hello_get0_ext(ssl, TLSEXT_TYPE_server_name, &ext, &len) != 1 || len < HEADER || ext[2] != HOST_NAME)
        return SLICE_NONE;
    size_t name_len = (size_t)ext[3] << 8 | ext[4];
    struct slice name = slice_make(ext + HEADER, name_len <= len - HEADER ? name_len : 0);
    return slice_find(name, '\0') == SIZE_MAX ? name : SLICE_NONE; /* OpenSSL refuses the hello for it later */
}

/* RFC 7301 3.1. */
static struct slice hello_alpn(SSL *ssl)
{
    const unsigned char *ext;
    size_t len;
    if (SSL_client_hello_get0_ext(ssl, TLSEXT_TYPE_application_layer_protocol_negotiation, &ext, &len) != 1 || len < 2)
        return SLICE_NONE;
    size_t list_len = (size_t)ext[0] << 8 | ext[1];
    return list_len <= len - 2 ? slice_make(ext + 2, list_len) : SLICE_NONE;
}

bool tls_hello_offers_only(const struct tls_hello *h, const char *protocol)
{
    size_t len = strlen(protocol);
    return h->alpn_wire.len == len + 1 && (unsigned char)h->alpn_wire.ptr[0] == len &&
           slice_eq(slice_skip(h->alpn_wire, 1), slice_make(protocol, len));
}

static int on_client_hello(SSL *ssl, int *alert, void *arg)
{
    struct tls_handshake *t = SSL_get_app_data(ssl);
    struct tls_opening *o = t->opening;
    struct tls_hello hello = {hello_sni(ssl), hello_alpn(ssl)};
    (void)arg;
    if (tls_hello_check(ssl, &o->refused) != OK) {
        *alert = SSL_AD_ILLEGAL_PARAMETER;
        return SSL_CLIENT_HELLO_ERROR;
    }
    if (o->hello_done) /* the second one, after a HelloRetryRequest */
        return SSL_CLIENT_HELLO_SUCCESS;
    struct tls_context *c = o->accept_events->on_hello(o->ctx, &hello);
    if (!c)
        return SSL_CLIENT_HELLO_RETRY;
    t->context = tls_context_ref(c);
    tls_context_apply(c, ssl);
    t->sni = hello.sni.len ? slice_dup(hello.sni) : NULL;
    o->hello_done = true;
    buf_free(&o->hello);
    return SSL_CLIENT_HELLO_SUCCESS;
}

static void set_hello_callback(void)
{
    SSL_CTX_set_client_hello_cb(tls_context_first(), on_client_hello, NULL);
}

struct tls_handshake *tls_accept(struct loop *loop, struct net_stream *below, uint64_t timeout_ms,
                                 const struct tls_accept_events *events, void *ctx)
{
    static pthread_once_t once = PTHREAD_ONCE_INIT;
    (void)pthread_once(&once, set_hello_callback);
    struct tls_handshake *t = make(loop, below, tls_context_first(), timeout_ms);
    t->opening->accept_events = events;
    t->opening->ctx = ctx;
    bucket_start(&t->key_updates, KEY_UPDATES_BURST, 1, loop_now_ms(loop));
    SSL_set_msg_callback(t->ssl, on_message);
    SSL_set_msg_callback_arg(t->ssl, t);
    SSL_set_accept_state(t->ssl);
    return t;
}

/* --- connecting --- */

static void expect_name(SSL *ssl, const char *name)
{
    unsigned char literal[sizeof(struct in6_addr)];
    X509_VERIFY_PARAM *param = SSL_get0_param(ssl);
    if (inet_pton(AF_INET, name, literal) == 1 || inet_pton(AF_INET6, name, literal) == 1) {
        (void)X509_VERIFY_PARAM_set1_ip_asc(param, name);
        return; /* RFC 6066 3: literals are not sent */
    }
    (void)SSL_set_tlsext_host_name(ssl, name);
    X509_VERIFY_PARAM_set_hostflags(param, X509_CHECK_FLAG_NO_PARTIAL_WILDCARDS);
    (void)X509_VERIFY_PARAM_set1_host(param, name, 0);
}

static void first_step(void *arg)
{
    struct tls_handshake *t = arg;
    tls_filter_enter(t);
    step(t);
    (void)tls_filter_leave(t);
}

struct tls_handshake *tls_connect(struct loop *loop, struct net_stream *below, struct tls_context *context,
                                  const char *name, uint64_t timeout_ms, const struct tls_connect_events *events,
                                  void *ctx)
{
    struct tls_handshake *t = make(loop, below, context->ssl, timeout_ms);
    t->context = tls_context_ref(context);
    t->opening->connect_events = events;
    t->opening->ctx = ctx;
    if (name)
        expect_name(t->ssl, name);
    SSL_set_msg_callback(t->ssl, on_server_message);
    SSL_set_msg_callback_arg(t->ssl, t);
    SSL_set_connect_state(t->ssl);
    t->restart = (struct loop_deferred){.fn = first_step, .arg = t};
    loop_defer(loop, &t->restart); /* callbacks never come from inside this call */
    return t;
}

void tls_handshake_offer_only(struct tls_handshake *h, const char *protocol)
{
    unsigned char list[32];
    size_t len = strlen(protocol);
    if (len >= sizeof list)
        fatal("tls: the protocol's name %s is too long", protocol);
    list[0] = (unsigned char)len;
    memcpy(list + 1, protocol, len);
    if (SSL_set_alpn_protos(h->ssl, list, (unsigned)len + 1) != 0)
        fatal("out of memory (ALPN)");
}
