/* SPDX-License-Identifier: Apache-2.0 */
/* Handshakes: certificates, names, choice by ClientHello, refusals, time limits. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <openssl/ssl.h>

#include "der/shown.h"
#include "kit.h"

static struct kit_identity ca, other_ca, server_id, client_id, stranger_id, expired_id;
enum { DAY = 24 * 3600 };

static int make_identities(void **state)
{
    (void)state;
    ca = kit_identity_new("Test CA", NULL, -60, DAY);
    other_ca = kit_identity_new("Other CA", NULL, -60, DAY);
    server_id = kit_identity_new("server.test", &ca, -60, DAY);
    client_id = kit_identity_new("client.test", &ca, -60, DAY);
    stranger_id = kit_identity_new("server.test", &other_ca, -60, DAY);
    expired_id = kit_identity_new("server.test", &ca, -2 * DAY, -DAY);
    return 0;
}

static int free_identities(void **state)
{
    (void)state;
    struct kit_identity *all[] = {&ca, &other_ca, &server_id, &client_id, &stranger_id, &expired_id};
    for (size_t i = 0; i < ARRAY_LEN(all); i++)
        kit_identity_free(all[i]);
    return 0;
}

static struct tls_server_options server_options(void)
{
    return (struct tls_server_options){.identity = kit_identity_pem(&server_id), .alpn = "h2,http/1.1"};
}

static struct tls_client_options client_options(void)
{
    return (struct tls_client_options){.anchors_pem = slice_of(ca.certificate), .alpn = "h2"};
}

static void start(struct kit *k, const struct tls_server_options *so, const struct tls_client_options *co)
{
    kit_init(k);
    k->server_context = kit_server_context(so);
    k->client_context = kit_client_context(co);
}

static void a_handshake_joins_two_ends_and_tells_what_was_agreed(void **state)
{
    (void)state;
    struct kit k;
    struct tls_server_options so = server_options();
    struct tls_client_options co = client_options();
    start(&k, &so, &co);
    kit_handshake(&k);
    assert_true(slice_eq(tls_stream_alpn(k.server.stream), SLICE("h2")));
    assert_true(slice_eq(tls_stream_alpn(k.client.stream), SLICE("h2")));
    assert_true(slice_eq(tls_stream_sni(k.server.stream), SLICE("server.test")));
    assert_true(slice_eq(tls_stream_sni(k.client.stream), SLICE("server.test")));
    assert_null(tls_stream_peer(k.server.stream));
    assert_null(tls_stream_peer_chain(k.server.stream));
    assert_int_equal(X509_cmp(tls_stream_peer(k.client.stream), server_id.x509), 0);
    assert_false(tls_stream_resumed(k.client.stream));
    assert_int_equal(k.hellos, 1);
    kit_done(&k);
}

/* --- the server's certificate --- */

static void check_client_refuses(const struct kit_identity *shown, const char *name, const char *anchors,
                                 const char *first, const char *second)
{
    struct kit k;
    struct tls_server_options so = server_options();
    struct tls_client_options co = client_options();
    so.identity = kit_identity_pem(shown);
    co.anchors_pem = slice_of(anchors);
    start(&k, &so, &co);
    k.name = name;
    kit_connect(&k);
    KIT_RUN_UNTIL(&k, kit_client_failed);
    assert_int_equal(k.client.why.code, R_DENIED);
    if (!strstr(k.client.why.text, first) || !strstr(k.client.why.text, second))
        fail_msg("'%s' lacks '%s' or '%s'", k.client.why.text, first, second);
    KIT_RUN_UNTIL(&k, kit_server_failed);
    assert_non_null(strstr(k.server.why.text, "alert"));
    kit_done(&k);
}

static void a_wrong_host_name_is_refused_with_both_names(void **state)
{
    (void)state;
    check_client_refuses(&server_id, "another.test", ca.certificate, "another.test", "server.test");
}

static void an_unknown_issuer_is_refused_and_named(void **state)
{
    (void)state;
    check_client_refuses(&stranger_id, "server.test", ca.certificate, "certificate verify failed", "CN=Other CA");
}

static void an_expired_certificate_is_refused(void **state)
{
    (void)state;
    check_client_refuses(&expired_id, "server.test", ca.certificate, "expired", "CN=server.test");
}

