/* SPDX-License-Identifier: Apache-2.0 */
/* A tenth of the calls may be tried again, and the first few. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/attr.h"
#include "gateway/request/retry_budget.h"

static unsigned retries_until_refused(struct retry_budget *b)
{
    unsigned n = 0;
    for (; retry_budget_allows(b) && n < 1000; n++)
        retry_budget_count(b, true);
    return n;
}

static void the_first_request_of_a_process_may_be_tried_again(void **state UNUSED)
{
    struct retry_budget b = {0};
    retry_budget_count(&b, false);
    assert_true(retry_budget_allows(&b));
}

static void a_site_that_fails_all_is_not_asked_twice_as_much(void **state UNUSED)
{
    struct retry_budget b = {0};
    for (int i = 0; i < 10000; i++) {
        retry_budget_count(&b, false);
        if (retry_budget_allows(&b))
            retry_budget_count(&b, true);
    }
    assert_in_range(b.retries, 1000, 1130);
}

static void what_was_used_up_comes_back_with_calls_that_succeed(void **state UNUSED)
{
    struct retry_budget b = {0};
    assert_in_range(retries_until_refused(&b), RETRY_BUDGET_FREE, 2 * RETRY_BUDGET_FREE);
    assert_false(retry_budget_allows(&b));
    for (int i = 0; i < 100; i++)
        retry_budget_count(&b, false);
    assert_in_range(retries_until_refused(&b), 10, 12);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_first_request_of_a_process_may_be_tried_again),
        cmocka_unit_test(a_site_that_fails_all_is_not_asked_twice_as_much),
        cmocka_unit_test(what_was_used_up_comes_back_with_calls_that_succeed),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
