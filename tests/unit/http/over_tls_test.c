/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The pool against the server over real sockets and real TLS on loopback: the same echo over plain HTTP/1.1, HTTP/1.1
 * on TLS and HTTP/2, and what a failing TLS is called.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>
#include <openssl/ec.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/x509v3.h>

#include "base/buf.h"
#include "base/mem.h"
#include "http/pool/pool.h"
#include "http/server.h"
#include "net/tcp.h"
#include "tls/stream.h"

enum { BODY = 3 * 1000 * 1000, PIECE = 30000 };

struct fixture {
    struct loop *loop;
    struct net_listener *listener;
    struct tls_context *server_tls, *client_tls;
    struct http_pool *pool;
    struct loop_timer *limit;
    char *certificate, *key;
    unsigned conns, h2_conns, requests;
    /* the call under way */
    struct http_call *call;
    size_t written, sent, received, wrong;
    int status, done, wanted;
    struct http_failure why;
};

static void give_up(void *arg)
{
    (void)arg;
    fatal("the test hangs");
}

/* --- a self-signed certificate for "localhost" --- */

static char *pem_of(X509 *certificate, EVP_PKEY *key)
{
    BIO *bio = BIO_new(BIO_s_mem());
    char *text;
    if (certificate)
        assert_int_equal(PEM_write_bio_X509(bio, certificate), 1);
    else
        assert_int_equal(PEM_write_bio_PrivateKey(bio, key, NULL, NULL, 0, NULL, NULL), 1);
    long n = BIO_get_mem_data(bio, &text);
    char *copy = slice_dup(slice_make(text, (size_t)n));
    BIO_free(bio);
    return copy;
}

static void extend(X509 *x, int nid, const char *value)
{
    X509_EXTENSION *e = X509V3_EXT_conf_nid(NULL, NULL, nid, value);
    assert_non_null(e);
    assert_int_equal(X509_add_ext(x, e, -1), 1);
    X509_EXTENSION_free(e);
}

static void make_certificate(struct fixture *f)
{
    EVP_PKEY *key = EVP_EC_gen("P-256");
    X509 *x = X509_new();
    assert_true(key && x);
    X509_set_version(x, 2);
    ASN1_INTEGER_set(X509_get_serialNumber(x), 1);
    X509_gmtime_adj(X509_getm_notBefore(x), -60);
    X509_gmtime_adj(X509_getm_notAfter(x), 3600);
    X509_NAME_add_entry_by_txt(X509_get_subject_name(x), "CN", MBSTRING_ASC, (const unsigned char *)"localhost", -1, -1,
                               0);
    X509_set_issuer_name(x, X509_get_subject_name(x));
    X509_set_pubkey(x, key);
    extend(x, NID_basic_constraints, "critical,CA:TRUE");
    extend(x, NID_subject_alt_name, "DNS:localhost");
    assert_true(X509_sign(x, key, EVP_sha256()) > 0);
    f->certificate = pem_of(x, NULL);
    f->key = pem_of(NULL, key);
    X509_free(x);
    EVP_PKEY_free(key);
}

/* --- the server: echoes what it gets --- */

struct echo {
    struct http_exchange *x;
};

static void x_body(void *ctx, struct slice data)
{
    http_exchange_write(((struct echo *)ctx)->x, data);
}

static void x_end(void *ctx)
{
    struct http_exchange *x = ((struct echo *)ctx)->x;
    http_exchange_finish(x, NULL);
}

static void x_sent(void *ctx, size_t n)
{
    http_exchange_consumed(((struct echo *)ctx)->x, n);
}

static void x_abort(void *ctx, const struct error *why)
{
    (void)ctx;
    (void)why;
}

static const struct http_exchange_events echo_events = {x_body, x_end, x_sent, x_abort};

static void on_request(void *owner, struct http_exchange *x)
{
    struct fixture *f = owner;
    f->requests++;
    struct echo *e = arena_alloc(x->arena, sizeof *e);
    assert_non_null(e);
    e->x = x;
    x->events = &echo_events;
    x->ctx = e;
    http_exchange_respond(x, &(struct http_response){.status = 200, .content_length = x->request.content_length},
                          false);
}

static void conn_closed(void *owner)
{
    ((struct fixture *)owner)->conns--;
}

static const struct http_server_events server_events = {.on_request = on_request, .on_close = conn_closed};

static void serve(struct fixture *f, struct net_stream *stream, bool h2)
{
    f->conns++;
    f->h2_conns += h2;
    (void)http_server_conn_new(f->loop, stream, h2, &http_server_defaults, &server_events, f);
}

static struct tls_context *on_hello(void *ctx, const struct tls_hello *hello)
{
    (void)hello;
    return ((struct fixture *)ctx)->server_tls;
}

