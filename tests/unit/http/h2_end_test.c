/* SPDX-License-Identifier: Apache-2.0 */
/* Sessions that end because of what a peer did: however many faults come at once, there is one end, told by one GOAWAY.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>

#include <cmocka.h>

#include "h2_kit.h"
#include "h2_raw.h"

static struct kit *server_with(struct raw *r)
{
    struct kit_options o = {.h2 = kit_h2, .no_client = true};
    struct kit *k = kit_new(&o);
    raw_start(r, k->client_stream, true);
    kit_pass(k, 10);
    return k;
}

static struct kit *client_with(struct raw *r)
{
    struct kit_options o = {.h2 = kit_h2, .no_server = true};
    struct kit *k = kit_new(&o);
    raw_start(r, k->server_stream, false);
    kit_pass(k, 10);
    return k;
}

static bool server_gone(void *arg)
{
    return ((struct kit *)arg)->server_closed;
}

static bool client_gone(void *arg)
{
    return ((struct kit *)arg)->client_closed;
}

/* --- two faults in one piece: one that we find in a callback, one that nghttp2 finds behind it --- */

static void first_empty_data(struct raw *r)
{
    for (int i = 0; i < 1100; i++)
        raw_frame(r, NGHTTP2_DATA, 0, 1, SLICE_NONE);
}

static void first_pings(struct raw *r)
{
    for (int i = 0; i < 1100; i++)
        raw_frame(r, NGHTTP2_PING, NGHTTP2_FLAG_NONE, 0, SLICE("12345678"));
}

static void first_priorities(struct raw *r)
{
    for (int i = 0; i < 1100; i++)
        raw_frame(r, NGHTTP2_PRIORITY, 0, 1, SLICE("\0\0\0\0\1"));
}

static void first_window_updates(struct raw *r)
{
    for (int i = 0; i < 21000; i++)
        raw_u32(r, NGHTTP2_WINDOW_UPDATE, 0, 1);
}

static void first_bomb(struct raw *r)
{
    char block[16 * 1024];
    memcpy(block, "\x40\x01x\x7f\x81\x1e", 6); /* x: 3968 bytes, then so many bytes that each mean it */
    memset(block + 6, 'v', 3968);
    memset(block + 6 + 3968, (char)(0x80 | 62), 12000);
    raw_frame(r, NGHTTP2_HEADERS, NGHTTP2_FLAG_END_HEADERS | NGHTTP2_FLAG_END_STREAM, 1,
              slice_make(block, 6 + 3968 + 12000));
}

static void first_priority_on_0(struct raw *r)
{
    raw_frame(r, NGHTTP2_PRIORITY, 0, 0, SLICE("\0\0\0\0\1"));
}

static void (*const firsts[])(struct raw *r) = {
    first_empty_data, first_pings, first_priorities, first_window_updates, first_bomb, first_priority_on_0,
};

static const struct {
    uint8_t type;
    int32_t id;
    struct slice payload;
} seconds[] = {
    {NGHTTP2_PING, 0, {"1234567", 7}},
    {NGHTTP2_PING, 1, {"12345678", 8}},
    {NGHTTP2_SETTINGS, 0, {"12345", 5}},
    {NGHTTP2_SETTINGS, 0, {"\0\4\377\377\377\377", 6}},
    {NGHTTP2_RST_STREAM, 1, {"123", 3}},
    {NGHTTP2_RST_STREAM, 0, {"1234", 4}},
    {NGHTTP2_WINDOW_UPDATE, 0, {"\0\0\0", 3}},
    {NGHTTP2_WINDOW_UPDATE, 0, {"\0\0\0\0", 4}},
    {NGHTTP2_PRIORITY, 1, {"1234", 4}},
    {NGHTTP2_GOAWAY, 0, {"1234", 4}},
    {NGHTTP2_HEADERS, 3, {"\377\377\377", 3}},
    {NGHTTP2_HEADERS, 0, {"\x82", 1}},
    {NGHTTP2_DATA, 0, {"x", 1}},
    {NGHTTP2_DATA, 5, {"x", 1}},
    {NGHTTP2_CONTINUATION, 1, {"x", 1}},
    {NGHTTP2_PUSH_PROMISE, 1, {"\0\0\0\2", 4}},
    {NGHTTP2_HEADERS, 2, {"\x82", 1}},
    {77, 1, {"x", 1}},
};

static void send_both(struct raw *r, size_t first, size_t second)
{
    raw_together(r, true);
    firsts[first](r);
    raw_frame(r, seconds[second].type, 0, seconds[second].id, seconds[second].payload);
    raw_together(r, false);
}

