/* SPDX-License-Identifier: Apache-2.0 */
/* Buffers, arenas and errors: their maxima above all. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include <stdalign.h>
#include <stdint.h>
#include <stdlib.h>

#include "base/arena.h"
#include "base/buf.h"
#include "base/stock.h"

static void a_buffer_is_first_in_first_out(void **state)
{
    (void)state;
    struct buf b;
    unsigned char next_in = 0, next_out = 0;
    buf_init(&b, 1000);
    for (int round = 0; round < 5000; round++) {
        for (size_t n = (size_t)round * 7 % 90; n > 0; n--) {
            unsigned char c = next_in;
            if (buf_append(&b, slice_make(&c, 1)) == OK)
                next_in++;
        }
        size_t out = (size_t)round * 5 % 90;
        struct slice data = buf_data(&b);
        out = out < data.len ? out : data.len;
        for (size_t i = 0; i < out; i++)
            assert_int_equal((unsigned char)data.ptr[i], next_out++);
        buf_consume(&b, out);
    }
    buf_free(&b);
}

static void a_buffer_takes_its_maximum_and_not_a_byte_more(void **state)
{
    (void)state;
    struct buf b;
    buf_init(&b, 10);
    assert_int_equal(buf_append(&b, SLICE("0123456789")), OK);
    assert_int_equal(buf_append(&b, SLICE("x")), R_LIMIT);
    assert_int_equal(buf_append(&b, SLICE("")), OK);
    assert_null(buf_reserve(&b, 1));
    assert_null(buf_reserve(&b, SIZE_MAX));
    assert_true(slice_eq(buf_data(&b), SLICE("0123456789")));
    buf_consume(&b, 4);
    assert_int_equal(buf_append(&b, SLICE("abcd")), OK);
    assert_true(slice_eq(buf_data(&b), SLICE("456789abcd")));
    buf_free(&b);
    assert_int_equal(b.max, 10);
    assert_int_equal(buf_printf(&b, "%s", "0123456789"), OK); /* the NUL does not count */
    assert_int_equal(buf_printf(&b, "%s", "x"), R_LIMIT);
    assert_int_equal(buf_printf(&b, "%s", ""), OK);
    assert_true(slice_eq(buf_data(&b), SLICE("0123456789")));
    buf_free(&b);
}

static void an_emptied_large_buffer_holds_no_memory(void **state)
{
    (void)state;
    static const char zeros[100000];
    struct buf b;
    buf_init(&b, sizeof zeros);
    assert_int_equal(buf_append(&b, slice_make(zeros, sizeof zeros)), OK);
    buf_consume(&b, sizeof zeros);
    assert_null(b.mem);
    assert_int_equal(b.room, 0);
    buf_free(&b);
}

static void what_is_reserved_is_written_and_committed(void **state)
{
    (void)state;
    struct buf b;
    buf_init(&b, 100);
    memcpy(buf_reserve(&b, 50), "abc", 3);
    buf_commit(&b, 3);
    assert_int_equal(buf_len(&b), 3);
    assert_int_equal(buf_append_str(&b, "def"), OK);
    char *text = buf_take_str(&b);
    assert_string_equal(text, "abcdef");
    assert_int_equal(buf_len(&b), 0);
    free(text);
    text = buf_take_str(&b);
    assert_string_equal(text, "");
    free(text);
}

static void an_arena_gives_zeroed_aligned_memory_up_to_its_maximum(void **state)
{
    (void)state;
    struct arena *a = arena_new(100000);
    size_t taken = 0;
    for (size_t size = 1;; size = size % 3000 + 13) {
        unsigned char *p = arena_alloc(a, size);
        if (!p)
            break;
        assert_int_equal((uintptr_t)p % alignof(max_align_t), 0);
        for (size_t i = 0; i < size; i++)
            assert_int_equal(p[i], 0);
        memset(p, 0xaa, size);
        taken += size;
        assert_true(taken <= 100000);
        assert_true(arena_used(a) >= taken && arena_used(a) <= 100000);
    }
    assert_true(taken > 90000);
    assert_null(arena_alloc(a, SIZE_MAX));
    arena_free(a);
    arena_free(NULL);
}

static void an_arena_copies_texts_and_says_no_when_full(void **state)
{
    (void)state;
    struct arena *a = arena_new(64);
    struct slice s = arena_dup(a, SLICE("abc"));
    assert_true(slice_eq(s, SLICE("abc")));
    assert_int_equal(s.ptr[3], '\0');
    s = arena_printf(a, "%d-%s", 7, "x");
    assert_true(slice_eq(s, SLICE("7-x")));
    s = arena_dup(a, SLICE_NONE);
    assert_non_null(s.ptr); /* an empty text, not a refusal */
    assert_null(arena_printf(a, "%100s", "").ptr);
    assert_null(arena_dup(a, SLICE("a text that is too long for what is left in this arena")).ptr);
    arena_free(a);
}

