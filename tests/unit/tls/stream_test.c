/* SPDX-License-Identifier: Apache-2.0 */
/* Established TLS streams: much data, pressure back, ends, truncation, closing inside callbacks. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include <openssl/err.h>
#include <openssl/ssl.h>

#include "base/mem.h"
#include "kit.h"

static struct kit_identity ca, server_id;
enum { DAY = 24 * 3600, MUCH = 10 * 1024 * 1024 };

static int make_identities(void **state)
{
    (void)state;
    ca = kit_identity_new("Test CA", NULL, -60, DAY);
    server_id = kit_identity_new("server.test", &ca, -60, DAY);
    return 0;
}

static int free_identities(void **state)
{
    (void)state;
    kit_identity_free(&ca);
    kit_identity_free(&server_id);
    return 0;
}

static void prepare(struct kit *k)
{
    struct tls_server_options so = {.identity = kit_identity_pem(&server_id)};
    struct tls_client_options co = {.anchors_pem = slice_of(ca.certificate)};
    kit_init(k);
    k->server_context = kit_server_context(&so);
    k->client_context = kit_client_context(&co);
}

static void start(struct kit *k)
{
    prepare(k);
    kit_handshake(k);
}

/* --- much data --- */

static char pattern_at(size_t i)
{
    return (char)(i * 2654435761u >> 13);
}

struct sender {
    struct kit_end *from;
    size_t sent, most_queued;
    unsigned long sum;
};

/* Writes pieces of changing sizes while the stream takes them. */
static void send_more(struct sender *s)
{
    static char piece[40000];
    while (s->sent < MUCH && !net_stream_congested(s->from->stream)) {
        size_t n = 1 + s->sent % sizeof piece;
        if (n > MUCH - s->sent)
            n = MUCH - s->sent;
        for (size_t i = 0; i < n; i++) {
            piece[i] = pattern_at(s->sent + i);
            s->sum = s->sum * 31 + (unsigned char)piece[i];
        }
        net_stream_write(s->from->stream, slice_make(piece, n));
        s->sent += n;
        if (net_stream_queued(s->from->stream) > s->most_queued)
            s->most_queued = net_stream_queued(s->from->stream);
    }
}

static struct sender senders[2];

static bool all_arrived(struct kit *k)
{
    struct kit_end *ends[] = {&k->server, &k->client};
    for (size_t i = 0; i < 2; i++) {
        if (ends[i]->drained || senders[i].sent == 0) {
            ends[i]->drained = false;
            send_more(&senders[i]);
        }
        if (ends[i]->pause_in_data) /* a slow reader: a little each millisecond */
            net_stream_resume(ends[i]->stream);
    }
    return k->server.total == MUCH && k->client.total == MUCH;
}

static void check_much(bool slow_client)
{
    struct kit k;
    start(&k);
    k.client.pause_in_data = slow_client;
    senders[0] = (struct sender){.from = &k.server};
    senders[1] = (struct sender){.from = &k.client};
    KIT_RUN_UNTIL(&k, all_arrived);
    assert_true(k.client.sum == senders[0].sum);
    assert_true(k.server.sum == senders[1].sum);
    assert_true(senders[0].most_queued < NET_STREAM_HIGH + 128 * 1024);
    assert_true(senders[1].most_queued < NET_STREAM_HIGH + 128 * 1024);
    kit_done(&k);
}

static void ten_megabytes_each_way_arrive_whole_in_bounded_memory(void **state)
{
    (void)state;
    check_much(false);
}

static void a_reader_that_pauses_after_every_piece_gets_all_of_it(void **state)
{
    (void)state;
    check_much(true);
}

static void a_paused_reader_holds_the_writer_back_and_gets_nothing(void **state)
{
    (void)state;
    struct kit k;
    start(&k);
    net_stream_pause(k.client.stream);
    senders[0] = (struct sender){.from = &k.server};
    senders[1] = (struct sender){.from = &k.client, .sent = MUCH};
    send_more(&senders[0]);
    kit_run_for(&k, 100);
    assert_int_equal(k.client.total, 0);
    for (int i = 0; i < 20; i++) { /* what the kernel takes has an end */
        if (k.server.drained)
            send_more(&senders[0]);
        k.server.drained = false;
        kit_run_for(&k, 10);
    }
    assert_true(net_stream_congested(k.server.stream));
    assert_true(senders[0].sent < MUCH);
    assert_int_equal(k.client.total, 0);
    kit_done(&k);
}