static void two_faults_in_one_piece_end_a_server_once(void **state)
{
    const char *const post[] = {":method",      "POST",  ":scheme", "https", ":authority",
                                "test.example", ":path", "/sink",   NULL};
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(firsts) * ARRAY_LEN(seconds); i++) {
        struct raw r = {0};
        struct kit *k = server_with(&r);
        raw_headers(&r, 1, 0, post);
        send_both(&r, i % ARRAY_LEN(firsts), i / ARRAY_LEN(firsts));
        assert_true(kit_run(k, server_gone, k, 1000));
        if (r.frames[NGHTTP2_GOAWAY] != 1 || r.goaway_code == NGHTTP2_NO_ERROR)
            fail_msg("faults %zu and %zu: %zu GOAWAY, %u", i % ARRAY_LEN(firsts), i / ARRAY_LEN(firsts),
                     r.frames[NGHTTP2_GOAWAY], r.goaway_code);
        assert_int_equal(r.goaway_last, 1);
        assert_int_equal(k->aborts, k->requests);
        raw_stop(&r);
        kit_free(k);
    }
}

static void two_faults_in_one_piece_end_a_client_once(void **state)
{
    const char *const ok[] = {":status", "200", NULL};
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(firsts) * ARRAY_LEN(seconds); i++) {
        struct raw r = {0};
        struct kit *k = client_with(&r);
        struct kit_call c = {0};
        kit_call(k, &c, NULL, "/", 0);
        kit_pass(k, 10);
        raw_headers(&r, 1, 0, ok);
        send_both(&r, i % ARRAY_LEN(firsts), i / ARRAY_LEN(firsts));
        if (!kit_run(k, client_gone, k, 1000))
            fail_msg("faults %zu and %zu: not gone", i % ARRAY_LEN(firsts), i / ARRAY_LEN(firsts));
        if (r.frames[NGHTTP2_GOAWAY] != 1 || r.goaway_code == NGHTTP2_NO_ERROR)
            fail_msg("faults %zu and %zu: %zu GOAWAY, %u", i % ARRAY_LEN(firsts), i / ARRAY_LEN(firsts),
                     r.frames[NGHTTP2_GOAWAY], r.goaway_code);
        assert_true(c.failed && c.failure.answered);
        raw_stop(&r);
        kit_free(k);
    }
}

/* What the server was asked for before stays the first thing that its peer reads. */
static void a_session_that_is_closed_at_once_has_said_its_preface(void **state)
{
    struct kit_options o = {.h2 = kit_h2, .no_client = true};
    struct raw r = {0};
    (void)state;
    struct kit *k = kit_new(&o);
    http_h2_close(k->server);
    raw_start(&r, k->client_stream, true);
    assert_true(kit_run(k, server_gone, k, 1000));
    kit_pass(k, 10);
    assert_int_equal(r.frames[NGHTTP2_SETTINGS], 1);
    assert_int_equal(r.frames[NGHTTP2_GOAWAY], 1);
    raw_stop(&r);
    kit_free(k);
}

/* Bytes may come with the handshake's last, before the loop has turned once. */
static void a_session_whose_first_bytes_are_faulty_has_said_its_preface(void **state)
{
    struct kit_options o = {.h2 = kit_h2, .no_client = true};
    struct raw r = {0};
    (void)state;
    struct kit *k = kit_new(&o);
    k->server_stream->events->on_data(k->server_stream->ctx, SLICE("GET / HTTP/1.1\r\nHost: a\r\n\r\n"));
    raw_start(&r, k->client_stream, true);
    assert_true(kit_run(k, server_gone, k, 1000));
    kit_pass(k, 10);
    assert_int_equal(r.frames[NGHTTP2_SETTINGS], 1);
    assert_int_equal(r.frames[NGHTTP2_GOAWAY], 1);
    raw_stop(&r);
    kit_free(k);
}

/* GOAWAY names streams of its reader (RFC 9113 6.8), and a server opens none. */
static void a_client_names_no_stream_in_its_goaway(void **state)
{
    const char *const ok[] = {":status", "200", NULL};
    struct raw r = {0};
    struct kit *k = client_with(&r);
    struct kit_call c = {0};
    (void)state;
    kit_call(k, &c, NULL, "/", 0);
    kit_pass(k, 10);
    raw_headers(&r, 1, NGHTTP2_FLAG_END_STREAM, ok);
    kit_pass(k, 10);
    assert_int_equal(c.status, 200);
    http_h2_close(k->client);
    assert_true(kit_run(k, client_gone, k, 1000));
    kit_pass(k, 10);
    assert_int_equal(r.frames[NGHTTP2_GOAWAY], 1);
    assert_int_equal(r.goaway_last, 0);
    raw_stop(&r);
    kit_free(k);
}

