/* SPDX-License-Identifier: Apache-2.0 */
#include "kit.h"

#include <stdio.h>
#include <stdlib.h>

#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/x509v3.h>

/* --- certificates --- */

static char *pem_text(BIO *bio)
{
    char *data;
    long len = BIO_get_mem_data(bio, &data);
    char *text = slice_dup(slice_make(data, (size_t)len));
    BIO_free(bio);
    return text;
}

static void add_extension(X509 *x, X509 *issuer, int nid, const char *value)
{
    X509V3_CTX ctx;
    X509V3_set_ctx(&ctx, issuer, x, NULL, NULL, 0);
    X509_EXTENSION *e = X509V3_EXT_conf_nid(NULL, &ctx, nid, value);
    assert_non_null(e);
    assert_int_equal(X509_add_ext(x, e, -1), 1);
    X509_EXTENSION_free(e);
}

struct kit_identity kit_identity_new(const char *name, const struct kit_identity *issuer, long from_s, long to_s)
{
    return kit_identity_of_key(EVP_EC_gen("P-256"), name, issuer, from_s, to_s);
}

struct kit_identity kit_identity_of_key(EVP_PKEY *key, const char *name, const struct kit_identity *issuer, long from_s,
                                        long to_s)
{
    static long serial = 1;
    struct kit_identity i = {.pkey = key, .x509 = X509_new()};
    X509 *x = i.x509;
    char san[128];
    assert_non_null(i.pkey);
    (void)X509_set_version(x, 2);
    (void)ASN1_INTEGER_set(X509_get_serialNumber(x), serial++);
    (void)X509_gmtime_adj(X509_getm_notBefore(x), from_s);
    (void)X509_gmtime_adj(X509_getm_notAfter(x), to_s);
    X509_NAME *subject = X509_get_subject_name(x);
    (void)X509_NAME_add_entry_by_txt(subject, "CN", MBSTRING_ASC, (const unsigned char *)name, -1, -1, 0);
    (void)X509_set_issuer_name(x, issuer ? X509_get_subject_name(issuer->x509) : subject);
    (void)X509_set_pubkey(x, i.pkey);
    add_extension(x, issuer ? issuer->x509 : x, NID_basic_constraints,
                  issuer ? "critical,CA:FALSE" : "critical,CA:TRUE");
    (void)snprintf(san, sizeof san, "DNS:%s,IP:127.0.0.1", name);
    if (issuer)
        add_extension(x, issuer->x509, NID_subject_alt_name, san);
    assert_true(X509_sign(x, issuer ? issuer->pkey : i.pkey, EVP_sha256()) > 0);
    BIO *cert = BIO_new(BIO_s_mem()), *pem = BIO_new(BIO_s_mem());
    assert_int_equal(PEM_write_bio_X509(cert, x), 1);
    assert_int_equal(PEM_write_bio_PrivateKey(pem, i.pkey, NULL, NULL, 0, NULL, NULL), 1);
    i.certificate = pem_text(cert);
    i.key = pem_text(pem);
    return i;
}

void kit_identity_free(struct kit_identity *i)
{
    X509_free(i->x509);
    EVP_PKEY_free(i->pkey);
    free(i->certificate);
    free(i->key);
}

struct tls_identity kit_identity_pem(const struct kit_identity *i)
{
    return (struct tls_identity){slice_of(i->certificate), slice_of(i->key)};
}

struct tls_context *kit_server_context(const struct tls_server_options *o)
{
    struct tls_context *c = NULL;
    struct error err = {OK, ""};
    if (tls_context_server(o, &c, &err) != OK)
        fail_msg("%s", err.text);
    return c;
}

struct tls_context *kit_client_context(const struct tls_client_options *o)
{
    struct tls_context *c = NULL;
    struct error err = {OK, ""};
    if (tls_context_client(o, &c, &err) != OK)
        fail_msg("%s", err.text);
    return c;
}

/* --- the ends' events --- */

