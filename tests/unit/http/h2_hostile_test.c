/* SPDX-License-Identifier: Apache-2.0 */
/* Peers that break HTTP/2, or use it to hurt: what they get is an error of their stream or of their connection. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>

#include <cmocka.h>

#include "base/mem.h"
#include "h2_kit.h"
#include "h2_raw.h"

/* --- against our server --- */

enum { HEADS_BUDGET = 256 * 1024 };

static struct kit *server_with(struct raw *r)
{
    struct kit_options o = {.h2 = kit_h2, .no_client = true};
    o.h2.max_streams = 100;
    o.h2.heads_budget = HEADS_BUDGET;
    struct kit *k = kit_new(&o);
    raw_start(r, k->client_stream, true);
    kit_pass(k, 10);
    return k;
}

static bool server_gone(void *arg)
{
    return ((struct kit *)arg)->server_closed;
}

static void end(struct kit *k, struct raw *r)
{
    raw_stop(r);
    assert_true(kit_run(k, server_gone, k, 1000));
    kit_free(k);
}

/* Sends step(r, i) until the server has closed; it must, before `most` of them. */
static void flood(void (*step)(struct raw *r, int i), int most, const char *word)
{
    struct raw r = {0};
    struct kit *k = server_with(&r);
    int i = 0;
    for (; i < most && !k->server_closed; i++) {
        step(&r, i);
        if (i % 64 == 63)
            kit_pass(k, 1);
    }
    assert_true(kit_run(k, server_gone, k, 1000));
    assert_true(k->server_why.code != OK && k->server_why.code != R_EOF);
    if (word && !strstr(k->server_why.text, word))
        fail_msg("closed for another reason: %s", k->server_why.text);
    raw_stop(&r);
    kit_free(k);
}

static void step_ping(struct raw *r, int i)
{
    (void)i;
    raw_frame(r, NGHTTP2_PING, 0, 0, SLICE("12345678"));
}

static void a_flood_of_pings_ends_the_connection(void **state)
{
    (void)state;
    flood(step_ping, 5000, "PING");
}

static void step_settings(struct raw *r, int i)
{
    (void)i;
    raw_frame(r, NGHTTP2_SETTINGS, 0, 0, SLICE_NONE);
}

static void a_flood_of_settings_ends_the_connection(void **state)
{
    (void)state;
    flood(step_settings, 500, "SETTINGS");
}

static void step_empty_data(struct raw *r, int i)
{
    const char *const post[] = {":method",      "POST",  ":scheme", "https", ":authority",
                                "test.example", ":path", "/sink",   NULL};
    if (i == 0)
        raw_headers(r, 1, 0, post);
    raw_frame(r, NGHTTP2_DATA, 0, 1, SLICE_NONE);
}

static void a_flood_of_empty_data_ends_the_connection(void **state)
{
    (void)state;
    flood(step_empty_data, 5000, "DATA");
}

static void step_rapid_reset(struct raw *r, int i)
{
    raw_get(r, 2 * i + 1, NGHTTP2_FLAG_END_STREAM, "/park");
    raw_u32(r, NGHTTP2_RST_STREAM, 2 * i + 1, NGHTTP2_CANCEL);
}

static void rapid_reset_ends_the_connection(void **state)
{
    (void)state;
    flood(step_rapid_reset, 5000, "RST_STREAM");
}

static void rapid_reset_in_one_piece_is_told_once_as_the_peers(void **state)
{
    struct raw r = {0};
    struct kit *k = server_with(&r);
    (void)state;
    raw_together(&r, true);
    for (int i = 0; i < 1100; i++)
        step_rapid_reset(&r, i);
    raw_together(&r, false);
    assert_true(kit_run(k, server_gone, k, 1000));
    kit_pass(k, 10);
    assert_int_equal(r.frames[NGHTTP2_GOAWAY], 1);
    assert_int_equal(r.goaway_code, NGHTTP2_ENHANCE_YOUR_CALM);
    end(k, &r);
}

