/* SPDX-License-Identifier: Apache-2.0 */
/* What one address may do before anybody vouched for it. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include <cmocka.h>

#include "net/strangers.h"

enum { SHARE = 4, NOW = 1000 * 1000 };

struct one {
    struct crowd_member member;
    bool left;
};

static void leave(struct crowd_member *m)
{
    container_of(m, struct one, member)->left = true;
}

static bool come(struct crowd *c, struct one *o, const char *address, uint64_t now)
{
    if (!net_strangers_let_come(c, slice_of(address), SHARE, now))
        return false;
    crowd_join(c, &o->member, slice_of(address), now, leave);
    return true;
}

static void done(struct crowd *c)
{
    (void)crowd_end_older(c, UINT64_MAX, SIZE_MAX);
    crowd_free(c);
}

static void one_address_holds_its_share_and_its_oldest_gives_way(void **state)
{
    (void)state;
    struct crowd *c = net_strangers_new(SHARE, 100, 100);
    struct one there[SHARE + 1] = {0}, here = {0};
    assert_true(come(c, &here, "192.0.2.1", NOW));
    for (int i = 0; i < SHARE; i++)
        assert_true(come(c, &there[i], "192.0.2.2", NOW));
    assert_false(there[0].left);
    assert_true(come(c, &there[SHARE], "192.0.2.2", NOW));
    assert_true(there[0].left && !there[1].left && !here.left);
    done(c);
}

static void who_comes_too_fast_is_told_so_and_nobody_leaves_for_it(void **state)
{
    (void)state;
    enum { RATE = 2, BURST = RATE * NET_STRANGERS_BURST_S };
    struct crowd *c = net_strangers_new(SHARE, RATE, 100);
    struct one all[BURST + 1] = {0};
    for (int i = 0; i < BURST; i++)
        assert_true(come(c, &all[i], "192.0.2.1", NOW));
    assert_false(come(c, &all[BURST], "192.0.2.1", NOW));
    assert_int_equal(crowd_count(c, SLICE("192.0.2.1")), SHARE);
    assert_true(come(c, &all[BURST], "192.0.2.1", NOW + 500));
    done(c);
}

/* Whoever it is. */
static void let_in(struct crowd *c, struct crowd_member *m)
{
    net_stranger_known(c, m, NULL, SLICE_NONE, NOW);
}

static void a_whole_share_may_come_at_once(void **state)
{
    (void)state;
    struct crowd *c = net_strangers_new(SHARE, 1, 1);
    for (int i = 0; i < NET_STRANGERS_BURST_S; i++)
        assert_true(net_strangers_let_come(c, SLICE("a"), SHARE, NOW));
    assert_false(net_strangers_let_come(c, SLICE("a"), SHARE, NOW));
    done(c);
    c = net_strangers_new(1000, 1, 1);
    for (int i = 0; i < 1000; i++)
        assert_true(net_strangers_let_come(c, SLICE("a"), 1000, NOW));
    assert_false(net_strangers_let_come(c, SLICE("a"), 1000, NOW));
    done(c);
}

static void who_is_known_cost_its_address_nothing_and_leaves_for_nobody(void **state)
{
    (void)state;
    struct crowd *c = net_strangers_new(SHARE, 1, 1);
    struct one known = {0};
    for (int i = 0; i < 1000; i++) {
        assert_true(come(c, &known, "192.0.2.1", NOW));
        let_in(c, &known.member);
    }
    assert_false(crowd_make_room(c, NULL));
    let_in(c, &known.member); /* again: nothing happens */
    done(c);
    assert_false(known.left);
}

/* How many of this device's come, each let in at once, until their address comes too fast. */
static size_t come_as(struct crowd *c, struct crowd *devices, const char *device, const char *address, uint64_t now)
{
    enum { MANY = 5000 };
    struct one one = {0};
    size_t n = 0;
    for (; n < MANY && come(c, &one, address, now); n++)
        net_stranger_known(c, &one.member, devices, slice_of(device), now);
    return n;
}

