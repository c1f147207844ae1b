/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "renew/plan.h"

enum { HOUR_S = 3600 };

static void it_looks_again_when_it_is_due(void **state)
{
    (void)state;
    assert_int_equal(renew_look_ms(60, 0), 60 * 1000);
    assert_int_equal(renew_look_ms(60, 999), 60 * 1000 + 999);
    assert_int_equal(renew_look_ms(60, 1000), 60 * 1000);
}

static void the_clock_is_looked_at_every_hour_at_least(void **state)
{
    (void)state;
    assert_int_equal(renew_look_ms(90 * 86400, 0), HOUR_S * 1000);
    assert_int_equal(renew_look_ms(INT64_MAX, 0), HOUR_S * 1000);
}

static void what_is_overdue_is_looked_at_within_a_second(void **state)
{
    (void)state;
    assert_true(renew_look_ms(-1, UINT64_MAX) < 1000);
    assert_true(renew_look_ms(INT64_MIN, UINT64_MAX) < 1000);
}

static void pauses_double_to_an_hour(void **state)
{
    (void)state;
    static const uint64_t longest[] = {10, 20, 40, 80, 160, 320, 640, 1280, 2560, 3600, 3600};
    for (unsigned i = 0; i < sizeof longest / sizeof *longest; i++) {
        assert_int_equal(renew_pause_s(i, 0, 0), longest[i] / 2);
        assert_int_equal(renew_pause_s(i, 0, longest[i] / 2), longest[i]);
    }
    assert_true(renew_pause_s(UINT32_MAX, 0, UINT64_MAX) <= HOUR_S);
}

static void who_renews_often_asks_again_soon(void **state)
{
    (void)state;
    assert_int_equal(renew_pause_s(0, 2, 1), 2);
    assert_int_equal(renew_pause_s(1, 2, 2), 4);
    assert_int_equal(renew_pause_s(0, 86400, 5), 10);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(it_looks_again_when_it_is_due),
        cmocka_unit_test(the_clock_is_looked_at_every_hour_at_least),
        cmocka_unit_test(what_is_overdue_is_looked_at_within_a_second),
        cmocka_unit_test(pauses_double_to_an_hour),
        cmocka_unit_test(who_renews_often_asks_again_soon),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
