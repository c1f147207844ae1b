/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "source/freshness.h"

static void what_says_nothing_is_told_apart_from_what_is_stale(void **state)
{
    (void)state;
    assert_int_equal(freshness(SLICE_NONE, SLICE_NONE), FRESHNESS_UNSAID);
    assert_int_equal(freshness(SLICE("public, must-revalidate"), SLICE_NONE), FRESHNESS_UNSAID);
    assert_int_equal(freshness(SLICE("max-age=0"), SLICE_NONE), 0);
}

static void max_age_is_read_in_all_its_forms(void **state)
{
    (void)state;
    assert_int_equal(freshness(SLICE("max-age=300"), SLICE_NONE), 300);
    assert_int_equal(freshness(SLICE("public , Max-Age = \"300\" , immutable"), SLICE_NONE), 300);
}

static void the_first_max_age_counts(void **state)
{
    (void)state;
    assert_int_equal(freshness(SLICE("max-age=5, max-age=300"), SLICE_NONE), 5);
}

static void what_may_not_be_kept_is_stale_wherever_it_is_said(void **state)
{
    (void)state;
    assert_int_equal(freshness(SLICE("no-store"), SLICE_NONE), 0);
    assert_int_equal(freshness(SLICE("max-age=300, NO-CACHE"), SLICE_NONE), 0);
}

static void what_is_no_number_is_stale(void **state)
{
    (void)state;
    assert_int_equal(freshness(SLICE("max-age"), SLICE_NONE), 0);
    assert_int_equal(freshness(SLICE("max-age="), SLICE_NONE), 0);
    assert_int_equal(freshness(SLICE("max-age=-1"), SLICE_NONE), 0);
    assert_int_equal(freshness(SLICE("max-age=3h"), SLICE_NONE), 0);
}

static void more_digits_than_a_number_holds_are_very_long(void **state)
{
    (void)state;
    assert_int_equal(freshness(SLICE("max-age=99999999999999999999999"), SLICE_NONE), FRESHNESS_MAX_S);
}

static void what_it_lay_in_caches_is_taken_off(void **state)
{
    (void)state;
    assert_int_equal(freshness(SLICE("max-age=300"), SLICE(" 100 ")), 200);
    assert_int_equal(freshness(SLICE("max-age=300"), SLICE("300")), 0);
    assert_int_equal(freshness(SLICE("max-age=300"), SLICE("301")), 0);
    assert_int_equal(freshness(SLICE("public"), SLICE("100")), FRESHNESS_UNSAID);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_says_nothing_is_told_apart_from_what_is_stale),
        cmocka_unit_test(max_age_is_read_in_all_its_forms),
        cmocka_unit_test(the_first_max_age_counts),
        cmocka_unit_test(what_may_not_be_kept_is_stale_wherever_it_is_said),
        cmocka_unit_test(what_is_no_number_is_stale),
        cmocka_unit_test(more_digits_than_a_number_holds_are_very_long),
        cmocka_unit_test(what_it_lay_in_caches_is_taken_off),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