static void an_address_is_checked_against_the_certificate_and_not_sent(void **state)
{
    (void)state;
    struct kit k;
    struct tls_server_options so = server_options();
    struct tls_client_options co = client_options();
    start(&k, &so, &co);
    k.name = "127.0.0.1";
    kit_handshake(&k);
    assert_string_equal(k.sni, "");
    assert_int_equal(tls_stream_sni(k.server.stream).len, 0);
    kit_done(&k);
    check_client_refuses(&server_id, "127.0.0.2", ca.certificate, "IP address mismatch", "");
}

/* --- judges and client certificates --- */

struct judge {
    enum result verdict;
    int calls, chain;
    char subject[64];
};

static enum result judge(void *arg, X509 *leaf, STACK_OF(X509) * chain, struct error *err)
{
    struct judge *j = arg;
    j->calls++;
    j->chain = sk_X509_num(chain);
    (void)X509_NAME_get_text_by_NID(X509_get_subject_name(leaf), NID_commonName, j->subject, sizeof j->subject);
    return j->verdict == OK ? OK : error_set(err, j->verdict, "the judge said no");
}

static void a_client_with_its_own_judge_lets_it_alone_decide(void **state)
{
    (void)state;
    for (int accept = 0; accept < 2; accept++) {
        struct kit k;
        struct judge j = {.verdict = accept ? OK : R_DENIED};
        struct tls_server_options so = server_options();
        struct tls_client_options co = {.verify = judge, .verify_arg = &j, .alpn = "h2"};
        so.identity = kit_identity_pem(&stranger_id);
        start(&k, &so, &co);
        k.name = "another.test";
        kit_connect(&k);
        if (accept) {
            KIT_RUN_UNTIL(&k, kit_both_ready);
        } else {
            KIT_RUN_UNTIL(&k, kit_client_failed);
            assert_non_null(strstr(k.client.why.text, "the judge said no"));
        }
        assert_int_equal(j.calls, 1);
        assert_string_equal(j.subject, "server.test");
        kit_done(&k);
    }
}

static void an_asked_for_certificate_is_taken_whatever_it_is(void **state)
{
    const struct kit_identity *shown[] = {&client_id, &stranger_id, &expired_id, NULL};
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(shown); i++) {
        struct kit k;
        struct tls_server_options so = server_options();
        struct tls_client_options co = client_options();
        so.client_cert = TLS_CLIENT_CERT_ASK;
        if (shown[i])
            co.identity = kit_identity_pem(shown[i]);
        start(&k, &so, &co);
        kit_handshake(&k);
        X509 *peer = tls_stream_peer(k.server.stream);
        assert_int_equal(peer != NULL, shown[i] != NULL);
        if (peer) {
            assert_int_equal(X509_cmp(peer, shown[i]->x509), 0);
            assert_int_equal(sk_X509_num(tls_stream_peer_chain(k.server.stream)), 1);
            assert_ptr_equal(sk_X509_value(tls_stream_peer_chain(k.server.stream), 0), peer);
        }
        kit_done(&k);
    }
}

static void the_peers_chain_starts_with_its_leaf_on_both_sides(void **state)
{
    (void)state;
    struct kit k;
    char both[8192];
    struct tls_server_options so = server_options();
    struct tls_client_options co = client_options();
    so.client_cert = TLS_CLIENT_CERT_ASK;
    (void)snprintf(both, sizeof both, "%s%s", client_id.certificate, ca.certificate);
    co.identity = (struct tls_identity){slice_of(both), slice_of(client_id.key)};
    start(&k, &so, &co);
    kit_handshake(&k);
    STACK_OF(X509) *chain = tls_stream_peer_chain(k.server.stream);
    assert_int_equal(sk_X509_num(chain), 2);
    assert_int_equal(X509_cmp(sk_X509_value(chain, 0), client_id.x509), 0);
    assert_int_equal(X509_cmp(sk_X509_value(chain, 1), ca.x509), 0);
    chain = tls_stream_peer_chain(k.client.stream);
    assert_int_equal(sk_X509_num(chain), 1);
    assert_int_equal(X509_cmp(sk_X509_value(chain, 0), server_id.x509), 0);
    kit_done(&k);
}