static void the_owner_is_told_of_room_exactly_when_it_was_congested(void **state)
{
    static char piece[NET_STREAM_HIGH / 2];
    (void)state;
    struct kit k;
    start(&k);
    kit_write(&k.server, "small");
    kit_run_for(&k, 20);
    assert_false(k.server.drained);
    net_stream_pause(k.client.stream);
    kit_run_for(&k, 5);
    while (net_stream_queued(k.server.stream) == 0) { /* until the kernel is full */
        net_stream_write(k.server.stream, slice_make(piece, sizeof piece));
        kit_run_for(&k, 1);
    }
    while (!net_stream_congested(k.server.stream)) /* less than a record each: what is gathered counts, too */
        net_stream_write(k.server.stream, slice_make(piece, 1000));
    assert_false(k.server.drained);
    net_stream_resume(k.client.stream);
    kit_run_for(&k, 200);
    assert_true(k.server.drained);
    assert_int_equal(net_stream_queued(k.server.stream), 0);
    kit_done(&k);
}

/* --- gathering --- */

/* The client is a bare socket behind OpenSSL's own BIO pair: it sees the records. */
struct raw_client {
    uint16_t port;
    int records;
    size_t bytes;
};

static void count_records(int write, int version, int type, const void *bytes, size_t len, SSL *ssl, void *arg)
{
    struct raw_client *c = arg;
    const unsigned char *header = bytes;
    (void)version;
    (void)ssl;
    if (!write && type == SSL3_RT_HEADER && len >= 1 && header[0] == SSL3_RT_APPLICATION_DATA)
        c->records++;
}

static void raw_client(void *arg)
{
    struct raw_client *c = arg;
    char target[32], data[4096];
    SSL_CTX *ctx = SSL_CTX_new(TLS_client_method());
    SSL *ssl;
    (void)SSL_CTX_set_max_proto_version(ctx, TLS1_2_VERSION); /* one application record is one write */
    BIO *bio = BIO_new_ssl_connect(ctx);
    (void)snprintf(target, sizeof target, "127.0.0.1:%u", c->port);
    (void)BIO_set_conn_hostname(bio, target);
    (void)BIO_get_ssl(bio, &ssl);
    SSL_set_msg_callback(ssl, count_records);
    SSL_set_msg_callback_arg(ssl, c);
    for (int n; (n = BIO_read(bio, data, sizeof data)) > 0;)
        c->bytes += (size_t)n;
    ERR_clear_error();
    BIO_free_all(bio);
    SSL_CTX_free(ctx);
}

static void many_small_writes_of_one_turn_are_one_record(void **state)
{
    (void)state;
    struct kit k;
    prepare(&k);
    struct raw_client c = {.port = k.port};
    struct loop_thread *t = loop_thread_start("client", raw_client, &c);
    KIT_RUN_UNTIL(&k, kit_server_ready);
    for (int i = 0; i < 1000; i++)
        kit_write(&k.server, "0123456789");
    net_stream_shutdown(k.server.stream);
    KIT_RUN_UNTIL(&k, kit_server_ended);
    loop_thread_join(t);
    assert_int_equal(c.bytes, 10000);
    assert_int_equal(c.records, 1);
    kit_done(&k);
}

/* --- ends --- */

static bool client_got_it_all(struct kit *k)
{
    return k->client.ended;
}

static bool server_got_late(struct kit *k)
{
    return k->server.total == 4;
}