/* "Made you reset": the server resets each stream itself, for faults of the peer. */
static void step_made_you_reset(struct raw *r, int i)
{
    raw_get(r, 2 * i + 1, NGHTTP2_FLAG_END_STREAM, "/park");
    raw_u32(r, NGHTTP2_WINDOW_UPDATE, 2 * i + 1, 0x7fffffff);
}

static void resets_that_the_server_was_made_to_send_end_the_connection(void **state)
{
    (void)state;
    flood(step_made_you_reset, 5000, NULL);
}

static void step_window_update(struct raw *r, int i)
{
    (void)i;
    raw_u32(r, NGHTTP2_WINDOW_UPDATE, 0, 1);
}

static void a_flood_of_window_updates_ends_the_connection(void **state)
{
    (void)state;
    flood(step_window_update, 40000, "WINDOW_UPDATE");
}

static void step_continuation(struct raw *r, int i)
{
    if (i == 0)
        raw_frame(r, NGHTTP2_HEADERS, 0, 1, SLICE("\x82\x87\x84"));
    raw_frame(r, NGHTTP2_CONTINUATION, 0, 1, SLICE("\x00\x01x\x01y"));
}

static void a_flood_of_continuations_ends_the_connection(void **state)
{
    (void)state;
    flood(step_continuation, 100, NULL);
}

static void step_refused(struct raw *r, int i)
{
    raw_get(r, 2 * i + 1, NGHTTP2_FLAG_END_STREAM, "/park");
}

static void requests_far_over_the_maximum_end_the_connection(void **state)
{
    (void)state;
    flood(step_refused, 5000, NULL);
}

/* It asks for answers and never reads: what waits for it is bounded. */
static void a_peer_that_does_not_read_is_cut_off(void **state)
{
    struct raw r = {0};
    struct kit *k = server_with(&r);
    (void)state;
    net_stream_pause(r.s);
    for (int i = 0; i < 20000 && !k->server_closed; i++) {
        raw_frame(&r, NGHTTP2_PING, 0, 0, SLICE("12345678"));
        raw_get(&r, 2 * i + 1, NGHTTP2_FLAG_END_STREAM, "/bytes/100000");
        if (i % 64 == 63)
            kit_pass(k, 1);
    }
    assert_true(k->server_closed);
    end(k, &r);
}

static void garbage_instead_of_a_preface_ends_the_connection(void **state)
{
    struct kit_options o = {.h2 = kit_h2, .no_client = true};
    struct raw r = {0};
    (void)state;
    struct kit *k = kit_new(&o);
    raw_start(&r, k->client_stream, false);
    net_stream_write(k->client_stream, SLICE("GET / HTTP/1.1\r\nHost: test.example\r\n\r\n"));
    assert_true(kit_run(k, server_gone, k, 1000));
    assert_int_equal(k->server_why.code, R_INVALID);
    raw_stop(&r);
    kit_free(k);
}

static void random_bytes_never_do_harm(void **state)
{
    (void)state;
    unsigned seed = 1;
    for (int round = 0; round < 200; round++) {
        struct raw r = {0};
        struct kit *k = server_with(&r);
        char junk[512];
        for (size_t i = 0; i < sizeof junk; i++)
            junk[i] = (char)((seed = seed * 1103515245 + 12345) >> 16);
        if (round % 2) /* frames with a plausible length and kind */
            for (size_t i = 0; i + 9 < sizeof junk; i += 32) {
                memset(junk + i, 0, 2);
                junk[i + 2] = 23;
                junk[i + 3] = (char)(junk[i + 3] & 15);
                memset(junk + i + 5, 0, 3);
            }
        raw_get(&r, 1, 0, "/echo");
        net_stream_write(r.s, slice_make(junk, sizeof junk));
        kit_pass(k, 2);
        end(k, &r);
    }
}

