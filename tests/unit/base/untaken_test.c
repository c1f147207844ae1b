/* SPDX-License-Identifier: Apache-2.0 */
/* How much answers that nobody takes may hold, and who of those that hold them gives way. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include <cmocka.h>

#include "base/limit/untaken.h"

enum { DEVICES = 12, OF_DEVICE = 8 };

static const struct untaken_limits limits = {.all = 256, .each = 32, .little = 4};
static struct crowd *answers;
static struct untaken held[DEVICES][OF_DEVICE];
static size_t broken_off[DEVICES];

static void break_off(struct untaken *u)
{
    broken_off[(size_t)(u - &held[0][0]) / OF_DEVICE]++;
}

static enum untaken_room hold(size_t device, size_t n, size_t bytes)
{
    char whose[16];
    held[device][n] = (struct untaken){.give_way = break_off};
    int len = snprintf(whose, sizeof whose, "%zu", device);
    return untaken_hold(answers, &limits, &held[device][n], slice_make(whose, (size_t)len), bytes);
}

static void begin(void)
{
    answers = crowd_new(NULL, 0);
    memset(broken_off, 0, sizeof broken_off);
}

static void end(void)
{
    for (size_t d = 0; d < DEVICES; d++)
        for (size_t n = 0; n < OF_DEVICE; n++)
            untaken_part(answers, &held[d][n]);
    assert_int_equal(crowd_held(answers), 0);
    crowd_free(answers);
}

static void one_holds_no_more_than_its_share(void **state)
{
    (void)state;
    begin();
    for (size_t n = 0; n < 4; n++)
        assert_int_equal(hold(0, n, 8), UNTAKEN_ROOM);
    assert_int_equal(hold(0, 4, 1), UNTAKEN_EACH_FULL);
    assert_int_equal(crowd_held(answers), 32);
    untaken_part(answers, &held[0][0]);
    assert_int_equal(hold(0, 4, 1), UNTAKEN_ROOM);
    end();
}

static void who_holds_most_gives_way_to_who_holds_little(void **state)
{
    size_t gone = 0;
    (void)state;
    begin();
    for (size_t d = 0; d < 8; d++)
        for (size_t n = 0; n < 4; n++)
            assert_int_equal(hold(d, n, 8), UNTAKEN_ROOM);
    assert_int_equal(crowd_held(answers), 256);
    assert_int_equal(hold(8, 0, 1), UNTAKEN_ROOM);
    for (size_t d = 0; d < 8; d++)
        gone += broken_off[d];
    assert_int_equal(gone, 1);
    assert_int_equal(broken_off[8], 0);
    assert_true(crowd_held(answers) <= 256);
    end();
}

static void where_everybody_holds_little_a_newcomer_waits(void **state)
{
    static const struct untaken_limits few = {.all = 8, .each = 8, .little = 4};
    struct untaken more = {.give_way = break_off};
    (void)state;
    begin();
    for (size_t d = 0; d < 2; d++) {
        held[d][0] = (struct untaken){.give_way = break_off};
        assert_int_equal(untaken_hold(answers, &few, &held[d][0], d ? SLICE("a") : SLICE("b"), 4), UNTAKEN_ROOM);
    }
    assert_int_equal(untaken_hold(answers, &few, &more, SLICE("c"), 1), UNTAKEN_ALL_FULL);
    assert_null(more.member.holder);
    assert_int_equal(broken_off[0] + broken_off[1], 0);
    end();
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(one_holds_no_more_than_its_share),
        cmocka_unit_test(who_holds_most_gives_way_to_who_holds_little),
        cmocka_unit_test(where_everybody_holds_little_a_newcomer_waits),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