static void tls_ready(void *ctx, struct net_stream *stream)
{
    serve(ctx, stream, slice_eq(tls_stream_alpn(stream), SLICE("h2")));
}

static void tls_failed(void *ctx, const struct error *why)
{
    (void)ctx;
    (void)why;
}

static const struct tls_accept_events accept_events = {
    .on_hello = on_hello, .on_ready = tls_ready, .on_fail = tls_failed};

static void on_accept(void *ctx, struct net_stream *stream, const struct net_address *peer)
{
    struct fixture *f = ctx;
    (void)peer;
    if (f->server_tls)
        (void)tls_accept(f->loop, stream, 5000, &accept_events, f);
    else
        serve(f, stream, false);
}

/* --- the client --- */

static void push(struct fixture *f)
{
    static char piece[PIECE];
    while (f->written < BODY && f->written - f->sent < HTTP_WRITE_AHEAD) {
        size_t n = BODY - f->written < PIECE ? BODY - f->written : PIECE;
        for (size_t i = 0; i < n; i++)
            piece[i] = (char)((f->written + i) % 251);
        f->written += n;
        http_call_write(f->call, slice_make(piece, n));
        if (f->written == BODY)
            http_call_finish(f->call);
    }
}

static void c_response(void *ctx, const struct http_response *head)
{
    ((struct fixture *)ctx)->status = head->status;
}

static void c_body(void *ctx, struct slice data)
{
    struct fixture *f = ctx;
    for (size_t i = 0; i < data.len; i++)
        f->wrong += data.ptr[i] != (char)((f->received + i) % 251);
    f->received += data.len;
    http_call_consumed(f->call, data.len);
}

static void over(struct fixture *f)
{
    if (++f->done == f->wanted)
        loop_stop(f->loop);
}

static void c_end(void *ctx, const struct http_fields *trailers)
{
    (void)trailers;
    over(ctx);
}

static void c_sent(void *ctx, size_t n)
{
    struct fixture *f = ctx;
    f->sent += n;
    push(f);
}

static void c_fail(void *ctx, const struct http_failure *why)
{
    struct fixture *f = ctx;
    f->why = *why;
    f->status = -1;
    over(f);
}

static const struct http_call_events call_events = {
    .on_response = c_response, .on_body = c_body, .on_end = c_end, .on_sent = c_sent, .on_fail = c_fail};

static void new_pool(struct fixture *f, const char *alpn, const char *name, bool trusts)
{
    struct net_address at;
    net_listener_address(f->listener, &at);
    struct http_pool_options o = {.host = "127.0.0.1",
                                  .port = net_address_port(&at),
                                  .max_connections = 4,
                                  .max_waiting = 10,
                                  .connect_ms = 5000,
                                  .idle_ms = 5000};
    assert_true(slice_to_cstr(slice_of(name), o.tls_name, sizeof o.tls_name));
    if (alpn) {
        struct tls_client_options c = {.alpn = alpn};
        c.anchors_pem = trusts ? slice_of(f->certificate) : SLICE_NONE;
        assert_int_equal(tls_context_client(&c, &f->client_tls, NULL), OK);
        o.tls = f->client_tls;
    }
    f->pool = http_pool_new(f->loop, &o);
}

static enum result refuse_all(void *arg, X509 *leaf, STACK_OF(X509) * chain, struct error *err)
{
    (void)arg;
    (void)leaf;
    (void)chain;
    return error_set(err, R_DENIED, "nobody is let in");
}

static void new_server_tls(struct fixture *f, bool wants_certificate)
{
    struct tls_server_options o = {.identity = {slice_of(f->certificate), slice_of(f->key)}, .alpn = "h2,http/1.1"};
    if (wants_certificate) {
        o.client_cert = TLS_CLIENT_CERT_REQUIRE;
        o.verify = refuse_all;
    }
    assert_int_equal(tls_context_server(&o, &f->server_tls, NULL), OK);
}

static void ask(struct fixture *f, bool with_body)
{
    struct http_request r = {.version = HTTP_1_1,
                             .method = with_body ? SLICE("PUT") : SLICE("GET"),
                             .scheme = SLICE("https"),
                             .authority = SLICE("localhost"),
                             .target = SLICE("/echo"),
                             .has_body = with_body,
                             .content_length = with_body ? -1 : 0};
    struct error err;
    f->written = f->sent = f->received = 0;
    f->done = f->status = 0;
    f->wanted = 1;
    assert_int_equal(http_pool_call(f->pool, SLICE(""), &r, &call_events, f, &f->call, &err), OK);
    if (with_body)
        push(f);
    loop_run(f->loop);
}