static void one_direction_ends_and_the_other_goes_on(void **state)
{
    (void)state;
    struct kit k;
    start(&k);
    kit_write(&k.server, "last words");
    net_stream_shutdown(k.server.stream);
    KIT_RUN_UNTIL(&k, client_got_it_all);
    kit_assert_got(&k.client, "last words");
    assert_false(k.client.closed);
    kit_write(&k.client, "late");
    KIT_RUN_UNTIL(&k, server_got_late);
    kit_assert_got(&k.server, "late");
    assert_false(k.server.ended);
    net_stream_shutdown(k.client.stream);
    KIT_RUN_UNTIL(&k, kit_server_ended);
    assert_false(k.server.closed || k.client.closed);
    kit_done(&k);
}

static void a_close_brings_all_that_was_written_and_a_clean_end(void **state)
{
    (void)state;
    struct kit k;
    start(&k);
    kit_write(&k.server, "last words");
    net_stream_close(k.server.stream);
    k.server.stream = NULL;
    KIT_RUN_UNTIL(&k, kit_client_ended);
    kit_assert_got(&k.client, "last words");
    kit_done(&k);
}

static void what_ends_while_the_reader_is_paused_is_told_after_it_resumes(void **state)
{
    (void)state;
    struct kit k;
    start(&k);
    k.client.pause_in_data = true;
    kit_write(&k.server, "last words");
    net_stream_shutdown(k.server.stream);
    kit_run_for(&k, 50);
    kit_assert_got(&k.client, "last words");
    assert_false(k.client.ended);
    net_stream_resume(k.client.stream);
    KIT_RUN_UNTIL(&k, kit_client_ended);
    assert_false(k.client.closed);
    kit_done(&k);
}

static void a_reader_paused_from_the_start_gets_what_came_with_the_handshake_later(void **state)
{
    (void)state;
    struct kit k;
    prepare(&k);
    k.server.pause_in_ready = true;
    kit_connect(&k);
    while (!k.client.ready)
        kit_run_for(&k, 1);
    kit_write(&k.client, "early");
    kit_run_for(&k, 50);
    assert_int_equal(k.server.total, 0);
    net_stream_resume(k.server.stream);
    kit_run_for(&k, 50);
    kit_assert_got(&k.server, "early");
    kit_done(&k);
}

/* --- a relay between the two that can cut and change --- */

struct relay {
    struct kit *k;
    struct net_listener *listener;
    struct net_stream *a, *b; /* to the client, to the server */
    struct net_dial *dial;
    struct buf early;
    size_t flip_after; /* bytes of the server's after which one is changed; 0: none */
    size_t passed;
};

static void relay_down(void *ctx, struct slice data) /* server → client */
{
    struct relay *r = ctx;
    char *copy = slice_dup(data);
    if (r->flip_after && r->passed < r->flip_after && r->passed + data.len >= r->flip_after)
        copy[r->flip_after - r->passed - 1] ^= 1;
    r->passed += data.len;
    net_stream_write(r->a, slice_make(copy, data.len));
    free(copy);
}

static void relay_up(void *ctx, struct slice data)
{
    struct relay *r = ctx;
    if (r->b)
        net_stream_write(r->b, data);
    else
        assert_int_equal(buf_append(&r->early, data), OK);
}

static void relay_nothing(void *ctx)
{
    (void)ctx;
}

static void relay_close(void *ctx, const struct error *why)
{
    (void)ctx;
    (void)why;
}

static void relay_open(void *ctx, struct net_stream *s)
{
    static const struct net_stream_events events = {relay_down, relay_nothing, relay_nothing, relay_close};
    struct relay *r = ctx;
    r->b = s;
    r->dial = NULL;
    net_stream_set_events(s, &events, r);
    net_stream_write(s, buf_data(&r->early));
    buf_free(&r->early);
}

static void relay_fail(void *ctx, const struct error *why)
{
    (void)ctx;
    fail_msg("%s", why->text);
}

static void relay_accept(void *ctx, struct net_stream *s, const struct net_address *peer)
{
    static const struct net_stream_events events = {relay_up, relay_nothing, relay_nothing, relay_close};
    static const struct net_dial_events dial_events = {relay_open, relay_fail};
    struct relay *r = ctx;
    (void)peer;
    r->a = s;
    net_stream_set_events(s, &events, r);
    r->dial = net_dial_tcp(r->k->loop, "127.0.0.1", r->k->port, 1000, &dial_events, r);
}

