/* SPDX-License-Identifier: Apache-2.0 */
/* Windows and memory: who is slow waits alone, who waits costs little. */
#include <malloc.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>

#include <cmocka.h>

#include "base/mem.h"
#include "h2_kit.h"

#if defined(__SANITIZE_ADDRESS__)
enum { COUNTED = 0 };
#else
enum { COUNTED = 1 };
#endif

enum { MEGABYTE = 1000 * 1000, WINDOW = 64 * 1024, WINDOW_MAX = 4 * 1024 * 1024 };

static struct kit *new_kit(void)
{
    struct kit_options o = {.h2 = kit_h2};
    o.h2.window_budget = 64 * 1024 * 1024;
    o.h2.max_streams = 32768;
    return kit_new(&o);
}

static size_t in_use(void)
{
    struct mallinfo2 m = mallinfo2();
    return m.uordblks + m.hblkhd;
}

static void a_stalled_reader_does_not_stall_others(void **state)
{
    struct kit *k = new_kit();
    struct kit_call stalled[50] = {0}, up = {0}, c = {0};
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(stalled); i++) {
        stalled[i].hold = true;
        kit_call(k, &stalled[i], NULL, "/bytes/10000000", 0);
    }
    kit_call(k, &up, NULL, "/hold", 10 * MEGABYTE);
    kit_pass(k, 50);
    kit_call(k, &c, NULL, "/bytes/20000000", 0);
    assert_true(kit_run(k, kit_ended, &c, 120000));
    assert_int_equal(c.checked, 20 * MEGABYTE);
    for (size_t i = 0; i < ARRAY_LEN(stalled); i++) {
        assert_int_equal(stalled[i].received, WINDOW); /* its window, no more */
        assert_false(kit_done(&stalled[i]));
    }
    assert_int_equal(k->server_most, WINDOW);
    /* and it goes on where it stood when the reader wakes up */
    stalled[7].hold = false;
    http_call_consumed(stalled[7].call, stalled[7].received);
    assert_true(kit_run(k, kit_ended, &stalled[7], 120000));
    assert_int_equal(stalled[7].checked, 10 * MEGABYTE);
    kit_free(k);
}

static void a_hundred_megabytes_down_take_bounded_memory(void **state)
{
    struct kit *k = new_kit();
    struct kit_call c = {0};
    (void)state;
    size_t before = in_use(), most = 0;
    kit_call(k, &c, NULL, "/bytes/100000000", 0);
    while (!kit_done(&c)) {
        kit_pass(k, 20);
        if (in_use() > before && in_use() - before > most)
            most = in_use() - before;
    }
    assert_true(c.ended);
    assert_int_equal(c.checked, 100 * MEGABYTE);
    if (COUNTED)
        assert_true(most < 8 * MEGABYTE);
    kit_free(k);
}

static void a_hundred_megabytes_up_take_bounded_memory(void **state)
{
    struct kit *k = new_kit();
    struct kit_call c = {0};
    (void)state;
    size_t before = in_use(), most = 0;
    kit_call(k, &c, NULL, "/sink", 100 * MEGABYTE);
    while (!kit_done(&c)) {
        kit_pass(k, 20);
        if (in_use() > before && in_use() - before > most)
            most = in_use() - before;
    }
    assert_true(c.ended);
    assert_int_equal(c.status, 204);
    assert_true(k->server_most <= WINDOW_MAX);
    if (COUNTED)
        assert_true(most < 8 * MEGABYTE);
    kit_free(k);
}

static size_t received_by(const struct kit_call *c, size_t count)
{
    size_t sum = 0;
    for (size_t i = 0; i < count; i++)
        sum += c[i].received;
    return sum;
}

/* All of them stall: what they hold together is bounded by the session's budget. */
static void stalled_readers_together_stay_within_the_budget(void **state)
{
    enum { STREAMS = 200 };
    struct kit_options o = {.h2 = kit_h2};
    struct kit_call *c = mem_array(STREAMS, sizeof *c);
    size_t held;
    (void)state;
    o.h2.window_budget = 1024 * 1024;
    struct kit *k = kit_new(&o);
    kit_pass(k, 10);
    for (size_t i = 0; i < STREAMS; i++) {
        c[i].hold = true;
        kit_call(k, &c[i], NULL, "/bytes/1000000", 0);
    }
    for (int i = 0; i < 200 && received_by(c, STREAMS) < o.h2.window_budget; i++)
        kit_pass(k, 50); /* however slow the machine is */
    kit_pass(k, 300);
    held = received_by(c, STREAMS);
    assert_true(held >= 1024 * 1024 && held <= 2 * 1024 * 1024 + 32 * 1024);
    for (size_t i = 0; i < STREAMS; i++) {
        c[i].hold = false;
        http_call_consumed(c[i].call, c[i].unconsumed);
    }
    for (size_t i = 0; i < STREAMS; i++)
        assert_true(kit_run(k, kit_ended, &c[i], 120000));
    kit_free(k);
    free(c);
}

static bool all_parked(void *arg)
{
    return ((struct kit *)arg)->requests == 10000;
}

static void ten_thousand_parked_requests_cost_little(void **state)
{
    enum { PARKED = 10000 };
    struct kit *k = new_kit();
    struct kit_call *c = mem_array(PARKED, sizeof *c), one = {0};
    (void)state;
    kit_pass(k, 10);
    size_t before = in_use();
    for (size_t i = 0; i < PARKED; i++)
        kit_call(k, &c[i], NULL, "/park", 0);
    assert_true(kit_run(k, all_parked, k, 120000));
    size_t each = (in_use() - before) / PARKED; /* both sides, and the test's own job */
    if (COUNTED && each > 4096)
        fail_msg("a parked request takes %zu bytes", each);
    kit_call(k, &one, NULL, "/echo", 1000);
    assert_true(kit_run(k, kit_ended, &one, 5000));
    for (size_t i = 0; i < PARKED; i++)
        http_call_cancel(c[i].call);
    kit_pass(k, 500);
    assert_int_equal(k->aborts, PARKED);
    assert_false(k->server_closed); /* all leaving at once is no attack */
    if (COUNTED)
        assert_true(in_use() < before + MEGABYTE);
    kit_free(k);
    free(c);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_stalled_reader_does_not_stall_others),
        cmocka_unit_test(a_hundred_megabytes_down_take_bounded_memory),
        cmocka_unit_test(a_hundred_megabytes_up_take_bounded_memory),
        cmocka_unit_test(stalled_readers_together_stay_within_the_budget),
        cmocka_unit_test(ten_thousand_parked_requests_cost_little),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