static void expect_status(const char *const *pairs, int status)
{
    struct raw r = {0};
    struct kit *k = server_with(&r);
    raw_headers(&r, 1, NGHTTP2_FLAG_END_STREAM, pairs);
    kit_pass(k, 20);
    assert_int_equal(r.status, status);
    assert_int_equal(k->requests, 0);
    assert_false(k->server_closed);
    raw_get(&r, 3, NGHTTP2_FLAG_END_STREAM, "/echo");
    kit_pass(k, 20);
    assert_int_equal(r.status, 200); /* its connection lives */
    end(k, &r);
}

static void a_request_that_contradicts_itself_is_answered_400(void **state)
{
    (void)state;
    const char *const hosts[] = {":method", "GET",   ":scheme", "https",         ":authority", "test.example",
                                 ":path",   "/echo", "host",    "other.example", NULL};
    const char *const control[] = {":method", "GET",   ":scheme", "https",  ":authority", "test.example",
                                   ":path",   "/echo", "x-bad",   "a\001b", NULL};
    const char *const high[] = {":method",      "GET",   ":scheme",   "https", ":authority",
                                "test.example", ":path", "/\xc3\xa9", NULL};
    expect_status(hosts, 400);
    expect_status(control, 400);
    expect_status(high, 400);
    const char *const fragment[] = {":method",      "GET",   ":scheme",   "https", ":authority",
                                    "test.example", ":path", "/echo?a#f", NULL};
    expect_status(fragment, 400);
}

static void the_same_host_twice_is_one_host(void **state)
{
    struct raw r = {0};
    struct kit *k = server_with(&r);
    const char *const same[] = {":method", "GET",     ":scheme", "https",        ":authority", "test.example",
                                ":path",   "/fields", "host",    "Test.Example", NULL};
    (void)state;
    raw_headers(&r, 1, NGHTTP2_FLAG_END_STREAM, same);
    kit_pass(k, 20);
    assert_int_equal(r.status, 200);
    end(k, &r);
}

static void connect_is_not_implemented(void **state)
{
    const char *const pairs[] = {":method", "CONNECT", ":authority", "test.example:443", NULL};
    (void)state;
    expect_status(pairs, 501);
}

static void authorities_and_schemes_that_are_none_are_answered_400(void **state)
{
    static const char *const authorities[] = {"a,b", "test.example:99999", "[::1", "%61"};
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(authorities); i++) {
        const char *const pairs[] = {":method",      "GET",   ":scheme", "https", ":authority",
                                     authorities[i], ":path", "/",       NULL};
        expect_status(pairs, 400);
        const char *const host[] = {":method", "GET", ":scheme", "https", ":path", "/", "host", authorities[i], NULL};
        expect_status(host, 400);
    }
    const char *const ftp[] = {":method", "GET", ":scheme", "ftp", ":authority", "a", ":path", "/", NULL};
    expect_status(ftp, 400);
}

/* RFC 9113 8.2.2, 8.3.1: malformed, so the stream is reset and nobody sees it. */
static void malformed_requests_are_reset_and_seen_by_nobody(void **state)
{
    static const char *const cases[][12] = {
        {":method", "GET", ":scheme", "https", ":authority", "a", ":path", "/", "connection", "close", NULL},
        {":method", "GET", ":scheme", "https", ":authority", "a", ":path", "/", "transfer-encoding", "chunked", NULL},
        {":method", "GET", ":scheme", "https", ":authority", "a", ":path", "/", "te", "gzip", NULL},
        {":method", "GET", ":scheme", "https", ":authority", "a", NULL},
        {":method", "GET", ":scheme", "https", ":authority", "user@a", ":path", "/", NULL},
        {":method", "GET", ":scheme", "https", ":path", "/", "host", "user@a", NULL},
        {":method", "GET", ":scheme", "https", ":authority", "a", ":path", "nowhere", NULL},
        {":method", "GET", "x", "y", ":scheme", "https", ":authority", "a", ":path", "/", NULL},
        {":method", "G T", ":scheme", "https", ":authority", "a", ":path", "/", NULL},
        {":method", "CONNECT", ":protocol", "websocket", ":scheme", "https", ":authority", "a", ":path", "/", NULL},
        {":method", "GET", ":scheme", "https", ":authority", "a", ":path", "/", "content-length", "5", NULL},
    };
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        struct raw r = {0};
        struct kit *k = server_with(&r);
        raw_headers(&r, 1, NGHTTP2_FLAG_END_STREAM, cases[i]);
        kit_pass(k, 10);
        if (r.frames[NGHTTP2_RST_STREAM] != 1 || k->requests)
            fail_msg("case %zu passed", i);
        assert_int_equal(r.reset_code, NGHTTP2_PROTOCOL_ERROR);
        end(k, &r);
    }
}

