/* SPDX-License-Identifier: Apache-2.0 */
/* What is negotiated with a client of OpenSSL's own: versions, ciphers, groups, resumption. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <openssl/err.h>
#include <openssl/ssl.h>

#include "base/clock.h"
#include "kit.h"

static struct kit_identity ca, server_id, client_id;
enum { DAY = 24 * 3600 };

static int make_identities(void **state)
{
    (void)state;
    ca = kit_identity_new("Test CA", NULL, -60, DAY);
    server_id = kit_identity_new("server.test", &ca, -60, DAY);
    client_id = kit_identity_new("client.test", &ca, -60, DAY);
    return 0;
}

static int free_identities(void **state)
{
    (void)state;
    kit_identity_free(&ca);
    kit_identity_free(&server_id);
    kit_identity_free(&client_id);
    return 0;
}

static struct tls_server_options server_options(void)
{
    return (struct tls_server_options){.identity = kit_identity_pem(&server_id), .alpn = "h2,http/1.1"};
}

/* A client by OpenSSL alone, with settings that ours does not have, in a blocking thread of its own. */
struct foreign {
    uint16_t port;
    int version; /* its maximum */
    const char *ciphers, *groups;
    SSL_CTX *ctx;
    SSL_SESSION *session; /* to resume, and the newest one */
    bool ok, reused;
    int version_used;
    char reason[128];
};

static int keep_session(SSL *ssl, SSL_SESSION *session)
{
    struct foreign *f = SSL_get_app_data(ssl);
    SSL_SESSION_free(f->session);
    f->session = session;
    return 1;
}

static void foreign_client(void *arg)
{
    struct foreign *f = arg;
    char target[32], byte;
    SSL *ssl;
    (void)snprintf(target, sizeof target, "127.0.0.1:%u", f->port);
    BIO *bio = BIO_new_ssl_connect(f->ctx);
    (void)BIO_set_conn_hostname(bio, target);
    (void)BIO_get_ssl(bio, &ssl);
    SSL_set_app_data(ssl, f);
    (void)SSL_set_tlsext_host_name(ssl, "server.test");
    if (f->session)
        (void)SSL_set_session(ssl, f->session);
    f->ok = BIO_do_handshake(bio) == 1 && BIO_write(bio, "hello", 5) == 5 && BIO_read(bio, &byte, 1) == 1;
    f->reused = SSL_session_reused(ssl) == 1;
    f->version_used = SSL_version(ssl);
    const char *reason = ERR_reason_error_string(ERR_peek_error());
    (void)snprintf(f->reason, sizeof f->reason, "%s", reason ? reason : "");
    ERR_clear_error();
    if (f->ok)
        (void)SSL_shutdown(ssl);
    BIO_free_all(bio);
}

static bool server_got_hello(struct kit *k)
{
    return k->server.failed || k->server.total == 5;
}

/* Runs one connection of the foreign client against the kit's server. */
static void run_foreign(struct kit *k, struct foreign *f)
{
    f->port = k->port;
    struct loop_thread *t = loop_thread_start("client", foreign_client, f);
    KIT_RUN_UNTIL(k, server_got_hello);
    if (!k->server.failed) {
        kit_write(&k->server, "!");
        KIT_RUN_UNTIL(k, kit_server_ended);
        net_stream_shutdown(k->server.stream);
    }
    loop_thread_join(t);
}

static void foreign_init(struct foreign *f, int min, int max)
{
    *f = (struct foreign){.ctx = SSL_CTX_new(TLS_client_method())};
    SSL_CTX_set_security_level(f->ctx, 0);
    (void)SSL_CTX_set_min_proto_version(f->ctx, min);
    (void)SSL_CTX_set_max_proto_version(f->ctx, max);
    (void)SSL_CTX_set_session_cache_mode(f->ctx, SSL_SESS_CACHE_CLIENT | SSL_SESS_CACHE_NO_INTERNAL);
    SSL_CTX_sess_set_new_cb(f->ctx, keep_session);
}

static void foreign_done(struct foreign *f)
{
    SSL_SESSION_free(f->session);
    SSL_CTX_free(f->ctx);
}

static void tls12_joins_two_ends(void **state)
{
    (void)state;
    struct kit k;
    struct foreign f;
    struct tls_server_options so = server_options();
    kit_init(&k);
    k.server_context = kit_server_context(&so);
    foreign_init(&f, TLS1_2_VERSION, TLS1_2_VERSION);
    run_foreign(&k, &f);
    assert_true(f.ok);
    assert_int_equal(f.version_used, TLS1_2_VERSION);
    foreign_done(&f);
    kit_done(&k);
}

