/* SPDX-License-Identifier: Apache-2.0 */
/* http/conditional.h: entity tags and ranges of bytes. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include "http/conditional.h"

static enum http_range wanted(const char *range, const char *condition, uint64_t size, uint64_t *first,
                              uint64_t *length)
{
    struct http_field list[] = {{SLICE("range"), slice_of(range)}, {SLICE("if-range"), slice_of(condition)}};
    const struct http_fields fields = {.list = list, .count = condition ? 2 : 1};
    return http_range_wanted(&fields, SLICE("\"a\""), size, first, length);
}

static void a_range_is_cut_to_what_is_there(void **state)
{
    static const struct {
        const char *range;
        uint64_t size, first, length;
    } cases[] = {{"bytes=0-0", 10, 0, 1},
                 {"bytes=2-4", 10, 2, 3},
                 {"bytes=2-", 10, 2, 8},
                 {"bytes=2-100", 10, 2, 8},
                 {"bytes=-3", 10, 7, 3},
                 {"bytes=-30", 10, 0, 10},
                 {"BYTES= 9-9 ", 10, 9, 1},
                 {"bytes=0-18446744073709551615", 10, 0, 10},
                 {"bytes=0-18446744073709551616", 10, 0, 10}};
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        uint64_t first, length;
        assert_int_equal(wanted(cases[i].range, NULL, cases[i].size, &first, &length), HTTP_RANGE_PART);
        assert_int_equal(first, cases[i].first);
        assert_int_equal(length, cases[i].length);
    }
}

static void what_is_no_single_range_means_the_whole(void **state)
{
    static const char *const cases[] = {"",          "bytes",         "bytes=",     "bytes=-",
                                        "bytes=4-2", "bytes=0-1,3-4", "bytes=,0-1", "lines=0-1",
                                        "bytes=+1-", "bytes=0x1-2",   "bytes=1--2", "bytes=1-2-3"};
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        uint64_t first, length;
        assert_int_equal(wanted(cases[i], NULL, 10, &first, &length), HTTP_RANGE_WHOLE);
        assert_int_equal(first, 0);
        assert_int_equal(length, 10);
    }
}

static void a_range_behind_the_end_can_not_be_met(void **state)
{
    static const char *const cases[] = {"bytes=10-", "bytes=10-20", "bytes=-0", "bytes=99999999999999999999-"};
    uint64_t first, length;
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(cases); i++)
        assert_int_equal(wanted(cases[i], NULL, 10, &first, &length), HTTP_RANGE_BEYOND);
    assert_int_equal(wanted("bytes=0-", NULL, 0, &first, &length), HTTP_RANGE_BEYOND);
    assert_int_equal(wanted("bytes=-1", NULL, 0, &first, &length), HTTP_RANGE_BEYOND);
}

static void a_range_counts_for_the_very_tag_that_it_is_on_condition_of(void **state)
{
    uint64_t first, length;
    (void)state;
    assert_int_equal(wanted("bytes=0-1", "\"a\"", 10, &first, &length), HTTP_RANGE_PART);
    assert_int_equal(wanted("bytes=0-1", "W/\"a\"", 10, &first, &length), HTTP_RANGE_WHOLE);
    assert_int_equal(wanted("bytes=0-1", "\"b\"", 10, &first, &length), HTTP_RANGE_WHOLE);
    assert_int_equal(wanted("bytes=0-1", "", 10, &first, &length), HTTP_RANGE_WHOLE);
}

static void a_list_of_tags_is_compared_weakly(void **state)
{
    (void)state;
    assert_true(http_etag_listed(SLICE("\"a\""), SLICE("\"a\"")));
    assert_true(http_etag_listed(SLICE("\"b\", W/\"a\""), SLICE("\"a\"")));
    assert_true(http_etag_listed(SLICE(" * "), SLICE("\"a\"")));
    assert_false(http_etag_listed(SLICE("\"b\""), SLICE("\"a\"")));
    assert_false(http_etag_listed(SLICE_NONE, SLICE("\"a\"")));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_range_is_cut_to_what_is_there),
        cmocka_unit_test(what_is_no_single_range_means_the_whole),
        cmocka_unit_test(a_range_behind_the_end_can_not_be_met),
        cmocka_unit_test(a_range_counts_for_the_very_tag_that_it_is_on_condition_of),
        cmocka_unit_test(a_list_of_tags_is_compared_weakly),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