/* The answer to the drain's PING, and requests behind it in the same piece: they are taken, so none is above the id. */
static void the_last_goaway_of_a_drain_names_every_request_that_was_taken(void **state)
{
    enum { DRAIN = 3 }; /* the last octet of that PING */
    static const char pong[] = {0, 0, 0, 0, 0, 0, 0, DRAIN};
    struct raw r = {0};
    struct kit *k = server_with(&r);
    (void)state;
    raw_get(&r, 1, NGHTTP2_FLAG_END_STREAM, "/park");
    kit_pass(k, 10);
    r.deaf = true;
    http_h2_drain(k->server);
    kit_pass(k, 5);
    assert_int_equal(r.goaway_last, INT32_MAX);
    raw_together(&r, true);
    raw_frame(&r, NGHTTP2_PING, NGHTTP2_FLAG_ACK, 0, slice_make(pong, sizeof pong));
    raw_get(&r, 3, NGHTTP2_FLAG_END_STREAM, "/park");
    raw_get(&r, 5, NGHTTP2_FLAG_END_STREAM, "/park");
    raw_together(&r, false);
    kit_pass(k, 10);
    assert_int_equal(k->requests, 3);
    assert_int_equal(r.frames[NGHTTP2_GOAWAY], 2);
    assert_int_equal(r.goaway_last, 5);
    raw_stop(&r);
    kit_free(k);
}

/* --- stream ids and PRIORITY --- */

static void priority_on_stream_0_ends_the_connection(void **state)
{
    struct raw r = {0};
    struct kit *k = server_with(&r);
    (void)state;
    first_priority_on_0(&r);
    assert_true(kit_run(k, server_gone, k, 1000));
    assert_int_equal(r.goaway_code, NGHTTP2_PROTOCOL_ERROR);
    raw_stop(&r);
    kit_free(k);
}

static void an_id_that_was_jumped_over_ends_the_connection(void **state)
{
    struct raw r = {0};
    struct kit *k = server_with(&r);
    (void)state;
    raw_get(&r, 5, NGHTTP2_FLAG_END_STREAM, "/park");
    raw_get(&r, 11, NGHTTP2_FLAG_END_STREAM, "/park");
    raw_get(&r, 3, NGHTTP2_FLAG_END_STREAM, "/park");
    assert_true(kit_run(k, server_gone, k, 1000));
    assert_int_equal(r.goaway_code, NGHTTP2_PROTOCOL_ERROR);
    assert_int_equal(r.goaway_last, 11);
    assert_int_equal(k->requests, 2);
    raw_stop(&r);
    kit_free(k);
}

static void a_head_on_a_closed_stream_is_answered_with_a_reset(void **state)
{
    struct raw r = {0};
    struct kit *k = server_with(&r);
    (void)state;
    raw_get(&r, 1, NGHTTP2_FLAG_END_STREAM, "/bytes/1");
    kit_pass(k, 20);
    assert_int_equal(r.status, 200);
    raw_get(&r, 1, NGHTTP2_FLAG_END_STREAM, "/bytes/1");
    kit_pass(k, 20);
    assert_int_equal(r.reset_id, 1);
    assert_int_equal(r.reset_code, NGHTTP2_STREAM_CLOSED);
    assert_int_equal(k->requests, 1);
    raw_get(&r, 3, NGHTTP2_FLAG_END_STREAM, "/bytes/1"); /* its connection lives */
    kit_pass(k, 20);
    assert_int_equal(k->requests, 2);
    raw_stop(&r);
    assert_true(kit_run(k, server_gone, k, 1000));
    kit_free(k);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(two_faults_in_one_piece_end_a_server_once),
        cmocka_unit_test(two_faults_in_one_piece_end_a_client_once),
        cmocka_unit_test(a_session_that_is_closed_at_once_has_said_its_preface),
        cmocka_unit_test(a_session_whose_first_bytes_are_faulty_has_said_its_preface),
        cmocka_unit_test(a_client_names_no_stream_in_its_goaway),
        cmocka_unit_test(the_last_goaway_of_a_drain_names_every_request_that_was_taken),
        cmocka_unit_test(priority_on_stream_0_ends_the_connection),
        cmocka_unit_test(an_id_that_was_jumped_over_ends_the_connection),
        cmocka_unit_test(a_head_on_a_closed_stream_is_answered_with_a_reset),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