static void one_device_that_comes_without_end_is_charged_by_its_address(void **state)
{
    (void)state;
    enum { RATE = 4, BURST = RATE * NET_STRANGERS_BURST_S, LATER = NOW + 1000 };
    struct crowd *c = net_strangers_new(SHARE, RATE, 100), *devices = net_known_new();
    assert_int_equal(come_as(c, devices, "one", "192.0.2.1", NOW), NET_KNOWN_HANDSHAKES_BURST + BURST);
    assert_int_equal(come_as(c, devices, "one", "192.0.2.2", NOW), BURST); /* wherever it comes from */
    assert_int_equal(come_as(c, devices, "one", "192.0.2.1", LATER), NET_KNOWN_HANDSHAKES + RATE);
    assert_true(come_as(c, devices, "other", "192.0.2.3", NOW) > NET_KNOWN_HANDSHAKES_BURST);
    done(c);
    crowd_free(devices);
}

static void a_stranger_stays_so_long_and_no_longer(void **state)
{
    (void)state;
    enum { MANY = 40 };
    struct crowd *c = net_strangers_new(MANY, 100, 100);
    struct one old[MANY] = {0}, later = {0};
    for (int i = 0; i < MANY; i++)
        assert_true(net_strangers_let_come(c, SLICE("a"), MANY + 1, NOW));
    for (int i = 0; i < MANY; i++)
        crowd_join(c, &old[i].member, SLICE("a"), NOW, leave);
    crowd_join(c, &later.member, SLICE("b"), NOW + 1, leave);
    assert_false(net_strangers_end_late(c, NOW + NET_STRANGERS_MS - 1));
    assert_false(old[0].left);
    assert_true(net_strangers_end_late(c, NOW + NET_STRANGERS_MS)); /* a few at once */
    while (net_strangers_end_late(c, NOW + NET_STRANGERS_MS))
        ;
    assert_true(old[0].left && old[MANY - 1].left && !later.left);
    done(c);
}

static void long_chains_count_as_the_handshakes_that_they_cost(void **state)
{
    (void)state;
    enum { RATE = 4, BURST = RATE * NET_STRANGERS_BURST_S, USUAL = 4096, LONG = USUAL + 8 * 2048 };
    struct crowd *c = net_strangers_new(SHARE, RATE, 100);
    struct one usual = {0}, others[3] = {0};
    assert_true(come(c, &usual, "192.0.2.1", NOW));
    net_stranger_shows(c, &usual.member, USUAL, NOW);
    for (int i = 0; i < 3; i++) {
        assert_true(come(c, &others[i], "192.0.2.1", NOW));
        net_stranger_shows(c, &others[i].member, LONG, NOW);
    }
    int left = 0;
    while (net_strangers_let_come(c, SLICE("192.0.2.1"), SHARE, NOW))
        left++;
    assert_int_equal(left, BURST - 1 - 3 * 9);
    let_in(c, &others[0].member);
    for (left = 0; net_strangers_let_come(c, SLICE("192.0.2.1"), SHARE, NOW);)
        left++;
    assert_int_equal(left, 9);
    done(c);
}

static int left(struct crowd *c, const char *address)
{
    int ret = 0;
    while (net_strangers_let_come(c, slice_of(address), SHARE, NOW))
        ret++;
    return ret;
}

static void what_was_taken_comes_back_to_who_is_known_and_no_more(void **state)
{
    (void)state;
    enum { RATE = 2, BURST = RATE * NET_STRANGERS_BURST_S };
    struct crowd *c = net_strangers_new(SHARE, RATE, 100);
    struct one dear = {0}, held = {0}, poor = {0};
    assert_true(come(c, &dear, "192.0.2.1", NOW));
    net_stranger_pays(c, &dear.member, 6, NOW);
    net_stranger_shows(c, &dear.member, 4096 + 2 * 2048, NOW);
    assert_int_equal(left(c, "192.0.2.1"), BURST - 1 - 6 - 2);
    crowd_replace(c, &dear.member, &held.member, leave); /* as while it waits for a verdict */
    let_in(c, &held.member);
    assert_int_equal(left(c, "192.0.2.1"), 1 + 6 + 2);
    assert_true(come(c, &poor, "192.0.2.2", NOW));
    net_stranger_pays(c, &poor.member, BURST + 6, NOW); /* as much as there is */
    assert_int_equal(left(c, "192.0.2.2"), 0);
    let_in(c, &poor.member);
    assert_int_equal(left(c, "192.0.2.2"), BURST);
    done(c);
}

