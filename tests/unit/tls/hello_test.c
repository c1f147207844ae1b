/* SPDX-License-Identifier: Apache-2.0 */
/* ClientHellos that no client of OpenSSL's writes: lists as long as a stranger likes. */
#include <string.h>

#include <openssl/ssl.h>

#include "kit.h"

enum { X25519 = 0x1d, OTHER = 0x1a /* brainpoolP256r1 */ };

static struct kit_identity server_id;

static int make_identity(void **state)
{
    (void)state;
    server_id = kit_identity_new("server.test", NULL, -60, 3600);
    return 0;
}

static int free_identity(void **state)
{
    (void)state;
    kit_identity_free(&server_id);
    return 0;
}

static void put(struct buf *b, size_t number, size_t octets)
{
    for (size_t i = octets; i-- > 0;)
        assert_int_equal(buf_append(b, slice_make(&(char){(char)(number >> 8 * i)}, 1)), OK);
}

/* Each entry the same, but for the last one: what is looked for stands at the end. */
static void put_list(struct buf *b, size_t extension, size_t len, size_t entry, size_t last)
{
    put(b, extension, 2);
    put(b, len, 2);
    put(b, len - 2, 2);
    for (size_t left = len - 2; left > 2; left -= 2)
        put(b, entry, 2);
    put(b, last, 2);
}

/* Key shares of one octet for a group that is not ours, the last of them as long as is left, then one of X25519. */
static void put_shares(struct buf *b, size_t len)
{
    enum { SHARE = 5, X25519_SHARE = 36 };
    put(b, TLSEXT_TYPE_key_share, 2);
    put(b, len, 2);
    put(b, len - 2, 2);
    size_t left = len - 2 - X25519_SHARE;
    for (; left >= 2 * SHARE; left -= SHARE) {
        put(b, OTHER, 2);
        put(b, 1, 2);
        put(b, 1, 1);
    }
    put(b, OTHER, 2);
    put(b, left - 4, 2);
    put(b, 1, left - 4);
    put(b, X25519, 2);
    put(b, 32, 2);
    put(b, 9, 32);
}

struct lists {
    size_t ciphers, groups, algorithms, certificate_algorithms, shares; /* octets */
};

static void write_hello(struct buf *ret, const struct lists *l)
{
    struct buf extensions, body;
    buf_init(&extensions, 65535);
    buf_init(&body, 131072);
    put(&extensions, TLSEXT_TYPE_supported_versions, 2);
    put(&extensions, 3, 2);
    put(&extensions, 2, 1);
    put(&extensions, TLS1_3_VERSION, 2);
    put_list(&extensions, TLSEXT_TYPE_supported_groups, l->groups, OTHER, X25519);
    put_list(&extensions, TLSEXT_TYPE_signature_algorithms, l->algorithms, 0x0808, 0x0403);
    put_list(&extensions, TLSEXT_TYPE_signature_algorithms_cert, l->certificate_algorithms, 0x0808, 0x0403);
    put_shares(&extensions, l->shares);
    put(&body, TLS1_2_VERSION, 2);
    put(&body, 7, 32);
    put(&body, 0, 1);
    put(&body, l->ciphers, 2);
    for (size_t i = 0; i < l->ciphers; i += 2)
        put(&body, 0x1301, 2);
    put(&body, 0x0100, 2);
    put(&body, buf_data(&extensions).len, 2);
    assert_int_equal(buf_append(&body, buf_data(&extensions)), OK);
    put(ret, SSL3_MT_CLIENT_HELLO, 1);
    put(ret, buf_data(&body).len, 3);
    assert_int_equal(buf_append(ret, buf_data(&body)), OK);
    buf_free(&extensions);
    buf_free(&body);
}

static void send_hello(struct kit_end *client, const struct lists *l)
{
    enum { RECORD = 16384 };
    struct buf hello, records;
    buf_init(&hello, 131072);
    buf_init(&records, 131072);
    write_hello(&hello, l);
    for (struct slice rest = buf_data(&hello); rest.len;) {
        size_t n = rest.len < RECORD ? rest.len : RECORD;
        put(&records, SSL3_RT_HANDSHAKE, 1);
        put(&records, TLS1_VERSION, 2);
        put(&records, n, 2);
        assert_int_equal(buf_append(&records, slice_make(rest.ptr, n)), OK);
        rest = slice_skip(rest, n);
    }
    net_stream_write(client->stream, buf_data(&records));
    buf_free(&hello);
    buf_free(&records);
}

static bool client_got_something(struct kit *k)
{
    return k->client.total > 7;
}

/* `expected` NULL: it is answered. */
static void check_lists(const struct lists *l, const char *expected)
{
    struct kit k;
    struct tls_server_options so = {.identity = kit_identity_pem(&server_id)};
    kit_init(&k);
    k.server_context = kit_server_context(&so);
    kit_connect(&k);
    while (!k.client.ready)
        kit_run_for(&k, 1);
    send_hello(&k.client, l);
    if (expected) {
        KIT_RUN_UNTIL(&k, kit_server_failed);
        assert_non_null(strstr(k.server.why.text, expected));
        assert_int_equal(k.hellos, 0);
    } else {
        KIT_RUN_UNTIL(&k, client_got_something);
        assert_int_equal(k.hellos, 1);
        assert_false(k.server.failed);
    }
    kit_done(&k);
}

static void a_hello_whose_lists_are_longer_than_anybodys_is_refused_before_it_is_worked_on(void **state)
{
    static const struct lists most = {2048, 512, 512, 512, 8192};
    (void)state;
    struct lists l = most;
    check_lists(&l, NULL);
    l.ciphers += 2;
    check_lists(&l, "2050 bytes of cipher suites");
    l = most;
    l.groups += 2;
    check_lists(&l, "514 bytes of groups");
    l = most;
    l.algorithms += 2;
    check_lists(&l, "514 bytes of signature algorithms,");
    l = most;
    l.certificate_algorithms += 2;
    check_lists(&l, "514 bytes of signature algorithms of certificates");
    l = most;
    l.shares++;
    check_lists(&l, "8193 bytes of key shares");
    l.groups = 32000;
    l.shares = 30000;
    check_lists(&l, "32000 bytes of groups");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_hello_whose_lists_are_longer_than_anybodys_is_refused_before_it_is_worked_on),
    };
    return cmocka_run_group_tests(tests, make_identity, free_identity);
}
