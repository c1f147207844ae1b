/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include <stdlib.h>

#include "base/slice.h"

static void equality_is_by_bytes_and_length(void **state)
{
    (void)state;
    assert_true(slice_eq(SLICE("abc"), SLICE("abc")));
    assert_false(slice_eq(SLICE("abc"), SLICE("abd")));
    assert_false(slice_eq(SLICE("abc"), SLICE("ab")));
    assert_true(slice_eq(SLICE_NONE, SLICE("")));
    assert_true(slice_eq(SLICE("a\0b"), SLICE("a\0b")));
    assert_true(slice_eq_nocase(SLICE("aBz@["), SLICE("AbZ@[")));
    assert_false(slice_eq_nocase(SLICE("@"), SLICE("`"))); /* 0x40 and 0x60: no letters */
    assert_false(slice_eq_nocase(SLICE("\xc4"), SLICE("\xe4")));
    assert_true(slice_eq_secret(SLICE("secret"), SLICE("secret")));
    assert_false(slice_eq_secret(SLICE("secret"), SLICE("secreT")));
    assert_false(slice_eq_secret(SLICE("secret"), SLICE("secre")));
}

static void beginnings_and_ends_are_found(void **state)
{
    (void)state;
    assert_true(slice_starts(SLICE("abc"), SLICE("ab")));
    assert_true(slice_starts(SLICE("abc"), SLICE("")));
    assert_false(slice_starts(SLICE("ab"), SLICE("abc")));
    assert_true(slice_starts_nocase(SLICE("Bearer x"), SLICE("bearer ")));
    assert_true(slice_ends(SLICE("abc"), SLICE("bc")));
    assert_false(slice_ends(SLICE("bc"), SLICE("abc")));
    assert_int_equal(slice_find(SLICE("abcb"), 'b'), 1);
    assert_true(slice_find(SLICE("abc"), 'x') == SIZE_MAX);
    assert_true(slice_find(SLICE_NONE, 'x') == SIZE_MAX);
    assert_int_equal(slice_find_slice(SLICE("abcabd"), SLICE("abd")), 3);
    assert_true(slice_find_slice(SLICE("abc"), SLICE("abcd")) == SIZE_MAX);
}

static void order_is_by_bytes_then_length(void **state)
{
    (void)state;
    assert_true(slice_cmp(SLICE("a"), SLICE("b")) < 0);
    assert_true(slice_cmp(SLICE("\xff"), SLICE("a")) > 0);
    assert_true(slice_cmp(SLICE("a"), SLICE("aa")) < 0);
    assert_int_equal(slice_cmp(SLICE_NONE, SLICE("")), 0);
}

static void cutting_yields_every_part_the_empty_ones_too(void **state)
{
    (void)state;
    static const char *const expected[] = {"", "a", "", "b", ""};
    struct slice rest = SLICE(",a,,b,");
    size_t n = 0;
    while (rest.ptr) {
        struct slice part = slice_cut(&rest, ',');
        assert_true(n < ARRAY_LEN(expected));
        assert_true(slice_eq(part, slice_of(expected[n++])));
    }
    assert_int_equal(n, ARRAY_LEN(expected));
}

static void skipping_and_trimming_stay_inside(void **state)
{
    (void)state;
    assert_true(slice_eq(slice_skip(SLICE("abc"), 1), SLICE("bc")));
    assert_int_equal(slice_skip(SLICE("abc"), 9).len, 0);
    assert_null(slice_skip(SLICE_NONE, 3).ptr);
    assert_true(slice_eq(slice_trim(SLICE(" \t a b\t ")), SLICE("a b")));
    assert_int_equal(slice_trim(SLICE(" \t ")).len, 0);
    assert_true(slice_eq(slice_trim(SLICE("\na")), SLICE("\na"))); /* OWS is space and tab alone */
}

static void numbers_are_digits_alone_without_overflow(void **state)
{
    static const char *const bad[] = {
        "", "-1", "+1", " 1", "1 ", "0x1", "1.0", "18446744073709551616", "99999999999999999999"};
    uint64_t n;
    (void)state;
    assert_true(slice_to_u64(SLICE("18446744073709551615"), &n));
    assert_true(n == UINT64_MAX);
    assert_true(slice_to_u64(SLICE("007"), &n));
    assert_int_equal(n, 7);
    for (size_t i = 0; i < ARRAY_LEN(bad); i++) {
        if (slice_to_u64(slice_of(bad[i]), &n))
            fail_msg("'%s' was accepted", bad[i]);
    }
}

static void a_c_string_holds_all_of_it_or_nothing(void **state)
{
    (void)state;
    char text[4] = "xyz";
    assert_true(slice_to_cstr(SLICE("abc"), text, sizeof text));
    assert_string_equal(text, "abc");
    assert_false(slice_to_cstr(SLICE("abcd"), text, sizeof text));
    assert_string_equal(text, "");
    assert_false(slice_to_cstr(SLICE("a\0b"), text, sizeof text));
    assert_false(slice_to_cstr(SLICE(""), text, 0));
    assert_true(slice_to_cstr(SLICE_NONE, text, sizeof text));
    char *copy = slice_dup(SLICE("ab\0c"));
    assert_memory_equal(copy, "ab\0c", 5);
    free(copy);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(equality_is_by_bytes_and_length),
        cmocka_unit_test(beginnings_and_ends_are_found),
        cmocka_unit_test(order_is_by_bytes_then_length),
        cmocka_unit_test(cutting_yields_every_part_the_empty_ones_too),
        cmocka_unit_test(skipping_and_trimming_stay_inside),
        cmocka_unit_test(numbers_are_digits_alone_without_overflow),
        cmocka_unit_test(a_c_string_holds_all_of_it_or_nothing),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