static void the_address_that_takes_most_memory_gives_way_and_never_who_holds_little(void **state)
{
    (void)state;
    enum { MANY = 40, EACH = NET_STRANGERS_HOLD / MANY };
    struct crowd *c = net_strangers_new(MANY, 100, 100);
    struct one many[MANY] = {0}, newcomer = {0}, silent = {0};
    crowd_join(c, &silent.member, SLICE("there"), NOW, leave);
    net_stranger_holds(c, &silent.member, 100); /* what every connection has is none */
    for (int i = 0; i < MANY; i++) {
        crowd_join(c, &many[i].member, SLICE("there"), NOW, leave);
        net_stranger_holds(c, &many[i].member, EACH);
    }
    assert_false(many[0].left);
    crowd_join(c, &newcomer.member, SLICE("here"), NOW, leave);
    net_stranger_holds(c, &newcomer.member, 60 * 1024);
    assert_true(many[0].left && !many[1].left && !silent.left && !newcomer.left);
    let_in(c, &newcomer.member); /* who is let in holds nothing of this */
    crowd_join(c, &many[0].member, SLICE("elsewhere"), NOW, leave);
    many[0].left = false;
    net_stranger_holds(c, &many[0].member, EACH);
    assert_false(many[0].left || many[1].left);
    done(c);
}

/* Those that ask as much as they may, who are so many that all together are at their edge, and one that asks little. */
static void addresses_that_ask_few_questions_are_answered_whoever_asks_many(void **state)
{
    (void)state;
    enum { MANY = 30, PER_SECOND = 1000 };
    struct crowd *c = net_strangers_new(SHARE, 100, 100);
    struct one greedy[MANY] = {0}, modest = {0}, known = {0};
    struct net_questions all;
    size_t answered = 0;
    net_questions_start(&all, PER_SECOND, NOW);
    for (int i = 0; i < MANY; i++) {
        char address[32];
        (void)snprintf(address, sizeof address, "192.0.2.%d", i);
        assert_true(come(c, &greedy[i], address, NOW));
        for (int n = 0; n < 2 * NET_STRANGERS_QUESTIONS_BURST; n++)
            answered += net_stranger_may_ask(c, &greedy[i].member, &all, NOW);
    }
    assert_in_range(answered, 2 * PER_SECOND, 2 * PER_SECOND + MANY * NET_STRANGERS_FEW);
    assert_true(come(c, &modest, "192.0.2.200", NOW));
    for (int n = 0; n < NET_STRANGERS_FEW; n++)
        assert_true(net_stranger_may_ask(c, &modest.member, &all, NOW));
    assert_false(net_stranger_may_ask(c, &modest.member, &all, NOW));
    assert_false(net_stranger_may_ask(c, &known.member, &all, NOW)); /* who was let in takes nothing of it */
    assert_true(net_stranger_may_ask(c, &modest.member, &all, NOW + 1000));
    done(c);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(one_address_holds_its_share_and_its_oldest_gives_way),
        cmocka_unit_test(who_comes_too_fast_is_told_so_and_nobody_leaves_for_it),
        cmocka_unit_test(a_whole_share_may_come_at_once),
        cmocka_unit_test(who_is_known_cost_its_address_nothing_and_leaves_for_nobody),
        cmocka_unit_test(long_chains_count_as_the_handshakes_that_they_cost),
        cmocka_unit_test(what_was_taken_comes_back_to_who_is_known_and_no_more),
        cmocka_unit_test(the_address_that_takes_most_memory_gives_way_and_never_who_holds_little),
        cmocka_unit_test(one_device_that_comes_without_end_is_charged_by_its_address),
        cmocka_unit_test(a_stranger_stays_so_long_and_no_longer),
        cmocka_unit_test(addresses_that_ask_few_questions_are_answered_whoever_asks_many),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