static void request_trailers_are_answered_400(void **state)
{
    struct raw r = {0};
    struct kit *k = server_with(&r);
    const char *const post[] = {":method",      "POST",  ":scheme", "https", ":authority",
                                "test.example", ":path", "/sink",   NULL};
    const char *const trailers[] = {"x-sum", "1", NULL};
    (void)state;
    raw_headers(&r, 1, 0, post);
    raw_headers(&r, 1, NGHTTP2_FLAG_END_STREAM, trailers);
    kit_pass(k, 20);
    assert_int_equal(r.status, 400);
    assert_int_equal(k->aborts, 1);
    end(k, &r);
}

static void request_trailers_after_the_answer_began_reset_the_stream(void **state)
{
    struct raw r = {0};
    struct kit *k = server_with(&r);
    const char *const post[] = {":method",      "POST",  ":scheme", "https", ":authority",
                                "test.example", ":path", "/echo",   NULL};
    const char *const trailers[] = {"x-sum", "1", NULL};
    (void)state;
    raw_headers(&r, 1, 0, post);
    kit_pass(k, 10);
    raw_headers(&r, 1, NGHTTP2_FLAG_END_STREAM, trailers);
    kit_pass(k, 20);
    assert_int_equal(r.status, 200);
    assert_int_equal(r.reset_code, NGHTTP2_PROTOCOL_ERROR);
    assert_int_equal(k->aborts, 1);
    end(k, &r);
}

/* A field of 3,968 bytes in the table, then so many bytes that each mean it. */
static void send_repeats(struct raw *r, size_t count)
{
    char block[16 * 1024];
    size_t n = 12;
    memcpy(block,
           "\x82\x87\x84\x41\x01"
           "a\x40\x01x\x7f\x81\x1e",
           n); /* :method GET, :scheme https, :path /, :authority a, x: 3968 bytes */
    memset(block + n, 'v', 3968);
    n += 3968;
    memset(block + n, (char)(0x80 | 62), count);
    raw_frame(r, NGHTTP2_HEADERS, NGHTTP2_FLAG_END_HEADERS | NGHTTP2_FLAG_END_STREAM, 1, slice_make(block, n + count));
}

static void a_head_that_repeats_itself_is_answered_431_within_the_arena(void **state)
{
    struct raw r = {0};
    struct kit *k = server_with(&r);
    (void)state;
    send_repeats(&r, 50);
    kit_pass(k, 50);
    assert_int_equal(r.status, 431);
    assert_int_equal(k->requests, 0);
    assert_false(k->server_closed);
    end(k, &r);
}