static void check_required(enum result verdict, bool shown)
{
    struct kit k;
    struct judge j = {.verdict = verdict};
    struct tls_server_options so = server_options();
    struct tls_client_options co = client_options();
    so.client_cert = TLS_CLIENT_CERT_REQUIRE;
    so.verify = judge;
    so.verify_arg = &j;
    if (shown)
        co.identity = kit_identity_pem(&client_id);
    start(&k, &so, &co);
    kit_connect(&k);
    if (verdict == OK && shown) {
        KIT_RUN_UNTIL(&k, kit_both_ready);
        assert_string_equal(j.subject, "client.test");
        kit_done(&k);
        return;
    }
    KIT_RUN_UNTIL(&k, kit_server_failed);
    assert_non_null(strstr(k.server.why.text, shown ? "the judge said no" : "peer did not return a certificate"));
    assert_int_equal(j.calls, shown);
    kit_done(&k);
}

static void a_required_certificate_must_be_shown_and_please_the_judge(void **state)
{
    (void)state;
    check_required(OK, true);
    check_required(R_DENIED, true);
    check_required(OK, false);
}

static bool certificate_required_seen;

static void note_alert(void *ctx, const struct error *why)
{
    struct kit_end *e = ctx;
    certificate_required_seen = tls_stream_alert_certificate_required(e->stream);
    e->closed = true;
    e->why = *why;
    net_stream_close(e->stream);
    e->stream = NULL;
}

static void ignore_data(void *ctx, struct slice data)
{
    (void)ctx;
    (void)data;
}

static void ignore(void *ctx)
{
    (void)ctx;
}

/* In TLS 1.3 a client is through before the server has seen that no certificate came. */
static void a_client_without_the_required_certificate_learns_it_by_alert_116(void **state)
{
    static const struct net_stream_events events = {ignore_data, ignore, ignore, note_alert};
    (void)state;
    struct kit k;
    struct judge j = {.verdict = OK};
    struct tls_server_options so = server_options();
    struct tls_client_options co = client_options();
    so.client_cert = TLS_CLIENT_CERT_REQUIRE;
    so.verify = judge;
    so.verify_arg = &j;
    start(&k, &so, &co);
    kit_connect(&k);
    KIT_RUN_UNTIL(&k, kit_server_failed);
    assert_true(k.client.ready);
    if (k.client.stream) {
        net_stream_set_events(k.client.stream, &events, &k.client);
        KIT_RUN_UNTIL(&k, kit_client_closed);
        assert_true(certificate_required_seen);
    }
    assert_non_null(strstr(k.client.why.text, "116"));
    kit_done(&k);
}

static void the_length_of_certificates_is_of_what_came(void **state)
{
    static const char tls12[] = "\x0b\0\0\x0d\0\0\x0a\0\0\3abc\0\0\1d", cut[] = "\x0b\0\0\x0d\0\0\x0a\0\0\3abc\0\0\2d",
                      tls13[] = "\x0b\0\0\x0f\1c\0\0\x0b\0\0\3abc\0\3xyz";
    (void)state;
    assert_int_equal(der_shown_len(TLS1_2_VERSION, slice_make(tls12, sizeof tls12 - 1)), 4);
    assert_int_equal(der_shown_len(TLS1_2_VERSION, slice_make(cut, sizeof cut - 1)), SIZE_MAX);
    assert_int_equal(der_shown_len(TLS1_3_VERSION, slice_make(tls13, sizeof tls13 - 1)), 3);
    for (size_t len = 0; len < sizeof tls13 - 1; len++)
        assert_int_equal(der_shown_len(TLS1_3_VERSION, slice_make(tls13, len)), SIZE_MAX);
}

static void a_required_certificate_without_a_judge_is_no_context(void **state)
{
    (void)state;
    struct tls_context *c;
    struct error err;
    struct tls_server_options so = server_options();
    so.client_cert = TLS_CLIENT_CERT_REQUIRE;
    assert_int_equal(tls_context_server(&so, &c, &err), R_INVALID);
}

/* --- ALPN and choice by the ClientHello --- */

static void the_server_prefers_its_own_order_of_protocols(void **state)
{
    (void)state;
    struct kit k;
    struct tls_server_options so = server_options();
    struct tls_client_options co = client_options();
    co.alpn = "http/1.1,h2";
    start(&k, &so, &co);
    kit_handshake(&k);
    assert_true(slice_eq(tls_stream_alpn(k.client.stream), SLICE("h2")));
    assert_string_equal(k.alpn, "\x08http/1.1\x02h2");
    kit_done(&k);
}

