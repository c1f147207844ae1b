/* SPDX-License-Identifier: Apache-2.0 */
/* Windows on long lines: who is far away gets more, who reads slowly does not. The clock is the test's own, so that a
 * round trip takes what it is said to take, however slow the machine is. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include "h2_kit.h"

enum { MEGABYTE = 1000 * 1000, WINDOW = 64 * 1024 };

static struct kit *over_line(uint64_t delay_ms)
{
    struct kit_options o = {.h2 = kit_h2, .delay_ms = delay_ms};
    o.h2.window_budget = 64 * 1024 * 1024;
    return kit_new(&o);
}

/* 16 MB at 64 KiB a round trip of 100 ms would take 25 s. */
static void a_window_grows_on_a_long_line(void **state)
{
    struct kit *k = over_line(50);
    struct kit_call c = {0};
    (void)state;
    uint64_t start = loop_now_ms(k->loop);
    kit_call(k, &c, NULL, "/bytes/16000000", 0);
    assert_true(kit_run(k, kit_ended, &c, 20000));
    assert_int_equal(c.checked, 16 * MEGABYTE);
    uint64_t took = loop_now_ms(k->loop) - start;
    if (took > 4000)
        fail_msg("16 MB took %llu ms", (unsigned long long)took);
    kit_free(k);
}

static void an_upload_window_grows_on_a_long_line(void **state)
{
    struct kit *k = over_line(50);
    struct kit_call c = {0};
    (void)state;
    uint64_t start = loop_now_ms(k->loop);
    kit_call(k, &c, NULL, "/sink", 16 * MEGABYTE);
    assert_true(kit_run(k, kit_ended, &c, 20000));
    uint64_t took = loop_now_ms(k->loop) - start;
    if (took > 4000)
        fail_msg("16 MB took %llu ms", (unsigned long long)took);
    kit_free(k);
}

/* The peer could fill more, but the reader takes only a little a round trip: more window would be more memory. */
static void a_slow_reader_gets_no_larger_window(void **state)
{
    struct kit *k = over_line(20);
    struct kit_call c = {.hold = true};
    (void)state;
    kit_call(k, &c, NULL, "/bytes/10000000", 0);
    for (int i = 0; i < 40; i++) {
        kit_pass(k, 20);
        size_t n = c.unconsumed < 4000 ? c.unconsumed : 4000;
        c.unconsumed -= n;
        http_call_consumed(c.call, n);
    }
    assert_true(c.received > WINDOW);
    assert_int_equal(c.most_unconsumed, WINDOW);
    kit_free(k);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_window_grows_on_a_long_line),
        cmocka_unit_test(an_upload_window_grows_on_a_long_line),
        cmocka_unit_test(a_slow_reader_gets_no_larger_window),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
