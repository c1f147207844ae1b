/* SPDX-License-Identifier: Apache-2.0 */
/* What a sender holds whom nobody has let in: bounded for its connection, told to the owner while it comes. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>

#include <cmocka.h>

#include "base/mem.h"
#include "h2_kit.h"
#include "h2_raw.h"
#include "http/server_face.h"

enum { KIB = 1024, PIECE = 16 * KIB, LONG = 60000 };

static struct kit *stranger(struct raw *r)
{
    struct kit_options o = {.h2 = kit_h2, .no_client = true};
    o.h2.stranger = true;
    o.h2.stranger_heads = 64 * KIB;
    o.h2.heads_budget = 1024 * KIB;
    struct kit *k = kit_new(&o);
    raw_start(r, k->client_stream, true);
    kit_pass(k, 10);
    assert_true(k->kept < KIB);
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

/* Answers that the peer's window lets nobody send hold no heads, and not many of them are held. */
static void a_stranger_holds_little_until_it_is_let_in(void **state)
{
    enum { FIELD = 4000, ASKED = 250 };
    struct raw r = {0};
    char large[FIELD + 1] = {0};
    const char *const pairs[] = {":method", "GET",      ":scheme", "https", ":authority", "a",
                                 ":path",   "/bytes/9", "x",       large,   NULL};
    (void)state;
    memset(large, 'v', FIELD);
    struct kit *k = stranger(&r);
    raw_frame(&r, NGHTTP2_SETTINGS, 0, 0, SLICE("\0\4\0\0\0\0"));
    for (int i = 0; i < ASKED; i++) {
        raw_headers(&r, 2 * i + 1, NGHTTP2_FLAG_END_STREAM, pairs);
        kit_pass(k, 1);
        assert_true(k->kept <= 160 * KIB); /* with nghttp2's streams, and ours */
    }
    size_t served = k->requests, told = k->told;
    assert_in_range(served, 40, 64);
    assert_int_equal(k->refused, ASKED - served); /* the owner counts what its address asks for */
    assert_int_equal(r.reset_code, NGHTTP2_REFUSED_STREAM);
    http_h2_let_in(k->server);
    for (int i = 0; i < 100; i++)
        raw_headers(&r, 2 * (ASKED + i) + 1, NGHTTP2_FLAG_END_STREAM, pairs);
    kit_pass(k, 20);
    assert_int_equal(k->requests, served + 100);
    assert_true(k->told > told && k->kept % HTTP_HELD_STEP == 0); /* of whom it knows now it is told in steps */
    assert_int_equal(k->refused, ASKED - served);
    end(k, &r);
}

/* Each fits into a window, so whoever answered has done with it; who does not read holds it here. */
static void answers_that_nobody_takes_are_told_of_who_was_let_in_too(void **state)
{
    enum { ASKED = 20, BYTES = 40000 };
    struct raw r = {0};
    const char *const pairs[] = {":method", "GET",   ":scheme",      "https", ":authority",
                                 "a",       ":path", "/bytes/40000", NULL};
    (void)state;
    struct kit *k = stranger(&r);
    http_h2_let_in(k->server);
    raw_frame(&r, NGHTTP2_SETTINGS, 0, 0, SLICE("\0\4\0\0\0\0"));
    for (int i = 0; i < ASKED; i++)
        raw_headers(&r, 2 * i + 1, NGHTTP2_FLAG_END_STREAM, pairs);
    kit_pass(k, 20);
    assert_in_range(k->kept, ASKED * BYTES - HTTP_HELD_STEP, ASKED * (BYTES + 2 * KIB));
    raw_frame(&r, NGHTTP2_SETTINGS, 0, 0, SLICE("\0\4\0\1\0\0"));
    raw_frame(&r, NGHTTP2_WINDOW_UPDATE, 0, 0, SLICE("\0\20\0\0"));
    kit_pass(k, 40);
    assert_int_equal(k->kept, 0);
    end(k, &r);
}

