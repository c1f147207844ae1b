/* SPDX-License-Identifier: Apache-2.0 */
/* When it is worth the cost to give memory back. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "gateway/give_back.h"

static void half_of_many_gone_is_worth_it_once(void **state)
{
    struct give_back_mark m = {0};
    (void)state;
    assert_false(give_back_worth(&m, 5000));
    assert_false(give_back_worth(&m, 2501));
    assert_true(give_back_worth(&m, 2500));
    assert_false(give_back_worth(&m, 2500));
    assert_false(give_back_worth(&m, 1251));
    assert_true(give_back_worth(&m, 0));
    assert_false(give_back_worth(&m, 0));
}

static void few_are_never_worth_it(void **state)
{
    struct give_back_mark m = {0};
    (void)state;
    assert_false(give_back_worth(&m, 499));
    assert_false(give_back_worth(&m, 0));
    assert_false(give_back_worth(&m, 500)); /* the most is what counts */
    assert_true(give_back_worth(&m, 0));
}

static void ups_and_downs_of_less_than_half_cost_nothing(void **state)
{
    struct give_back_mark m = {0};
    (void)state;
    for (int i = 0; i < 100; i++) {
        assert_false(give_back_worth(&m, 10000));
        assert_false(give_back_worth(&m, 5001));
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(half_of_many_gone_is_worth_it_once),
        cmocka_unit_test(few_are_never_worth_it),
        cmocka_unit_test(ups_and_downs_of_less_than_half_cost_nothing),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