/* Nobody may hold as many of the largest heads as streams. */
static void heads_of_parked_requests_have_a_budget(void **state)
{
    enum { FIELD = 15000, MOST = HEADS_BUDGET / FIELD, ASKED = 3 * MOST };
    struct raw r = {0};
    struct kit *k = server_with(&r);
    char *large = mem_zalloc(FIELD + 1);
    const char *const pairs[] = {":method", "GET",   ":scheme", "https", ":authority", "a",
                                 ":path",   "/park", "x",       large,   NULL};
    (void)state;
    memset(large, 'v', FIELD);
    for (int i = 0; i < ASKED; i++) {
        raw_headers(&r, 2 * i + 1, NGHTTP2_FLAG_END_STREAM, pairs);
        kit_pass(k, 2);
    }
    kit_pass(k, 20);
    size_t served = k->requests; /* what else stands in an arena counts too */
    assert_in_range(served, MOST - 2, MOST);
    assert_int_equal(r.reset_code, NGHTTP2_REFUSED_STREAM);
    for (int i = 0; i < MOST; i++)
        raw_u32(&r, NGHTTP2_RST_STREAM, 2 * i + 1, NGHTTP2_CANCEL);
    raw_headers(&r, 2 * ASKED + 1, NGHTTP2_FLAG_END_STREAM, pairs);
    kit_pass(k, 20);
    assert_int_equal(k->requests, served + 1);
    assert_false(k->server_closed);
    free(large);
    end(k, &r);
}

static void refusals_of_ours_are_not_held_against_the_peer(void **state)
{
    struct kit_options o = {.h2 = kit_h2, .no_client = true};
    struct raw r = {0};
    (void)state;
    o.h2.heads_budget = 1;
    struct kit *k = kit_new(&o);
    raw_start(&r, k->client_stream, true);
    for (int i = 0; i < 3000; i++) {
        raw_get(&r, 2 * i + 1, NGHTTP2_FLAG_END_STREAM, "/park");
        if (i % 50 == 49)
            kit_pass(k, 1);
    }
    kit_pass(k, 20);
    assert_false(k->server_closed);
    assert_int_equal(r.frames[NGHTTP2_RST_STREAM], 3000);
    end(k, &r);
}

/* Each costs the decoding of its head: whoever was let in may burn no worker either. */
static void streams_that_are_refused_without_end_end_the_connection(void **state)
{
    enum { MOST = 50000 };
    struct kit_options o = {.h2 = kit_h2, .no_client = true};
    struct raw r = {0};
    int sent = 0;
    (void)state;
    o.h2.heads_budget = 1;
    struct kit *k = kit_new(&o);
    raw_start(&r, k->client_stream, true);
    for (; sent < MOST && !k->server_closed; sent++) {
        raw_get(&r, 2 * sent + 1, NGHTTP2_FLAG_END_STREAM, "/park");
        if (sent % 50 == 49)
            kit_pass(k, 1);
    }
    assert_true(kit_run(k, server_gone, k, 1000));
    assert_true(sent >= 10000);
    assert_int_equal(k->server_why.code, R_LIMIT);
    assert_int_equal(r.goaway_code, NGHTTP2_ENHANCE_YOUR_CALM);
    raw_stop(&r);
    kit_free(k);
}

static void a_header_bomb_ends_the_connection(void **state)
{
    struct raw r = {0};
    struct kit *k = server_with(&r);
    (void)state;
    send_repeats(&r, 12000);
    assert_true(kit_run(k, server_gone, k, 1000));
    assert_int_equal(k->server_why.code, R_LIMIT);
    assert_int_equal(r.goaway_code, NGHTTP2_ENHANCE_YOUR_CALM);
    assert_int_equal(k->requests, 0);
    raw_stop(&r);
    kit_free(k);
}

/* --- against our client --- */

static struct kit *client_with(struct raw *r)
{
    struct kit_options o = {.h2 = kit_h2, .no_server = true};
    struct kit *k = kit_new(&o);
    raw_start(r, k->server_stream, false);
    kit_pass(k, 10);
    return k;
}

static bool client_gone(void *arg)
{
    return ((struct kit *)arg)->client_closed;
}

static bool raw_ended(void *arg)
{
    return ((struct raw *)arg)->ended;
}

static void end_client(struct kit *k, struct raw *r)
{
    raw_stop(r);
    assert_true(kit_run(k, client_gone, k, 1000));
    kit_free(k);
}

