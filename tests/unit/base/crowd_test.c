/* SPDX-License-Identifier: Apache-2.0 */
/* Holders, their members, and who gives way when there is no room. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdio.h>

#include "base/limit/crowd.h"

enum { NOW = 1000 };

struct one {
    struct crowd_member member;
    bool left, busy;
};

static void leave(struct crowd_member *m)
{
    struct one *o = container_of(m, struct one, member);
    assert_null(m->holder);
    o->left = true;
}

static bool is_idle(const struct crowd_member *m)
{
    return !container_of(m, struct one, member)->busy;
}

static void join(struct crowd *c, struct one *o, const char *who)
{
    crowd_join(c, &o->member, slice_of(who), NOW, leave);
}

static void end_all(struct crowd *c)
{
    assert_false(crowd_end_older(c, UINT64_MAX, SIZE_MAX));
    crowd_free(c);
}

static void who_has_most_loses_its_oldest(void **state)
{
    (void)state;
    struct crowd *c = crowd_new(NULL, 0);
    struct one few[2] = {0}, many[3] = {0}, one = {0};
    join(c, &few[0], "few");
    for (int i = 0; i < 3; i++)
        join(c, &many[i], "many");
    join(c, &one, "one");
    join(c, &few[1], "few");
    assert_int_equal(crowd_count(c, SLICE("many")), 3);
    assert_true(crowd_make_room(c, NULL));
    assert_true(many[0].left && !many[1].left && !few[0].left && !one.left);
    crowd_part(c, &many[1].member);
    assert_true(crowd_make_room(c, NULL)); /* few has two, the others one */
    assert_true(few[0].left && !few[1].left && !many[2].left);
    end_all(c);
    assert_true(few[1].left && many[2].left && one.left);
}

static void of_those_who_have_as_many_the_oldest_goes_whatever_its_name(void **state)
{
    (void)state;
    static const char *const names[] = {"m", "zzzz", "a", "aaaaaaaa", "z"};
    struct crowd *c = crowd_new(NULL, 0);
    struct one all[ARRAY_LEN(names)] = {0};
    for (size_t i = 0; i < ARRAY_LEN(names); i++)
        join(c, &all[i], names[i]);
    for (size_t i = 0; i < ARRAY_LEN(names); i++) {
        assert_true(crowd_make_room(c, NULL));
        for (size_t k = 0; k < ARRAY_LEN(names); k++)
            assert_int_equal(all[k].left, k <= i);
    }
    end_all(c);
}

static void nobody_is_left_to_make_room_in_an_empty_crowd(void **state)
{
    (void)state;
    struct crowd *c = crowd_new(NULL, 0);
    struct one a = {0};
    assert_false(crowd_make_room(c, NULL));
    assert_false(crowd_make_room_of(c, SLICE("a"), NULL));
    join(c, &a, "a");
    crowd_part(c, &a.member);
    crowd_part(c, &a.member);
    assert_false(crowd_make_room(c, NULL));
    assert_int_equal(crowd_count(c, SLICE("a")), 0);
    crowd_free(c);
}

static void who_is_busy_is_passed_over_for_another_of_the_same_or_the_next_holder(void **state)
{
    (void)state;
    struct crowd *c = crowd_new(NULL, 0);
    struct one most[3] = {0}, next[2] = {0};
    for (int i = 0; i < 3; i++)
        join(c, &most[i], "most");
    for (int i = 0; i < 2; i++)
        join(c, &next[i], "next");
    most[0].busy = most[2].busy = next[0].busy = true;
    assert_true(crowd_make_room(c, is_idle));
    assert_true(most[1].left);
    assert_true(crowd_make_room(c, is_idle));
    assert_true(next[1].left);
    assert_false(crowd_make_room(c, is_idle));
    end_all(c);
}

static void who_was_used_last_goes_last(void **state)
{
    (void)state;
    struct crowd *c = crowd_new(NULL, 0);
    struct one of[3] = {0};
    for (int i = 0; i < 3; i++)
        join(c, &of[i], "it");
    crowd_touch(&of[0].member);
    crowd_touch(&of[0].member);
    assert_true(crowd_make_room_of(c, SLICE("it"), NULL));
    assert_true(of[1].left && !of[0].left);
    end_all(c);
}

static void who_takes_anothers_place_is_as_old(void **state)
{
    (void)state;
    struct crowd *c = crowd_new(NULL, 0);
    struct one handshake = {0}, connection = {0}, later = {0}, outside = {0};
    join(c, &handshake, "it");
    crowd_join(c, &later.member, SLICE("it"), NOW + 5, leave);
    crowd_replace(c, &handshake.member, &connection.member, leave);
    crowd_replace(c, &outside.member, &handshake.member, leave); /* no member: nothing happens */
    assert_int_equal(crowd_count(c, SLICE("it")), 2);
    assert_true(crowd_end_older(c, NOW, 0));
    assert_false(crowd_end_older(c, NOW, 8));
    assert_true(connection.left && !later.left && !handshake.left);
    end_all(c);
}