/* More of each size than a thread keeps, then all of them anew: nobody's bytes change under him. */
static void blocks_of_the_stock_are_each_their_owners_alone(void **state)
{
    (void)state;
    static const size_t sizes[] = {100, STOCK_SMALL, STOCK_LARGE, 3 * STOCK_LARGE};
    unsigned char *held[400];
    for (int round = 0; round < 3; round++) {
        for (size_t i = 0; i < ARRAY_LEN(held); i++) {
            held[i] = stock_take(sizes[i % ARRAY_LEN(sizes)]);
            memset(held[i], (int)i & 0xff, sizes[i % ARRAY_LEN(sizes)]);
        }
        for (size_t i = 0; i < ARRAY_LEN(held); i++) {
            size_t size = sizes[i % ARRAY_LEN(sizes)];
            assert_int_equal(held[i][0], i & 0xff);
            assert_int_equal(held[i][size - 1], i & 0xff);
            stock_give(held[i], size);
        }
    }
    stock_give(NULL, STOCK_SMALL);
}

static void an_error_is_filled_prefixed_and_cut(void **state)
{
    (void)state;
    struct error err;
    char longer[2 * ERROR_TEXT_MAX];
    memset(longer, 'x', sizeof longer - 1);
    longer[sizeof longer - 1] = '\0';
    assert_int_equal(error_set(NULL, R_LIMIT, "nobody listens"), R_LIMIT);
    assert_int_not_equal(error_prefix(NULL, "nobody"), OK); /* a failure stays one */
    assert_int_equal(error_set(&err, R_DENIED, "the %s", "reason"), R_DENIED);
    assert_int_equal(error_prefix(&err, "file %d", 7), R_DENIED);
    assert_string_equal(err.text, "file 7: the reason");
    assert_int_equal(error_set(&err, R_IO, "%s", longer), R_IO);
    assert_int_equal(strlen(err.text), ERROR_TEXT_MAX - 1);
    (void)error_prefix(&err, "p");
    assert_int_equal(strlen(err.text), ERROR_TEXT_MAX - 1);
    assert_memory_equal(err.text, "p: xxx", 6);
    (void)error_prefix(&err, "%s", longer);
    assert_int_equal(strlen(err.text), ERROR_TEXT_MAX - 1);
    assert_string_equal(result_name(R_NOTFOUND), "not_found");
    assert_string_equal(result_name((enum result)1000), "unknown");
}

/* The stock gives the same blocks again, so that what was left in them can be read without a fault. */
static void a_secret_buffer_leaves_nothing_behind_when_it_grows_or_goes(void **state)
{
    (void)state;
    char secret[STOCK_SMALL], *left[2];
    struct buf b;
    memset(secret, 'S', sizeof secret);
    buf_init_secret(&b, STOCK_LARGE);
    assert_int_equal(buf_append(&b, slice_make(secret, sizeof secret)), OK);
    assert_int_equal(buf_append(&b, slice_make(secret, 1)), OK); /* moves to a larger block */
    assert_int_equal(buf_len(&b), sizeof secret + 1);
    buf_free(&b);
    left[0] = stock_take(STOCK_SMALL);
    left[1] = stock_take(STOCK_LARGE);
    size_t found = 0;
    for (size_t i = 0; i < STOCK_SMALL; i++)
        found += (left[0][i] == 'S') + (left[1][i] == 'S');
    stock_give(left[0], STOCK_SMALL);
    stock_give(left[1], STOCK_LARGE);
    assert_int_equal(found, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_buffer_is_first_in_first_out),
        cmocka_unit_test(a_buffer_takes_its_maximum_and_not_a_byte_more),
        cmocka_unit_test(an_emptied_large_buffer_holds_no_memory),
        cmocka_unit_test(a_secret_buffer_leaves_nothing_behind_when_it_grows_or_goes),
        cmocka_unit_test(what_is_reserved_is_written_and_committed),
        cmocka_unit_test(an_arena_gives_zeroed_aligned_memory_up_to_its_maximum),
        cmocka_unit_test(an_arena_copies_texts_and_says_no_when_full),
        cmocka_unit_test(blocks_of_the_stock_are_each_their_owners_alone),
        cmocka_unit_test(an_error_is_filled_prefixed_and_cut),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