static void on_data(void *ctx, struct slice data)
{
    struct kit_end *e = ctx;
    for (size_t i = 0; i < data.len; i++)
        e->sum = e->sum * 31 + (unsigned char)data.ptr[i];
    e->total += data.len;
    e->full = e->full || buf_append(&e->got, data) != OK;
    if (e->pause_in_data)
        net_stream_pause(e->stream);
    if (e->close_in_data) {
        net_stream_close(e->stream);
        e->stream = NULL;
        e->closed = true;
    }
}

static void on_end(void *ctx)
{
    struct kit_end *e = ctx;
    e->ended = true;
    if (e->close_in_end) {
        net_stream_close(e->stream);
        e->stream = NULL;
    }
}

static void on_drain(void *ctx)
{
    struct kit_end *e = ctx;
    e->drained = true;
}

static void on_close(void *ctx, const struct error *why)
{
    struct kit_end *e = ctx;
    assert_false(e->closed); /* exactly once */
    e->closed = true;
    e->why = *why;
    net_stream_close(e->stream);
    e->stream = NULL;
}

static const struct net_stream_events stream_events = {on_data, on_end, on_drain, on_close};

static void on_ready(void *ctx, struct net_stream *stream)
{
    struct kit_end *e = ctx;
    assert_false(e->ready || e->failed);
    e->handshake = NULL;
    e->ready = true;
    if (e->close_in_ready) {
        net_stream_close(stream);
        return;
    }
    e->stream = stream;
    net_stream_set_events(stream, &stream_events, e);
    if (e->pause_in_ready)
        net_stream_pause(stream);
}

static void on_fail(void *ctx, const struct error *why)
{
    struct kit_end *e = ctx;
    assert_false(e->ready || e->failed);
    e->handshake = NULL;
    e->failed = true;
    e->why = *why;
}

static struct tls_context *on_hello(void *ctx, const struct tls_hello *hello)
{
    struct kit_end *e = ctx;
    struct kit *k = e->kit;
    k->hellos++;
    (void)snprintf(k->sni, sizeof k->sni, "%" PRIslice, SLICE_ARG(hello->sni));
    (void)snprintf(k->alpn, sizeof k->alpn, "%" PRIslice, SLICE_ARG(hello->alpn_wire));
    return k->on_hello ? k->on_hello(k, hello) : k->server_context;
}

static void on_detach(void *ctx, struct net_stream *below, struct slice already_read)
{
    struct kit_end *e = ctx;
    e->handshake = NULL;
    e->kit->detached = below;
    assert_int_equal(buf_append(&e->kit->detached_bytes, already_read), OK);
}

static void on_dear_group(void *ctx, size_t handshakes)
{
    struct kit_end *e = ctx;
    e->kit->dear += handshakes;
}

static const struct tls_accept_events accept_events = {
    .on_hello = on_hello,
    .on_detach = on_detach,
    .on_ready = on_ready,
    .on_fail = on_fail,
    .on_dear_group = on_dear_group,
};
static const struct tls_connect_events connect_events = {on_ready, on_fail};

/* --- joining them --- */

static void on_accept(void *ctx, struct net_stream *s, const struct net_address *peer)
{
    struct kit *k = ctx;
    assert_int_not_equal(net_address_port(peer), 0);
    k->server.handshake = tls_accept(k->loop, s, k->timeout_ms, &accept_events, &k->server);
}

static void on_open(void *ctx, struct net_stream *s)
{
    struct kit *k = ctx;
    k->dial = NULL;
    if (k->client_context)
        k->client.handshake =
            tls_connect(k->loop, s, k->client_context, k->name, k->timeout_ms, &connect_events, &k->client);
    else
        on_ready(&k->client, s);
    if (k->cancel_at_once) {
        tls_handshake_cancel(k->client.handshake);
        k->client.handshake = NULL;
    }
}

static void on_dial_fail(void *ctx, const struct error *why)
{
    (void)ctx;
    fail_msg("%s", why->text);
}