static void a_refused_stream_may_be_tried_again(void **state)
{
    struct raw r = {0};
    struct kit *k = client_with(&r);
    struct kit_call c = {0}, d = {0};
    (void)state;
    kit_call(k, &c, NULL, "/", 100);
    kit_call(k, &d, NULL, "/", 0);
    kit_pass(k, 10);
    raw_u32(&r, NGHTTP2_RST_STREAM, 1, NGHTTP2_REFUSED_STREAM);
    raw_u32(&r, NGHTTP2_RST_STREAM, 3, NGHTTP2_INTERNAL_ERROR);
    assert_true(kit_run(k, kit_done, &c, 1000) && kit_run(k, kit_done, &d, 1000));
    assert_true(c.failed && c.failure.unsent && !c.failure.answered);
    assert_true(d.failed && !d.failure.unsent);
    end_client(k, &r);
}

static void calls_above_the_last_stream_of_a_goaway_may_be_tried_again(void **state)
{
    struct raw r = {0};
    struct kit *k = client_with(&r);
    struct kit_call low = {0}, high = {0};
    const char *const ok[] = {":status", "200", NULL};
    (void)state;
    kit_call(k, &low, NULL, "/", 0);
    kit_call(k, &high, NULL, "/", 0);
    kit_pass(k, 10);
    raw_goaway(&r, 1, NGHTTP2_NO_ERROR);
    assert_true(kit_run(k, kit_done, &high, 1000));
    assert_true(high.failed && high.failure.unsent);
    assert_false(kit_done(&low));
    assert_true(k->client_drained);
    raw_headers(&r, 1, NGHTTP2_FLAG_END_STREAM, ok);
    assert_true(kit_run(k, kit_done, &low, 1000));
    assert_true(low.ended);
    assert_true(kit_run(k, raw_ended, &r, 1000)); /* nothing left to do */
    end_client(k, &r);
}

static void calls_that_never_left_may_be_tried_again(void **state)
{
    struct raw r = {0};
    struct kit *k = client_with(&r);
    struct kit_call sent = {0}, kept = {0};
    (void)state;
    kit_call(k, &sent, NULL, "/", 0);
    kit_pass(k, 10);
    kit_call(k, &kept, NULL, "/", 0);
    raw_goaway(&r, 1, NGHTTP2_NO_ERROR);
    http_h2_close(k->client);
    assert_true(kit_run(k, kit_done, &sent, 1000) && kit_run(k, kit_done, &kept, 1000));
    assert_true(sent.failed && !sent.failure.unsent);
    end_client(k, &r);
}

static void a_peer_that_does_not_close_is_waited_for_a_little(void **state)
{
    struct raw r = {0};
    struct kit *k = client_with(&r);
    (void)state;
    http_h2_drain(k->client);
    assert_true(kit_run(k, raw_ended, &r, 1000));
    assert_false(k->client_closed);
    assert_true(kit_run(k, client_gone, k, 3000));
    assert_int_equal(k->client_why.code, R_EOF);
    end_client(k, &r);
}

static void a_goaway_that_crosses_a_call_leaves_it_unsent(void **state)
{
    struct raw r = {0};
    struct kit *k = client_with(&r);
    struct kit_call a = {0}, b = {0};
    (void)state;
    kit_call(k, &a, NULL, "/", 0);
    kit_pass(k, 10);
    raw_goaway(&r, 0, NGHTTP2_NO_ERROR);
    kit_call(k, &b, NULL, "/", 0);
    assert_true(kit_run(k, kit_done, &a, 1000) && kit_run(k, kit_done, &b, 1000));
    assert_true(a.failed && a.failure.unsent);
    assert_true(b.failed && b.failure.unsent);
    end_client(k, &r);
}