static void who_holds_most_bytes_loses_who_began_first(void **state)
{
    (void)state;
    enum { MOST = 1000 };
    struct crowd *c = crowd_new(NULL, 0);
    struct one few[2] = {0}, many[4] = {0}, outside = {0};
    join(c, &few[0], "few");
    for (int i = 0; i < 4; i++)
        join(c, &many[i], "many");
    join(c, &few[1], "few");
    crowd_hold(c, &few[0].member, 200);
    crowd_hold(c, &many[2].member, 100);
    crowd_hold(c, &many[1].member, 500);
    crowd_hold(c, &many[3].member, 150);
    crowd_hold(c, &outside.member, 5 * MOST); /* no member: nothing happens */
    crowd_relieve(c, MOST, 0);
    assert_false(many[2].left);
    crowd_hold(c, &few[1].member, 100); /* who comes last and holds little is served */
    crowd_relieve(c, MOST, 0);
    assert_true(many[2].left && !many[0].left && !many[1].left && !many[3].left);
    crowd_hold(c, &many[2].member, 5 * MOST); /* it has left */
    crowd_hold(c, &many[1].member, 750);
    crowd_relieve(c, MOST, 0);
    assert_true(many[1].left && !many[3].left);
    crowd_hold(c, &few[1].member, 840);
    crowd_relieve(c, MOST, 0);
    assert_true(few[0].left && !few[1].left && !many[3].left && !many[0].left);
    crowd_hold(c, &few[1].member, 0);
    crowd_relieve(c, 150, 0);
    assert_false(few[1].left || many[3].left);
    end_all(c);
}

static void who_holds_no_more_than_a_share_loses_nobody(void **state)
{
    (void)state;
    enum { MOST = 100, SHARE = 60 };
    struct crowd *c = crowd_new(NULL, 0);
    struct one first = {0}, second = {0}, other = {0};
    join(c, &first, "it");
    join(c, &second, "it");
    join(c, &other, "other");
    crowd_hold(c, &first.member, 30);
    crowd_hold(c, &second.member, 30);
    crowd_hold(c, &other.member, 60);
    crowd_relieve(c, MOST, SHARE);
    assert_false(first.left || second.left || other.left);
    crowd_hold(c, &second.member, 31);
    crowd_relieve(c, MOST, SHARE);
    assert_true(first.left && !second.left && !other.left);
    end_all(c);
}

static void a_holders_rate_is_its_own_and_comes_back_with_time(void **state)
{
    (void)state;
    static const struct crowd_rate rates[] = {{2, 10}, {1, 1}};
    struct crowd *c = crowd_new(rates, 2);
    struct one a = {0};
    join(c, &a, "a");
    assert_true(crowd_take(c, SLICE("a"), 0, NOW) && crowd_take(c, SLICE("a"), 0, NOW));
    assert_false(crowd_take(c, SLICE("a"), 0, NOW));
    assert_true(crowd_take(c, SLICE("a"), 1, NOW)); /* another rate */
    assert_true(crowd_take(c, SLICE("b"), 0, NOW)); /* another holder */
    assert_true(crowd_take(c, SLICE("a"), 0, NOW + 100));
    assert_false(crowd_take(c, SLICE("a"), 0, NOW + 100));
    crowd_give(&a.member, 0);
    assert_true(crowd_take(c, SLICE("a"), 0, NOW + 100));
    end_all(c);
}

static void who_leaves_and_comes_back_finds_its_rate_as_it_was(void **state)
{
    (void)state;
    static const struct crowd_rate rate = {1, 1};
    struct crowd *c = crowd_new(&rate, 1);
    struct one a = {0};
    assert_true(crowd_take(c, SLICE("a"), 0, NOW));
    join(c, &a, "a");
    crowd_part(c, &a.member);
    assert_false(crowd_take(c, SLICE("a"), 0, NOW + 500));
    assert_true(crowd_take(c, SLICE("a"), 0, NOW + 1500));
    crowd_free(c);
}

static void a_flood_of_holders_takes_no_place_and_no_rate_from_who_is_there(void **state)
{
    (void)state;
    static const struct crowd_rate rate = {2, 1};
    struct crowd *c = crowd_new(&rate, 1);
    struct one here = {0};
    join(c, &here, "here");
    assert_true(crowd_take(c, SLICE("here"), 0, NOW));
    assert_true(crowd_take(c, SLICE("resting"), 0, NOW) && crowd_take(c, SLICE("resting"), 0, NOW));
    for (int i = 0; i < 3 * CROWD_RESTING_MAX; i++) {
        char who[32];
        (void)snprintf(who, sizeof who, "2001:db8::%d", i);
        assert_true(crowd_take(c, slice_of(who), 0, NOW));
    }
    assert_int_equal(crowd_count(c, SLICE("here")), 1);
    assert_true(crowd_take(c, SLICE("here"), 0, NOW));    /* what it had left */
    assert_false(crowd_take(c, SLICE("here"), 0, NOW));   /* and no more */
    assert_true(crowd_take(c, SLICE("resting"), 0, NOW)); /* forgotten: the better for it */
    end_all(c);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(who_has_most_loses_its_oldest),
        cmocka_unit_test(of_those_who_have_as_many_the_oldest_goes_whatever_its_name),
        cmocka_unit_test(nobody_is_left_to_make_room_in_an_empty_crowd),
        cmocka_unit_test(who_is_busy_is_passed_over_for_another_of_the_same_or_the_next_holder),
        cmocka_unit_test(who_was_used_last_goes_last),
        cmocka_unit_test(who_takes_anothers_place_is_as_old),
        cmocka_unit_test(who_holds_most_bytes_loses_who_began_first),
        cmocka_unit_test(who_holds_no_more_than_a_share_loses_nobody),
        cmocka_unit_test(a_holders_rate_is_its_own_and_comes_back_with_time),
        cmocka_unit_test(who_leaves_and_comes_back_finds_its_rate_as_it_was),
        cmocka_unit_test(a_flood_of_holders_takes_no_place_and_no_rate_from_who_is_there),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
