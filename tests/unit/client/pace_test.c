/* SPDX-License-Identifier: Apache-2.0 */
/* The returns of a fleet whose gateway started again, by the client's own code, on a clock that is counted. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/slice.h"
#include "client/pace.h"

enum { FLEET = 100000, FEW = 2000, SECONDS = CLIENT_RETURN_MOST_S * 2 };

/* How many come in the worst second, and the last second in which one comes, after so many failures in a row. */
static unsigned worst_second(size_t fleet, unsigned times, uint64_t *ret_last)
{
    static unsigned arrivals[SECONDS];
    unsigned worst = 0;
    *ret_last = 0;
    for (size_t i = 0; i < SECONDS; i++)
        arrivals[i] = 0;
    for (size_t i = 0; i < fleet; i++) {
        uint64_t second = client_pace_return_ms(times) / 1000;
        assert_in_range(second, 0, SECONDS - 1);
        worst = ++arrivals[second] > worst ? arrivals[second] : worst;
        *ret_last = second > *ret_last ? second : *ret_last;
    }
    return worst;
}

/* A fleet of that size fills each second evenly: six sigma over the mean is never seen. */
static void a_fleet_that_was_broken_off_together_does_not_return_together(void **state)
{
    (void)state;
    uint64_t last;
    unsigned mean = FLEET / CLIENT_RETURN_FIRST_S, worst = worst_second(FLEET, 1, &last);
    assert_in_range(worst, mean, mean + 6 * 41); /* 41: the root of the mean */
    assert_in_range(last, CLIENT_RETURN_FIRST_S - 2, CLIENT_RETURN_FIRST_S - 1);
}

static void what_fails_again_is_spread_twice_as_wide_up_to_a_quarter_of_an_hour(void **state)
{
    (void)state;
    uint64_t last, before = 0;
    for (unsigned times = 1; times < 40; times++) {
        (void)worst_second(FEW, times, &last);
        assert_true(last < CLIENT_RETURN_MOST_S && last >= before);
        before = last > CLIENT_RETURN_MOST_S / 2 ? before : last;
    }
    assert_true(last > CLIENT_RETURN_MOST_S - 20);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_fleet_that_was_broken_off_together_does_not_return_together),
        cmocka_unit_test(what_fails_again_is_spread_twice_as_wide_up_to_a_quarter_of_an_hour),
    };
    return cmocka_run_group_tests_name("client-pace", tests, NULL, NULL);
}
