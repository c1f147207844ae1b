/* SPDX-License-Identifier: Apache-2.0 */
/* When a server certificate that ends is told of. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "pki/cert/host.h"

enum { DAY = 86400, NOW = 1000 * DAY };

static void notice_is_given_60_30_14_7_and_1_days_before_the_end(void **state)
{
    (void)state;
    static const struct {
        int64_t left;
        int notice;
    } cases[] = {{61 * DAY, -1}, {60 * DAY + 1, -1}, {60 * DAY, 60}, {30 * DAY + 1, 60}, {30 * DAY, 30},
                 {14 * DAY, 14}, {7 * DAY, 7},       {2 * DAY, 7},   {DAY, 1},           {1, 1},
                 {0, 0},         {-DAY, 0}};
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++)
        assert_int_equal(pki_cert_notice(NOW + cases[i].left, NOW), cases[i].notice);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(notice_is_given_60_30_14_7_and_1_days_before_the_end)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