static void tls13_is_agreed_on_where_both_can(void **state)
{
    (void)state;
    struct kit k;
    struct foreign f;
    struct tls_server_options so = server_options();
    kit_init(&k);
    k.server_context = kit_server_context(&so);
    foreign_init(&f, TLS1_2_VERSION, TLS1_3_VERSION);
    run_foreign(&k, &f);
    assert_true(f.ok);
    assert_int_equal(f.version_used, TLS1_3_VERSION);
    foreign_done(&f);
    kit_done(&k);
}

static void tls11_is_refused_and_the_operator_told(void **state)
{
    (void)state;
    struct kit k;
    struct foreign f;
    struct tls_server_options so = server_options();
    kit_init(&k);
    k.server_context = kit_server_context(&so);
    foreign_init(&f, TLS1_VERSION, TLS1_1_VERSION);
    run_foreign(&k, &f);
    assert_false(f.ok);
    assert_true(k.server.failed);
    assert_non_null(strstr(k.server.why.text, "unsupported protocol"));
    foreign_done(&f);
    kit_done(&k);
}

static void a_tls13_only_context_refuses_tls12(void **state)
{
    (void)state;
    struct kit k;
    struct foreign f;
    struct tls_server_options so = server_options();
    so.tls13_only = true;
    kit_init(&k);
    k.server_context = kit_server_context(&so);
    foreign_init(&f, TLS1_2_VERSION, TLS1_2_VERSION);
    run_foreign(&k, &f);
    assert_false(f.ok);
    assert_true(k.server.failed);
    foreign_done(&f);
    kit_done(&k);
}

static void ciphers_without_forward_secrecy_or_aead_are_refused(void **state)
{
    static const char *const weak[] = {"AES128-GCM-SHA256", "ECDHE-ECDSA-AES128-SHA256", "ECDHE-ECDSA-AES128-SHA"};
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(weak); i++) {
        struct kit k;
        struct foreign f;
        struct tls_server_options so = server_options();
        kit_init(&k);
        k.server_context = kit_server_context(&so);
        foreign_init(&f, TLS1_2_VERSION, TLS1_2_VERSION);
        assert_int_equal(SSL_CTX_set_cipher_list(f.ctx, weak[i]), 1);
        run_foreign(&k, &f);
        assert_false(f.ok);
        assert_non_null(strstr(k.server.why.text, "no shared cipher"));
        foreign_done(&f);
        kit_done(&k);
    }
}

static void a_group_that_needs_a_second_hello_asks_for_the_context_once(void **state)
{
    (void)state;
    struct kit k;
    struct foreign f;
    struct tls_server_options so = server_options();
    kit_init(&k);
    k.server_context = kit_server_context(&so);
    foreign_init(&f, TLS1_3_VERSION, TLS1_3_VERSION);
    assert_int_equal(SSL_CTX_set1_groups_list(f.ctx, "X448:P-384"), 1); /* the key share is for X448 */
    run_foreign(&k, &f);
    assert_true(f.ok);
    assert_int_equal(k.hellos, 1);
    assert_int_equal(k.dear, 6); /* told once, too */
    foreign_done(&f);
    kit_done(&k);
}

static void check_dear(int version, const char *group, size_t expected)
{
    struct kit k;
    struct foreign f;
    struct kit_identity own = kit_identity_of_key(EVP_EC_gen(group), "server.test", &ca, -60, DAY);
    struct tls_server_options so = {.identity = kit_identity_pem(&own)};
    kit_init(&k);
    k.server_context = kit_server_context(&so);
    foreign_init(&f, version, version);
    assert_int_equal(SSL_CTX_set1_groups_list(f.ctx, group), 1);
    run_foreign(&k, &f);
    assert_true(f.ok);
    assert_int_equal(k.dear, expected);
    foreign_done(&f);
    kit_done(&k);
    kit_identity_free(&own);
}

static void the_owner_is_told_what_the_clients_choice_of_a_group_costs(void **state)
{
    (void)state;
    for (int version = TLS1_2_VERSION; version <= TLS1_3_VERSION; version++) {
        check_dear(version, "P-256", 0);
        check_dear(version, "P-384", 6);
        check_dear(version, "P-521", 2);
    }
}

/* --- resumption --- */

/* A server, and a client with a certificate. */
static void begin_resumption(struct kit *k, struct foreign *f, int version, bool resumption)
{
    struct tls_server_options so = server_options();
    so.resumption = resumption;
    so.client_cert = TLS_CLIENT_CERT_ASK;
    kit_init(k);
    k->server_context = kit_server_context(&so);
    foreign_init(f, version, version);
    assert_int_equal(SSL_CTX_use_certificate(f->ctx, client_id.x509), 1);
    assert_int_equal(SSL_CTX_use_PrivateKey(f->ctx, client_id.pkey), 1);
}

static void connect_and_close(struct kit *k, struct foreign *f, bool resumed)
{
    run_foreign(k, f);
    assert_true(f->ok);
    assert_int_equal(f->reused, resumed);
    kit_hang_up(k);
}