static void no_error_after_a_whole_answer_is_a_success(void **state)
{
    struct raw r = {0};
    struct kit *k = client_with(&r);
    struct kit_call c = {0}, cut = {0};
    const char *const ok[] = {":status", "200", NULL};
    (void)state;
    kit_call(k, &c, NULL, "/", 1000 * 1000);
    kit_call(k, &cut, NULL, "/", 0);
    kit_pass(k, 10);
    raw_headers(&r, 1, 0, ok);
    raw_frame(&r, NGHTTP2_DATA, NGHTTP2_FLAG_END_STREAM, 1, SLICE("enough"));
    raw_u32(&r, NGHTTP2_RST_STREAM, 1, NGHTTP2_NO_ERROR);
    raw_headers(&r, 3, 0, ok);
    raw_u32(&r, NGHTTP2_RST_STREAM, 3, NGHTTP2_NO_ERROR); /* but this one is not whole */
    assert_true(kit_run(k, kit_done, &c, 1000) && kit_run(k, kit_done, &cut, 1000));
    assert_true(c.ended);
    assert_string_equal(c.body, "enough");
    assert_true(cut.failed && cut.failure.kind == HTTP_FAIL_TRUNCATED && cut.failure.answered);
    end_client(k, &r);
}

/* Some askers forget an answer that they have not read yet when a reset comes behind it. */
static void an_early_answer_leaves_time_for_a_short_rest(void **state)
{
    struct raw r = {0};
    struct kit *k = server_with(&r);
    (void)state;
    raw_get(&r, 1, 0, "/early");
    kit_pass(k, 300);
    assert_int_equal(r.status, 413);
    assert_int_equal(r.frames[NGHTTP2_RST_STREAM], 0);
    raw_frame(&r, NGHTTP2_DATA, NGHTTP2_FLAG_END_STREAM, 1, SLICE("the rest"));
    kit_pass(k, 2000);
    assert_int_equal(r.frames[NGHTTP2_RST_STREAM], 0);
    assert_int_equal(http_h2_streams(k->server), 0);
    end(k, &r);
}

static void a_rest_that_does_not_come_or_is_long_is_reset_after_an_early_answer(void **state)
{
    static const char piece[16384];
    struct raw r = {0};
    struct kit *k = server_with(&r);
    (void)state;
    raw_get(&r, 1, 0, "/early");
    kit_pass(k, 2000);
    assert_int_equal(r.frames[NGHTTP2_RST_STREAM], 1);
    assert_int_equal(r.reset_code, NGHTTP2_NO_ERROR);
    raw_get(&r, 3, 0, "/early");
    kit_pass(k, 10);
    for (int i = 0; i < 4; i++)
        raw_frame(&r, NGHTTP2_DATA, 0, 3, slice_make(piece, i < 3 ? sizeof piece : sizeof piece - 1));
    kit_pass(k, 100);
    assert_int_equal(r.frames[NGHTTP2_RST_STREAM], 2);
    assert_int_equal(r.reset_id, 3);
    assert_int_equal(http_h2_streams(k->server), 0);
    end(k, &r);
}

static void answers_that_are_not_http_fail_as_protocol(void **state)
{
    static const char *const cases[][8] = {
        {"x", "y", NULL},
        {":status", "20", NULL},
        {":status", "101", NULL},
        {":status", "200", "connection", "close", NULL},
        {":status", "200", "content-length", "7", NULL},
        {":status", "200", "x-bad", "a\001b", NULL},
        {":status", "999", NULL},
    };
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        struct raw r = {0};
        struct kit *k = client_with(&r);
        struct kit_call c = {0};
        kit_call(k, &c, NULL, "/", 0);
        kit_pass(k, 5);
        raw_headers(&r, 1, NGHTTP2_FLAG_END_STREAM, cases[i]);
        assert_true(kit_run(k, kit_done, &c, 1000));
        if (!c.failed || c.failure.kind != HTTP_FAIL_PROTOCOL || c.failure.unsent)
            fail_msg("case %zu: %s", i, c.failed ? c.failure.error.text : "was taken");
        end_client(k, &r);
    }
}