/* The kit's client goes through the relay; the kit's server is behind it. */
static void start_relayed(struct kit *k, struct relay *r)
{
    struct net_address at;
    prepare(k);
    *r = (struct relay){.k = k};
    buf_init(&r->early, 100000);
    assert_int_equal(net_address_parse(SLICE("127.0.0.1:0"), &at, NULL), OK);
    assert_int_equal(net_listen_tcp(k->loop, &at, false, relay_accept, r, &r->listener, NULL), OK);
    net_listener_address(r->listener, &at);
    uint16_t real = k->port;
    k->port = net_address_port(&at);
    kit_connect(k);
    k->port = real;
    KIT_RUN_UNTIL(k, kit_both_ready);
    kit_run_for(k, 10);
}

static void done_relayed(struct kit *k, struct relay *r)
{
    net_stream_close(r->a);
    net_stream_close(r->b);
    net_listener_close(r->listener);
    kit_done(k);
}

static void an_end_without_close_notify_is_a_fault(void **state)
{
    (void)state;
    struct kit k;
    struct relay r;
    start_relayed(&k, &r);
    net_stream_shutdown(r.a);
    KIT_RUN_UNTIL(&k, kit_client_closed);
    assert_false(k.client.ended);
    assert_int_equal(k.client.why.code, R_EOF);
    assert_string_equal(k.client.why.text, "the peer closed without close_notify");
    done_relayed(&k, &r);
}

static void a_changed_byte_breaks_the_stream_with_an_alert(void **state)
{
    (void)state;
    struct kit k;
    struct relay r;
    start_relayed(&k, &r);
    r.flip_after = r.passed + 20;
    kit_write(&k.server, "nobody may change this text on its way");
    KIT_RUN_UNTIL(&k, kit_client_closed);
    assert_int_equal(k.client.total, 0);
    assert_non_null(strstr(k.client.why.text, "bad record mac"));
    KIT_RUN_UNTIL(&k, kit_server_closed);
    assert_non_null(strstr(k.server.why.text, "alert"));
    done_relayed(&k, &r);
}

static void a_reset_socket_is_told_once(void **state)
{
    (void)state;
    struct kit k;
    struct relay r;
    struct linger hard = {.l_onoff = 1, .l_linger = 0};
    start_relayed(&k, &r);
    int fd = net_tcp_detach(r.a);
    r.a = NULL;
    assert_int_equal(setsockopt(fd, SOL_SOCKET, SO_LINGER, &hard, sizeof hard), 0);
    (void)close(fd);
    KIT_RUN_UNTIL(&k, kit_client_closed);
    assert_int_equal(k.client.why.code, R_IO);
    assert_non_null(strstr(k.client.why.text, "reset"));
    done_relayed(&k, &r);
}

/* --- closing inside callbacks --- */

static void the_owner_may_close_in_any_callback(void **state)
{
    (void)state;
    struct kit k;
    prepare(&k);
    k.server.close_in_ready = true;
    kit_connect(&k);
    KIT_RUN_UNTIL(&k, kit_client_ended);
    kit_done(&k);

    start(&k);
    k.server.close_in_data = true;
    kit_write(&k.client, "x");
    KIT_RUN_UNTIL(&k, kit_client_ended);
    assert_int_equal(k.server.total, 1);
    kit_done(&k);

    start(&k);
    k.server.close_in_end = true;
    net_stream_shutdown(k.client.stream);
    KIT_RUN_UNTIL(&k, kit_client_ended);
    kit_done(&k);
}

static void both_ends_may_close_at_once_with_data_under_way(void **state)
{
    static char piece[100000];
    (void)state;
    struct kit k;
    start(&k);
    for (int i = 0; i < 20; i++) {
        net_stream_write(k.server.stream, slice_make(piece, sizeof piece));
        net_stream_write(k.client.stream, slice_make(piece, sizeof piece));
    }
    net_stream_close(k.server.stream);
    net_stream_close(k.client.stream);
    k.server.stream = k.client.stream = NULL;
    kit_run_for(&k, 20);
    assert_false(k.server.closed || k.client.closed);
    kit_done(&k);
}

