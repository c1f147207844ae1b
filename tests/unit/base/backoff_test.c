/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/limit/backoff.h"

static void it_doubles_up_to_its_maximum(void **state)
{
    (void)state;
    static const uint64_t waits[] = {2, 4, 8, 16, 20, 20};
    for (unsigned i = 0; i < sizeof waits / sizeof *waits; i++)
        assert_int_equal(backoff_doubled(2, 20, i), waits[i]);
}

static void no_number_of_failures_is_too_many(void **state)
{
    (void)state;
    assert_int_equal(backoff_doubled(1, UINT64_MAX, UINT32_MAX), UINT64_MAX);
    assert_int_equal(backoff_doubled(0, 20, UINT32_MAX), 0);
}

static void a_first_wait_over_the_maximum_is_cut(void **state)
{
    (void)state;
    assert_int_equal(backoff_doubled(30, 20, 0), 20);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(it_doubles_up_to_its_maximum),
        cmocka_unit_test(no_number_of_failures_is_too_many),
        cmocka_unit_test(a_first_wait_over_the_maximum_is_cut),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