static void a_server_push_ends_the_connection(void **state)
{
    struct raw r = {0};
    struct kit *k = client_with(&r);
    struct kit_call c = {0};
    (void)state;
    kit_call(k, &c, NULL, "/", 0);
    kit_pass(k, 5);
    raw_frame(&r, NGHTTP2_PUSH_PROMISE, NGHTTP2_FLAG_END_HEADERS, 1,
              SLICE("\0\0\0\x02\x82\x87\x84\x41\x01"
                    "a"));
    assert_true(kit_run(k, client_gone, k, 1000));
    assert_true(c.failed && c.failure.kind == HTTP_FAIL_PROTOCOL);
    end_client(k, &r);
}

static void many_interim_answers_keep_no_memory(void **state)
{
    struct raw r = {0};
    struct kit *k = client_with(&r);
    struct kit_call c = {0};
    const char *const hint[] = {":status", "103", "link", "</a>; rel=preload", NULL};
    const char *const ok[] = {":status", "200", NULL};
    (void)state;
    kit_call(k, &c, NULL, "/", 0);
    kit_pass(k, 10);
    for (int i = 0; i < 20000; i++) /* far more than an arena would hold */
        raw_headers(&r, 1, 0, hint);
    raw_headers(&r, 1, NGHTTP2_FLAG_END_STREAM, ok);
    assert_true(kit_run(k, kit_done, &c, 5000));
    assert_true(c.ended);
    assert_int_equal(c.informs, 20000);
    end_client(k, &r);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_flood_of_pings_ends_the_connection),
        cmocka_unit_test(a_flood_of_settings_ends_the_connection),
        cmocka_unit_test(a_flood_of_empty_data_ends_the_connection),
        cmocka_unit_test(rapid_reset_ends_the_connection),
        cmocka_unit_test(rapid_reset_in_one_piece_is_told_once_as_the_peers),
        cmocka_unit_test(resets_that_the_server_was_made_to_send_end_the_connection),
        cmocka_unit_test(a_flood_of_window_updates_ends_the_connection),
        cmocka_unit_test(a_flood_of_continuations_ends_the_connection),
        cmocka_unit_test(requests_far_over_the_maximum_end_the_connection),
        cmocka_unit_test(a_peer_that_does_not_read_is_cut_off),
        cmocka_unit_test(garbage_instead_of_a_preface_ends_the_connection),
        cmocka_unit_test(random_bytes_never_do_harm),
        cmocka_unit_test(a_request_that_contradicts_itself_is_answered_400),
        cmocka_unit_test(the_same_host_twice_is_one_host),
        cmocka_unit_test(connect_is_not_implemented),
        cmocka_unit_test(authorities_and_schemes_that_are_none_are_answered_400),
        cmocka_unit_test(malformed_requests_are_reset_and_seen_by_nobody),
        cmocka_unit_test(request_trailers_are_answered_400),
        cmocka_unit_test(request_trailers_after_the_answer_began_reset_the_stream),
        cmocka_unit_test(a_head_that_repeats_itself_is_answered_431_within_the_arena),
        cmocka_unit_test(heads_of_parked_requests_have_a_budget),
        cmocka_unit_test(refusals_of_ours_are_not_held_against_the_peer),
        cmocka_unit_test(streams_that_are_refused_without_end_end_the_connection),
        cmocka_unit_test(a_header_bomb_ends_the_connection),
        cmocka_unit_test(a_refused_stream_may_be_tried_again),
        cmocka_unit_test(calls_above_the_last_stream_of_a_goaway_may_be_tried_again),
        cmocka_unit_test(calls_that_never_left_may_be_tried_again),
        cmocka_unit_test(a_peer_that_does_not_close_is_waited_for_a_little),
        cmocka_unit_test(a_goaway_that_crosses_a_call_leaves_it_unsent),
        cmocka_unit_test(no_error_after_a_whole_answer_is_a_success),
        cmocka_unit_test(an_early_answer_leaves_time_for_a_short_rest),
        cmocka_unit_test(a_rest_that_does_not_come_or_is_long_is_reset_after_an_early_answer),
        cmocka_unit_test(answers_that_are_not_http_fail_as_protocol),
        cmocka_unit_test(a_server_push_ends_the_connection),
        cmocka_unit_test(many_interim_answers_keep_no_memory),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