/* --- a peer that only asks --- */

struct asker {
    uint16_t port;
    int kind; /* of the key updates: an answer is wanted, or none */
    int asked;
    bool refused;
};

static void asking_client(void *arg)
{
    struct asker *a = arg;
    char target[32], byte;
    SSL_CTX *ctx = SSL_CTX_new(TLS_client_method());
    SSL *ssl;
    BIO *bio = BIO_new_ssl_connect(ctx);
    (void)snprintf(target, sizeof target, "127.0.0.1:%u", a->port);
    (void)BIO_set_conn_hostname(bio, target);
    (void)BIO_get_ssl(bio, &ssl);
    if (BIO_do_handshake(bio) == 1 && BIO_read(bio, &byte, 1) == 1) {
        for (a->asked = 0; a->asked < 5000 && !a->refused; a->asked++)
            a->refused = SSL_key_update(ssl, a->kind) != 1 || SSL_do_handshake(ssl) != 1;
    }
    ERR_clear_error();
    BIO_free_all(bio);
    SSL_CTX_free(ctx);
}

static void a_peer_that_asks_for_new_keys_and_reads_nothing_is_cut_off(void **state)
{
    static char piece[NET_STREAM_HIGH];
    (void)state;
    struct kit k;
    prepare(&k);
    struct asker a = {.port = k.port, .kind = SSL_KEY_UPDATE_REQUESTED};
    struct loop_thread *t = loop_thread_start("client", asking_client, &a);
    KIT_RUN_UNTIL(&k, kit_server_ready);
    while (!net_stream_congested(k.server.stream))
        net_stream_write(k.server.stream, slice_make(piece, sizeof piece));
    KIT_RUN_UNTIL(&k, kit_server_closed);
    assert_int_equal(k.server.why.code, R_LIMIT);
    loop_thread_join(t);
    kit_done(&k);
}

/* Each costs the side that reads it ten times as much as another record of its size. */
static void a_peer_that_changes_its_keys_all_the_time_is_cut_off(void **state)
{
    (void)state;
    struct kit k;
    prepare(&k);
    struct asker a = {.port = k.port, .kind = SSL_KEY_UPDATE_NOT_REQUESTED};
    struct loop_thread *t = loop_thread_start("client", asking_client, &a);
    KIT_RUN_UNTIL(&k, kit_server_ready);
    net_stream_write(k.server.stream, SLICE("x"));
    KIT_RUN_UNTIL(&k, kit_server_closed);
    assert_int_equal(k.server.why.code, R_LIMIT);
    loop_thread_join(t);
    kit_done(&k);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(ten_megabytes_each_way_arrive_whole_in_bounded_memory),
        cmocka_unit_test(a_reader_that_pauses_after_every_piece_gets_all_of_it),
        cmocka_unit_test(a_paused_reader_holds_the_writer_back_and_gets_nothing),
        cmocka_unit_test(the_owner_is_told_of_room_exactly_when_it_was_congested),
        cmocka_unit_test(many_small_writes_of_one_turn_are_one_record),
        cmocka_unit_test(one_direction_ends_and_the_other_goes_on),
        cmocka_unit_test(a_close_brings_all_that_was_written_and_a_clean_end),
        cmocka_unit_test(what_ends_while_the_reader_is_paused_is_told_after_it_resumes),
        cmocka_unit_test(a_reader_paused_from_the_start_gets_what_came_with_the_handshake_later),
        cmocka_unit_test(an_end_without_close_notify_is_a_fault),
        cmocka_unit_test(a_changed_byte_breaks_the_stream_with_an_alert),
        cmocka_unit_test(a_reset_socket_is_told_once),
        cmocka_unit_test(the_owner_may_close_in_any_callback),
        cmocka_unit_test(both_ends_may_close_at_once_with_data_under_way),
        cmocka_unit_test(a_peer_that_asks_for_new_keys_and_reads_nothing_is_cut_off),
        cmocka_unit_test(a_peer_that_changes_its_keys_all_the_time_is_cut_off),
    };
    return cmocka_run_group_tests(tests, make_identities, free_identities);
}