static void check_resumption(int version, bool resumption)
{
    struct kit k;
    struct foreign f;
    (void)tls_sessions_end(INT32_MAX); /* those of other tests */
    begin_resumption(&k, &f, version, resumption);
    connect_and_close(&k, &f, false);
    assert_int_equal(tls_sessions_end(clock_wall_s()), resumption);
    run_foreign(&k, &f);
    assert_true(f.ok);
    assert_int_equal(f.reused, resumption);
    assert_int_equal(tls_stream_resumed(k.server.stream), resumption);
    assert_true(slice_eq(tls_stream_sni(k.server.stream), SLICE("server.test")));
    assert_non_null(tls_stream_peer(k.server.stream)); /* a resumed session brings the certificate back */
    assert_int_equal(X509_cmp(tls_stream_peer(k.server.stream), client_id.x509), 0);
    assert_non_null(tls_stream_peer_chain(k.server.stream));
    kit_hang_up(&k);
    if (resumption) { /* another context of the same certificate knows nothing of this one's sessions */
        struct tls_server_options so = server_options();
        so.resumption = true;
        tls_context_unref(k.server_context);
        k.server_context = kit_server_context(&so);
        run_foreign(&k, &f);
        assert_true(f.ok);
        assert_false(f.reused);
    }
    foreign_done(&f);
    kit_done(&k);
}

static void sessions_resume_where_allowed_and_only_in_their_context(void **state)
{
    (void)state;
    check_resumption(TLS1_2_VERSION, true);
    check_resumption(TLS1_3_VERSION, true);
}

static void sessions_do_not_resume_where_not_allowed(void **state)
{
    (void)state;
    check_resumption(TLS1_2_VERSION, false);
    check_resumption(TLS1_3_VERSION, false);
}

static void check_end_of_sessions(int version)
{
    enum { SECONDS = 20 * 60 };
    struct kit k;
    struct foreign f;
    int64_t now = clock_wall_s();
    (void)tls_sessions_end(INT32_MAX); /* those of other tests */
    begin_resumption(&k, &f, version, true);
    connect_and_close(&k, &f, false);
    assert_int_equal(tls_sessions_end(now + SECONDS - 60), 1);
    connect_and_close(&k, &f, true);
    assert_true(tls_sessions_end(now + SECONDS - 60) >= 1); /* TLS 1.3: another one for the next time */
    assert_int_equal(tls_sessions_end(now + SECONDS + 60), 0);
    connect_and_close(&k, &f, false);
    foreign_done(&f);
    kit_done(&k);
}

static void sessions_end_after_twenty_minutes_without_another_connection(void **state)
{
    (void)state;
    check_end_of_sessions(TLS1_2_VERSION);
    check_end_of_sessions(TLS1_3_VERSION);
}

static void check_long_chain(int version, int certificates, bool resumed)
{
    struct kit k;
    struct foreign f;
    (void)tls_sessions_end(INT32_MAX);
    begin_resumption(&k, &f, version, true);
    for (int i = 0; i < certificates; i++)
        assert_int_equal(SSL_CTX_add1_chain_cert(f.ctx, client_id.x509), 1);
    connect_and_close(&k, &f, false);
    assert_int_equal(tls_sessions_end(clock_wall_s()), resumed);
    connect_and_close(&k, &f, resumed);
    foreign_done(&f);
    kit_done(&k);
}

static void a_session_with_kilobytes_of_certificates_is_not_kept(void **state)
{
    int size = i2d_X509(client_id.x509, NULL), fit = 8192 / size - 1;
    (void)state;
    for (int version = TLS1_2_VERSION; version <= TLS1_3_VERSION; version++) {
        check_long_chain(version, fit, true);
        check_long_chain(version, fit + 1, false);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(tls12_joins_two_ends),
        cmocka_unit_test(tls13_is_agreed_on_where_both_can),
        cmocka_unit_test(tls11_is_refused_and_the_operator_told),
        cmocka_unit_test(a_tls13_only_context_refuses_tls12),
        cmocka_unit_test(ciphers_without_forward_secrecy_or_aead_are_refused),
        cmocka_unit_test(a_group_that_needs_a_second_hello_asks_for_the_context_once),
        cmocka_unit_test(the_owner_is_told_what_the_clients_choice_of_a_group_costs),
        cmocka_unit_test(sessions_resume_where_allowed_and_only_in_their_context),
        cmocka_unit_test(sessions_do_not_resume_where_not_allowed),
        cmocka_unit_test(sessions_end_after_twenty_minutes_without_another_connection),
        cmocka_unit_test(a_session_with_kilobytes_of_certificates_is_not_kept),
    };
    return cmocka_run_group_tests(tests, make_identities, free_identities);
}