/* A head that is not whole: one literal field line after the other, RFC 7541 6.2.2. */
static void unfinished(struct raw *r, const char *const *pairs)
{
    uint8_t block[PIECE];
    nghttp2_nv nv[8];
    size_t n = 0;
    for (; pairs[2 * n]; n++)
        nv[n] = (nghttp2_nv){(uint8_t *)(uintptr_t)pairs[2 * n], (uint8_t *)(uintptr_t)pairs[2 * n + 1],
                             strlen(pairs[2 * n]), strlen(pairs[2 * n + 1]), 0};
    ssize_t len = nghttp2_hd_deflate_hd(r->deflater, block, sizeof block, nv, n);
    assert_true(len > 0);
    raw_frame(r, NGHTTP2_HEADERS, NGHTTP2_FLAG_END_STREAM, 1, slice_make(block, (size_t)len));
}

static const char *const usual[] = {":method", "GET", ":scheme", "https", ":authority", "a", ":path", "/park", NULL};

static void a_head_counts_before_it_is_whole(void **state)
{
    enum { FIELD = 10000 };
    struct raw r = {0};
    struct kit *k = stranger(&r);
    char field[6 + FIELD];
    (void)state;
    memset(field, 'v', sizeof field);
    memcpy(field, "\0\1x\x7f\x91\x4d", 6); /* a literal: name "x", a value of 127 + 17 + 77 * 128 bytes */
    unfinished(&r, usual);
    for (size_t i = 1; i <= 5; i++) {
        raw_frame(&r, NGHTTP2_CONTINUATION, 0, 1, slice_make(field, sizeof field));
        kit_pass(k, 2);
        assert_in_range(k->kept, i * FIELD, i * FIELD + 3 * FIELD);
    }
    assert_int_equal(k->requests, 0);
    end(k, &r);
}

/* nghttp2 keeps a name and a value as long as they come. */
static void a_field_line_counts_before_it_is_whole(void **state)
{
    struct raw r = {0};
    struct kit *k = stranger(&r);
    char piece[PIECE - 4];
    (void)state;
    memset(piece, 'n', sizeof piece);
    unfinished(&r, usual);
    raw_frame(&r, NGHTTP2_CONTINUATION, 0, 1, SLICE("\0\x7f\xe1\xd3\3")); /* a name of LONG bytes */
    kit_pass(k, 2);
    assert_true(k->kept >= LONG);
    for (size_t left = LONG, n; left; left -= n) {
        n = left < sizeof piece ? left : sizeof piece;
        raw_frame(&r, NGHTTP2_CONTINUATION, 0, 1, slice_make(piece, n));
    }
    raw_frame(&r, NGHTTP2_CONTINUATION, 0, 1, SLICE("\x7f\xe1\xd3\3v")); /* and a value */
    kit_pass(k, 2);
    assert_true(k->kept >= 2 * LONG);
    end(k, &r);
}

static void what_is_over_counts_no_more(void **state)
{
    struct raw r = {0};
    char large[8000] = {0};
    const char *const pairs[] = {":method", "GET",   ":scheme", "https", ":authority", "a",
                                 ":path",   "/park", "x",       large,   NULL};
    (void)state;
    memset(large, 'v', sizeof large - 1);
    struct kit *k = stranger(&r);
    for (int i = 0; i < 6; i++)
        raw_headers(&r, 2 * i + 1, NGHTTP2_FLAG_END_STREAM, pairs);
    kit_pass(k, 5);
    assert_int_equal(k->requests, 6);
    assert_true(k->kept > 6 * 8000);
    for (int i = 0; i < 6; i++)
        raw_u32(&r, NGHTTP2_RST_STREAM, 2 * i + 1, NGHTTP2_CANCEL);
    kit_pass(k, 20);
    assert_true(k->kept < 8 * KIB); /* the table of what repeats */
    end(k, &r);
}