static void no_common_protocol_is_an_alert_and_none_offered_is_fine(void **state)
{
    (void)state;
    struct kit k;
    struct tls_server_options so = server_options();
    struct tls_client_options co = client_options();
    co.alpn = "smtp";
    start(&k, &so, &co);
    kit_connect(&k);
    KIT_RUN_UNTIL(&k, kit_client_failed);
    assert_non_null(strstr(k.client.why.text, "(120)"));
    assert_non_null(strstr(k.server.why.text, "no application protocol"));
    kit_done(&k);
    co.alpn = NULL;
    start(&k, &so, &co);
    kit_handshake(&k);
    assert_int_equal(tls_stream_alpn(k.server.stream).len, 0);
    kit_done(&k);
}

static struct tls_context *by_name[2];

static struct tls_context *choose_by_sni(struct kit *k, const struct tls_hello *hello)
{
    (void)k;
    return by_name[slice_eq(hello->sni, SLICE("client.test"))];
}

static void the_name_in_the_hello_chooses_the_context_with_all_its_settings(void **state)
{
    (void)state;
    struct judge j = {.verdict = OK};
    struct tls_server_options plain = server_options(), strict = server_options();
    strict.identity = kit_identity_pem(&client_id);
    strict.client_cert = TLS_CLIENT_CERT_REQUIRE;
    strict.verify = judge;
    strict.verify_arg = &j;
    strict.alpn = "h2";
    by_name[0] = kit_server_context(&plain);
    by_name[1] = kit_server_context(&strict);
    for (int which = 0; which < 2; which++) {
        struct kit k;
        struct tls_client_options co = client_options();
        co.identity = kit_identity_pem(&stranger_id);
        kit_init(&k);
        k.on_hello = choose_by_sni;
        k.client_context = kit_client_context(&co);
        k.name = which ? "client.test" : "server.test";
        kit_handshake(&k);
        assert_int_equal(X509_cmp(tls_stream_peer(k.client.stream), which ? client_id.x509 : server_id.x509), 0);
        assert_int_equal(tls_stream_peer(k.server.stream) != NULL, which);
        assert_int_equal(j.calls, which);
        kit_done(&k);
    }
    tls_context_unref(by_name[0]);
    tls_context_unref(by_name[1]);
}

static void an_alpn_list_of_one_is_told_from_a_list_of_more(void **state)
{
    (void)state;
    struct tls_hello h = {.alpn_wire = SLICE("\x03rh2")};
    assert_true(tls_hello_offers_only(&h, "rh2"));
    assert_false(tls_hello_offers_only(&h, "rh"));
    h.alpn_wire = SLICE("\x03rh2\x02h2");
    assert_false(tls_hello_offers_only(&h, "rh2"));
    h.alpn_wire = SLICE_NONE;
    assert_false(tls_hello_offers_only(&h, "rh2"));
}

/* --- handing over to another loop --- */

struct second {
    struct kit k; /* its loop and its end of the connection; the listener is unused */
    int fd;
    struct slice bytes;
    struct tls_context *context;
    bool echoed;
};

static struct tls_context *second_hello(void *ctx, const struct tls_hello *hello)
{
    struct second *s = ctx;
    assert_true(tls_hello_offers_only(hello, "rh2"));
    return s->context;
}

static void second_detach(void *ctx, struct net_stream *below, struct slice already_read)
{
    (void)ctx;
    (void)below;
    (void)already_read;
    abort();
}

static void second_data(void *ctx, struct slice data)
{
    struct second *s = ctx;
    net_stream_write(s->k.server.stream, data);
    s->echoed = true;
}

static void second_end(void *ctx)
{
    struct second *s = ctx;
    net_stream_close(s->k.server.stream);
    s->k.server.stream = NULL;
    loop_stop(s->k.loop);
}

static void second_close(void *ctx, const struct error *why)
{
    (void)why;
    second_end(ctx);
}

static void second_ready(void *ctx, struct net_stream *stream)
{
    static const struct net_stream_events events = {second_data, second_end, ignore, second_close};
    struct second *s = ctx;
    s->k.server.stream = stream;
    net_stream_set_events(stream, &events, s);
}

