/* SPDX-License-Identifier: Apache-2.0 */
/* When a source is fetched next: always in time, never in a rush, never in step. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/attr.h"
#include "source/freshness.h"
#include "source/plan.h"

enum { MS = 1000, HOUR = 3600 };

static void a_list_is_fetched_several_times_before_it_ends(void **state UNUSED)
{
    for (int64_t life = 60; life < 40 * 86400; life *= 3) {
        int tries = 0;
        for (int64_t left = life; left > 0; tries++)
            left -= (int64_t)(source_plan_next(0, left, 0) / MS);
        assert_true(tries >= 4);
    }
}

static void the_site_s_word_bounds_the_wait(void **state UNUSED)
{
    for (uint64_t dice = 0; dice < 100000; dice += 777) {
        assert_in_range(source_plan_next(600, SOURCE_NO_END, dice), 540 * MS, 600 * MS);
        assert_in_range(source_plan_next(0, SOURCE_NO_END, dice), HOUR * MS / 10 * 9, HOUR * MS);
        assert_in_range(source_plan_next(600, 100, dice), 45 * MS, 50 * MS);
        assert_in_range(source_plan_next(600, 1, dice), 4500, 5000);
        assert_in_range(source_plan_next(1, 1, dice), 900, 1000);
    }
}

static void failures_wait_longer_and_longer_but_no_longer_than_the_site_s_word(void **state UNUSED)
{
    uint64_t before = 0;
    for (unsigned n = 1; n < 16; n++) {
        uint64_t most = source_plan_again(n, 0, source_plan_again(n, 0, 0)); /* dice: half of the wait, all of it */
        assert_true(most >= before && most <= (uint64_t)HOUR * MS);
        before = most;
    }
    assert_true(before == (uint64_t)HOUR * MS);
    assert_in_range(source_plan_again(1, 0, 12345), 1000, 2000);
    assert_in_range(source_plan_again(UINT32_MAX, 60, 99), 30 * MS, 60 * MS);
    assert_in_range(source_plan_again(UINT32_MAX, 0, UINT64_MAX), HOUR * MS / 2, HOUR * MS);
}

static int64_t fresh(const char *cache_control, const char *age)
{
    return freshness(cache_control ? slice_of(cache_control) : SLICE_NONE, age ? slice_of(age) : SLICE_NONE);
}

static void an_answer_says_for_how_long_it_is_fresh(void **state UNUSED)
{
    assert_int_equal(fresh(NULL, NULL), FRESHNESS_UNSAID);
    assert_int_equal(fresh("", "5"), FRESHNESS_UNSAID);
    assert_int_equal(fresh("public, must-revalidate", NULL), FRESHNESS_UNSAID);
    assert_int_equal(fresh("max-age=86400, private", NULL), 86400);
    assert_int_equal(fresh(" Public ,Max-Age=\"300\"", NULL), 300);
    assert_int_equal(fresh("max-age=300", "100"), 200);
    assert_int_equal(fresh("max-age=300", "301"), 0);
    assert_int_equal(fresh("max-age=300, max-age=900", NULL), 300);
    assert_int_equal(fresh("max-age=300, no-cache", NULL), 0);
    assert_int_equal(fresh("no-store", NULL), 0);
    assert_int_equal(fresh("max-age=99999999999999999999999999", NULL), FRESHNESS_MAX_S);
    assert_int_equal(fresh("x-max-age=7, s-maxage=8", NULL), FRESHNESS_UNSAID);
    const char *const wrong[] = {"max-age", "max-age=", "max-age=-1", "max-age=1h", "max-age=1.5", "max-age=\"3"};
    for (size_t i = 0; i < ARRAY_LEN(wrong); i++)
        assert_int_equal(fresh(wrong[i], NULL), 0);
}

static void keys_are_fetched_again_as_their_publisher_says_within_bounds(void **state UNUSED)
{
    assert_int_equal(source_plan_refresh(0, FRESHNESS_UNSAID), 0);
    assert_int_equal(source_plan_refresh(600, FRESHNESS_UNSAID), 600);
    assert_int_equal(source_plan_refresh(0, 0), 60);
    assert_int_equal(source_plan_refresh(0, 7200), 7200);
    assert_int_equal(source_plan_refresh(0, FRESHNESS_MAX_S), 86400);
    assert_int_equal(source_plan_refresh(600, 7200), 600);
    assert_int_equal(source_plan_refresh(600, 120), 120);
    assert_int_equal(source_plan_refresh(30, 0), 30);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_list_is_fetched_several_times_before_it_ends),
        cmocka_unit_test(an_answer_says_for_how_long_it_is_fresh),
        cmocka_unit_test(keys_are_fetched_again_as_their_publisher_says_within_bounds),
        cmocka_unit_test(the_site_s_word_bounds_the_wait),
        cmocka_unit_test(failures_wait_longer_and_longer_but_no_longer_than_the_site_s_word),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