void kit_init(struct kit *k)
{
    struct net_address at;
    *k = (struct kit){.loop = loop_new(), .timeout_ms = 8000, .name = "server.test"};
    k->server.kit = k->client.kit = k;
    buf_init(&k->server.got, 1024 * 1024);
    buf_init(&k->client.got, 1024 * 1024);
    buf_init(&k->detached_bytes, 1024 * 1024);
    assert_int_equal(net_address_parse(SLICE("127.0.0.1:0"), &at, NULL), OK);
    assert_int_equal(net_listen_tcp(k->loop, &at, false, on_accept, k, &k->listener, NULL), OK);
    net_listener_address(k->listener, &at);
    k->port = net_address_port(&at);
}

static void reset_end(struct kit_end *e)
{
    tls_handshake_cancel(e->handshake);
    net_stream_close(e->stream);
    buf_free(&e->got);
    *e = (struct kit_end){.kit = e->kit};
    buf_init(&e->got, 1024 * 1024);
}

void kit_hang_up(struct kit *k)
{
    net_dial_cancel(k->dial);
    k->dial = NULL;
    net_stream_close(k->detached);
    k->detached = NULL;
    buf_free(&k->detached_bytes);
    reset_end(&k->server);
    reset_end(&k->client);
}

void kit_done(struct kit *k)
{
    kit_hang_up(k);
    net_listener_close(k->listener);
    tls_context_unref(k->server_context);
    tls_context_unref(k->client_context);
    loop_free(k->loop);
}

void kit_connect(struct kit *k)
{
    static const struct net_dial_events dial_events = {on_open, on_dial_fail};
    k->dial = net_dial_tcp(k->loop, "127.0.0.1", k->port, 5000, &dial_events, k);
}

void kit_handshake(struct kit *k)
{
    kit_connect(k);
    KIT_RUN_UNTIL(k, kit_both_ready);
}

/* --- waiting --- */

struct wait {
    struct kit *k;
    kit_condition *condition;
    uint64_t end;
    bool met;
};

static void look(void *arg)
{
    struct wait *w = arg;
    w->met = w->condition && w->condition(w->k);
    if (w->met || loop_now_ms(w->k->loop) > w->end)
        loop_stop(w->k->loop);
}

static bool wait_until(struct kit *k, kit_condition *condition, uint64_t ms)
{
    struct wait w = {k, condition, loop_now_ms(k->loop) + ms, false};
    struct loop_timer *t = loop_timer_new(k->loop, look, &w);
    loop_timer_start(t, 1, 1);
    loop_run(k->loop);
    loop_timer_free(t);
    return w.met;
}

void kit_run_until(struct kit *k, kit_condition *condition, const char *what)
{
    if (!wait_until(k, condition, 10000))
        fail_msg("never came: %s (server: %s; client: %s)", what, k->server.why.text, k->client.why.text);
}

void kit_run_for(struct kit *k, uint64_t ms)
{
    (void)wait_until(k, NULL, ms);
}

bool kit_both_ready(struct kit *k)
{
    return k->server.ready && k->client.ready;
}
bool kit_server_ready(struct kit *k)
{
    return k->server.ready;
}
bool kit_server_failed(struct kit *k)
{
    return k->server.failed;
}
bool kit_client_failed(struct kit *k)
{
    return k->client.failed;
}
bool kit_client_closed(struct kit *k)
{
    return k->client.closed;
}
bool kit_server_closed(struct kit *k)
{
    return k->server.closed;
}
bool kit_client_ended(struct kit *k)
{
    return k->client.ended;
}
bool kit_server_ended(struct kit *k)
{
    return k->server.ended;
}

void kit_write(struct kit_end *e, const char *text)
{
    net_stream_write(e->stream, slice_of(text));
}

void kit_assert_got(struct kit_end *e, const char *text)
{
    struct slice got = buf_data(&e->got);
    if (!slice_eq(got, slice_of(text)))
        fail_msg("got '%" PRIslice "', expected '%s'", SLICE_ARG(got), text);
}