static void second_fail(void *ctx, const struct error *why)
{
    struct second *s = ctx;
    s->k.server.why = *why;
    loop_stop(s->k.loop);
}

static void second_start(void *arg)
{
    static const struct tls_accept_events events = {second_hello, second_detach, second_ready, second_fail};
    struct second *s = arg;
    struct net_stream *socket = net_tcp_adopt(s->k.loop, s->fd, s->bytes);
    s->k.server.handshake = tls_accept(s->k.loop, socket, 5000, &events, s);
}

static void second_thread(void *arg)
{
    struct second *s = arg;
    loop_run(s->k.loop);
}

static struct tls_context *give_up(struct kit *k, const struct tls_hello *hello)
{
    (void)k;
    return tls_hello_offers_only(hello, "rh2") ? NULL : k->server_context;
}

static bool was_detached(struct kit *k)
{
    return k->detached != NULL;
}

static bool client_got_echo(struct kit *k)
{
    return k->client.total == 4;
}

static void a_tunnel_is_handed_to_a_loop_in_another_thread_and_completes_there(void **state)
{
    (void)state;
    struct kit k;
    struct second s = {0};
    struct tls_server_options so = server_options();
    struct tls_client_options co = client_options();
    so.alpn = co.alpn = "rh2";
    start(&k, &so, &co);
    k.on_hello = give_up;
    kit_connect(&k);
    KIT_RUN_UNTIL(&k, was_detached);
    assert_false(k.server.ready || k.server.failed);
    kit_run_for(&k, 20); /* what is detached does not disturb its old loop */
    s.k.loop = loop_new();
    s.context = k.server_context;
    s.bytes = buf_data(&k.detached_bytes);
    s.fd = net_tcp_detach(k.detached);
    k.detached = NULL;
    struct loop_thread *t = loop_thread_start("second", second_thread, &s);
    loop_post(s.k.loop, second_start, &s);
    kit_run_for(&k, 20);
    while (!k.client.ready && !k.client.failed)
        kit_run_for(&k, 5);
    assert_string_equal(k.client.why.text, "");
    kit_write(&k.client, "echo");
    KIT_RUN_UNTIL(&k, client_got_echo);
    kit_assert_got(&k.client, "echo");
    net_stream_close(k.client.stream);
    k.client.stream = NULL;
    loop_thread_join(t);
    assert_true(s.echoed);
    loop_free(s.k.loop);
    kit_done(&k);
}

/* --- hostile input --- */

static void check_garbage(const char *bytes, size_t len, const char *expected)
{
    struct kit k;
    struct tls_server_options so = server_options();
    kit_init(&k);
    k.server_context = kit_server_context(&so);
    k.timeout_ms = 300;
    kit_connect(&k);
    while (!k.client.ready)
        kit_run_for(&k, 1);
    net_stream_write(k.client.stream, slice_make(bytes, len));
    KIT_RUN_UNTIL(&k, kit_server_failed);
    if (!strstr(k.server.why.text, expected))
        fail_msg("'%s' lacks '%s'", k.server.why.text, expected);
    kit_done(&k);
}

static void garbage_instead_of_a_hello_is_an_error_in_words(void **state)
{
    static char zeros[70000];
    (void)state;
    check_garbage("GET / HTTP/1.1\r\n\r\n", 18, "http request");
    check_garbage("SSH-2.0-OpenSSH_9\r\n", 19, "TLS failed");
    check_garbage(zeros, sizeof zeros, "TLS failed");
    check_garbage("\x16\x03\x01\x02", 4, "in time");
    /* a ClientHello that says it is 16 MiB long */
    check_garbage("\x16\x03\x01\x00\x06\x01\xff\xff\xff\x03\x03", 11, "TLS failed");
    /* an alert, and one byte more */
    check_garbage("\x15\x03\x01\x00\x02\x02\x28\x00", 8, "TLS failed");
}

static void a_silent_client_is_given_up_after_the_time_limit(void **state)
{
    (void)state;
    struct kit k;
    struct tls_server_options so = server_options();
    kit_init(&k);
    k.server_context = kit_server_context(&so);
    k.timeout_ms = 50;
    kit_connect(&k);
    KIT_RUN_UNTIL(&k, kit_server_failed);
    assert_int_equal(k.server.why.code, R_TIMEOUT);
    assert_true(k.client.ready);
    KIT_RUN_UNTIL(&k, kit_client_ended);
    kit_done(&k);
}