static void echo_some(struct fixture *f)
{
    for (int i = 0; i < 3; i++) {
        ask(f, true);
        assert_int_equal(f->status, 200);
        assert_int_equal(f->received, BODY);
        assert_int_equal(f->wrong, 0);
        ask(f, false);
        assert_int_equal(f->status, 200);
        assert_int_equal(f->received, 0);
    }
    assert_int_equal(f->requests, 6);
    assert_int_equal(f->conns, 1);
}

static int set_up(void **state)
{
    struct fixture *f = mem_zalloc(sizeof *f);
    struct net_address at;
    f->loop = loop_new();
    f->limit = loop_timer_new(f->loop, give_up, NULL);
    loop_timer_start(f->limit, 30000, 0);
    make_certificate(f);
    assert_int_equal(net_address_parse(SLICE("127.0.0.1:0"), &at, NULL), OK);
    assert_int_equal(net_listen_tcp(f->loop, &at, false, on_accept, f, &f->listener, NULL), OK);
    *state = f;
    return 0;
}

static void stop_when_closed(void *arg)
{
    struct fixture *f = arg;
    if (!f->conns)
        loop_stop(f->loop);
}

static int tear_down(void **state)
{
    struct fixture *f = *state;
    http_pool_free(f->pool); /* the server's side sees the end and goes */
    struct loop_timer *t = loop_timer_new(f->loop, stop_when_closed, f);
    loop_timer_start(t, 20, 20);
    loop_run(f->loop);
    loop_timer_free(t);
    loop_timer_free(f->limit);
    net_listener_close(f->listener);
    tls_context_unref(f->server_tls);
    tls_context_unref(f->client_tls);
    loop_free(f->loop);
    free(f->certificate);
    free(f->key);
    free(f);
    return 0;
}

static void megabytes_are_echoed_over_plain_http1(void **state)
{
    struct fixture *f = *state;
    new_pool(f, NULL, "", false);
    echo_some(f);
}

static void megabytes_are_echoed_over_tls_and_http1(void **state)
{
    struct fixture *f = *state;
    new_server_tls(f, false);
    new_pool(f, "http/1.1", "localhost", true);
    echo_some(f);
    assert_int_equal(f->h2_conns, 0);
}

static void megabytes_are_echoed_over_http2_when_both_can(void **state)
{
    struct fixture *f = *state;
    new_server_tls(f, false);
    new_pool(f, "h2,http/1.1", "localhost", true);
    echo_some(f);
    assert_int_equal(f->h2_conns, 1);
}

static void a_wrong_name_or_issuer_is_a_tls_failure(void **state)
{
    struct fixture *f = *state;
    new_server_tls(f, false);
    new_pool(f, "http/1.1", "other.example", true);
    ask(f, false);
    assert_int_equal(f->status, -1);
    assert_int_equal(f->why.kind, HTTP_FAIL_TLS);
    assert_true(f->why.unsent);
    http_pool_free(f->pool);
    tls_context_unref(f->client_tls);
    new_pool(f, "http/1.1", "localhost", false);
    ask(f, false);
    assert_int_equal(f->status, -1);
    assert_int_equal(f->why.kind, HTTP_FAIL_TLS);
    assert_int_equal(f->requests, 0);
}

static void alert_116_is_told_apart(void **state)
{
    struct fixture *f = *state;
    new_server_tls(f, true);
    new_pool(f, "http/1.1", "localhost", true);
    ask(f, false);
    assert_int_equal(f->status, -1);
    assert_int_equal(f->why.kind, HTTP_FAIL_CERT_REQUIRED);
    assert_int_equal(f->requests, 0);
}

static void nobody_listening_is_refused_and_no_name_is_name(void **state)
{
    struct fixture *f = *state;
    new_pool(f, NULL, "", false);
    net_listener_close(f->listener);
    f->listener = NULL;
    ask(f, false);
    assert_int_equal(f->why.kind, HTTP_FAIL_REFUSED);
    assert_true(f->why.unsent);
    http_pool_free(f->pool);
    struct http_pool_options o = {
        .host = "no.such.host.invalid", .port = 1, .max_connections = 1, .max_waiting = 1, .connect_ms = 20000};
    f->pool = http_pool_new(f->loop, &o);
    ask(f, false);
    assert_int_equal(f->why.kind, HTTP_FAIL_NAME);
}

#define T(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        T(megabytes_are_echoed_over_plain_http1),
        T(megabytes_are_echoed_over_tls_and_http1),
        T(megabytes_are_echoed_over_http2_when_both_can),
        T(a_wrong_name_or_issuer_is_a_tls_failure),
        T(alert_116_is_told_apart),
        T(nobody_listening_is_refused_and_no_name_is_name),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
