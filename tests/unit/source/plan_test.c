/* SPDX-License-Identifier: Apache-2.0 */
/* When a source is fetched next: always in time, never in a rush, never in step. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/attr.h"
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

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_list_is_fetched_several_times_before_it_ends),
        cmocka_unit_test(the_site_s_word_bounds_the_wait),
        cmocka_unit_test(failures_wait_longer_and_longer_but_no_longer_than_the_site_s_word),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