static void a_client_that_leaves_in_the_handshake_is_an_end_not_a_crash(void **state)
{
    (void)state;
    struct kit k;
    struct tls_server_options so = server_options();
    kit_init(&k);
    k.server_context = kit_server_context(&so);
    kit_connect(&k);
    while (!k.client.ready)
        kit_run_for(&k, 1);
    net_stream_shutdown(k.client.stream);
    KIT_RUN_UNTIL(&k, kit_server_failed);
    assert_int_equal(k.server.why.code, R_EOF);
    kit_done(&k);
}

static void a_cancelled_handshake_calls_nobody(void **state)
{
    (void)state;
    struct kit k;
    struct tls_server_options so = server_options();
    struct tls_client_options co = client_options();
    start(&k, &so, &co);
    k.cancel_at_once = true;
    kit_connect(&k);
    KIT_RUN_UNTIL(&k, kit_server_failed);
    assert_false(k.client.ready || k.client.failed);
    kit_done(&k);
}

static void broken_identities_and_anchors_are_errors(void **state)
{
    (void)state;
    struct tls_context *c;
    struct error err;
    struct tls_server_options so = server_options();
    so.identity.key_pem = slice_of(client_id.key);
    assert_int_equal(tls_context_server(&so, &c, &err), R_INVALID);
    assert_non_null(strstr(err.text, "private key is not the certificate's"));
    so.identity.key_pem = SLICE("not a key");
    assert_int_equal(tls_context_server(&so, &c, &err), R_INVALID);
    so = server_options();
    so.identity.certificate_pem = SLICE("");
    assert_int_equal(tls_context_server(&so, &c, &err), R_INVALID);
    char cut[8192];
    (void)snprintf(cut, sizeof cut, "%s-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n", ca.certificate);
    struct tls_client_options co = {.anchors_pem = slice_of(cut)};
    assert_int_equal(tls_context_client(&co, &c, &err), R_INVALID);
    co.anchors_pem = SLICE("nothing");
    assert_int_equal(tls_context_client(&co, &c, &err), R_INVALID);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_handshake_joins_two_ends_and_tells_what_was_agreed),
        cmocka_unit_test(a_wrong_host_name_is_refused_with_both_names),
        cmocka_unit_test(an_unknown_issuer_is_refused_and_named),
        cmocka_unit_test(an_expired_certificate_is_refused),
        cmocka_unit_test(an_address_is_checked_against_the_certificate_and_not_sent),
        cmocka_unit_test(a_client_with_its_own_judge_lets_it_alone_decide),
        cmocka_unit_test(an_asked_for_certificate_is_taken_whatever_it_is),
        cmocka_unit_test(the_peers_chain_starts_with_its_leaf_on_both_sides),
        cmocka_unit_test(a_required_certificate_must_be_shown_and_please_the_judge),
        cmocka_unit_test(a_client_without_the_required_certificate_learns_it_by_alert_116),
        cmocka_unit_test(the_length_of_certificates_is_of_what_came),
        cmocka_unit_test(a_required_certificate_without_a_judge_is_no_context),
        cmocka_unit_test(the_server_prefers_its_own_order_of_protocols),
        cmocka_unit_test(no_common_protocol_is_an_alert_and_none_offered_is_fine),
        cmocka_unit_test(the_name_in_the_hello_chooses_the_context_with_all_its_settings),
        cmocka_unit_test(an_alpn_list_of_one_is_told_from_a_list_of_more),
        cmocka_unit_test(a_tunnel_is_handed_to_a_loop_in_another_thread_and_completes_there),
        cmocka_unit_test(garbage_instead_of_a_hello_is_an_error_in_words),
        cmocka_unit_test(a_silent_client_is_given_up_after_the_time_limit),
        cmocka_unit_test(a_client_that_leaves_in_the_handshake_is_an_end_not_a_crash),
        cmocka_unit_test(a_cancelled_handshake_calls_nobody),
        cmocka_unit_test(broken_identities_and_anchors_are_errors),
    };
    return cmocka_run_group_tests(tests, make_identities, free_identities);
}