static void answers_that_are_not_taken_count(void **state)
{
    struct raw r = {0};
    struct kit *k = stranger(&r);
    (void)state;
    raw_frame(&r, NGHTTP2_SETTINGS, 0, 0, SLICE("\0\4\0\0\0\0"));
    for (int i = 0; i < 4; i++)
        raw_get(&r, 2 * i + 1, NGHTTP2_FLAG_END_STREAM, "/bytes/20000");
    kit_pass(k, 5);
    assert_in_range(k->kept, 80000, 100 * KIB);
    for (int i = 0; i < 3; i++)
        raw_u32(&r, NGHTTP2_WINDOW_UPDATE, 2 * i + 1, 20000);
    kit_pass(k, 20);
    assert_in_range(k->kept, 20000, 40000);
    raw_u32(&r, NGHTTP2_RST_STREAM, 7, NGHTTP2_CANCEL);
    kit_pass(k, 20);
    assert_true(k->kept < 8 * KIB);
    end(k, &r);
}

static void the_owner_may_end_it_while_it_is_told(void **state)
{
    struct raw r = {0};
    struct kit *k = stranger(&r);
    (void)state;
    k->end_when_told = true;
    raw_get(&r, 1, NGHTTP2_FLAG_END_STREAM, "/park");
    assert_true(kit_run(k, server_gone, k, 1000));
    assert_int_equal(k->requests, k->aborts);
    end(k, &r);
}

/* No PING is waited for, which such a peer need not answer. */
static void who_is_stopped_is_asked_for_nothing_more(void **state)
{
    enum { FIRST = 1, LAST = 3, BEHIND = 5 };
    struct raw r = {.deaf = true};
    struct kit *k = stranger(&r);
    (void)state;
    raw_get(&r, FIRST, NGHTTP2_FLAG_END_STREAM, "/park");
    raw_get(&r, LAST, NGHTTP2_FLAG_END_STREAM, "/bytes/9");
    kit_pass(k, 2);
    assert_int_equal(k->requests, 2);
    http_h2_stop(k->server);
    raw_get(&r, BEHIND, NGHTTP2_FLAG_END_STREAM, "/bytes/9"); /* before it can know */
    kit_pass(k, 5);
    assert_int_equal(r.frames[NGHTTP2_GOAWAY], 1);
    assert_in_range(r.goaway_last, LAST, BEHIND);
    for (int i = 1; i < 100; i++)
        raw_get(&r, BEHIND + 2 * i, NGHTTP2_FLAG_END_STREAM, "/bytes/9");
    kit_pass(k, 5);
    assert_int_equal(k->requests, 2);
    raw_u32(&r, NGHTTP2_RST_STREAM, FIRST, NGHTTP2_CANCEL);
    end(k, &r);
}

static void what_came_with_its_last_request_is_refused_unread(void **state)
{
    struct raw r = {.deaf = true};
    struct kit *k = stranger(&r);
    (void)state;
    k->stop_at = 3;
    raw_together(&r, true);
    for (int i = 0; i < 100; i++)
        raw_get(&r, 2 * i + 1, NGHTTP2_FLAG_END_STREAM, "/bytes/9");
    raw_together(&r, false);
    kit_pass(k, 5);
    assert_int_equal(k->requests, 3);
    assert_int_equal(r.reset_code, NGHTTP2_REFUSED_STREAM);
    assert_int_equal(r.data_bytes, 3 * 9); /* its answers came */
    end(k, &r);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_stranger_holds_little_until_it_is_let_in),
        cmocka_unit_test(answers_that_nobody_takes_are_told_of_who_was_let_in_too),
        cmocka_unit_test(a_head_counts_before_it_is_whole),
        cmocka_unit_test(a_field_line_counts_before_it_is_whole),
        cmocka_unit_test(what_is_over_counts_no_more),
        cmocka_unit_test(answers_that_are_not_taken_count),
        cmocka_unit_test(the_owner_may_end_it_while_it_is_told),
        cmocka_unit_test(who_is_stopped_is_asked_for_nothing_more),
        cmocka_unit_test(what_came_with_its_last_request_is_refused_unread),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
