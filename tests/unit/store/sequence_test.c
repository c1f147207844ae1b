/* SPDX-License-Identifier: Apache-2.0 */
/* Numbers of documents, at a time that the test turns: what each change bumps, what is gathered, what is lifted. */
#include "clocked.h"

#include "store/device/device.h"
#include "store/targeting/policy.h"

#define A "6f1c0000-0000-4000-8000-00000000000a"
#define B "6f1c0000-0000-4000-8000-00000000000b"

static int64_t changed_at(struct fixture *f, const char *name)
{
    int64_t value, changed;
    ok(f, store_sequence_get(f->store, name, &value, &changed, &f->err));
    return changed;
}

static void bump(struct fixture *f, unsigned what)
{
    ok(f, store_bump(f->store, what, &f->err));
}

static void name_connector(struct fixture *f, const char *name)
{
    ok(f, store_sequence_put(f->store, name, COUNTED_FROM, NOW, &f->err));
}

/* --- what a change bumps --- */

static void a_change_bumps_what_it_touches_and_the_site_always(void **state)
{
    struct fixture *f = *state;
    count_sequences(f);
    name_connector(f, "connector:cp1");
    static const struct {
        unsigned what;
        int64_t site, bundle, location, connector;
    } cases[] = {{0, 1, 0, 0, 0},
                 {STORE_BUNDLE, 2, 1, 0, 0},
                 {STORE_LOCATION, 3, 2, 1, 0},
                 {STORE_CONNECTORS, 4, 2, 1, 1},
                 {STORE_BUNDLE | STORE_LOCATION | STORE_CONNECTORS, 5, 3, 2, 2}};
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        bump(f, cases[i].what);
        assert_int_equal(sequence(f, "site"), cases[i].site);
        assert_int_equal(sequence(f, "bundle"), cases[i].bundle);
        assert_int_equal(sequence(f, "location"), cases[i].location);
        assert_int_equal(sequence(f, "connector:cp1"), cases[i].connector);
    }
}

static void a_first_number_is_the_time(void **state)
{
    struct fixture *f = *state;
    assert_int_equal(raw_sequence(f, "bundle"), 0);
    assert_int_equal(changed_at(f, "bundle"), 0);
    bump(f, STORE_BUNDLE);
    assert_int_equal(raw_sequence(f, "bundle"), NOW);
    assert_int_equal(changed_at(f, "bundle"), NOW);
    bump(f, STORE_BUNDLE); /* in the same second */
    assert_int_equal(raw_sequence(f, "bundle"), NOW + 1);
    fake_wall_s = NOW - 500; /* the clock was put back: the number was not */
    bump(f, STORE_BUNDLE);
    assert_int_equal(raw_sequence(f, "bundle"), NOW + 2);
    assert_int_equal(changed_at(f, "bundle"), NOW - 500);
}

static void connectors_numbers_follow_the_time_too(void **state)
{
    struct fixture *f = *state;
    ok(f, store_sequence_put(f->store, "connector:cp1", 5, 5, &f->err));
    ok(f, store_sequence_put(f->store, "connectors", 5, 5, &f->err)); /* is none's */
    bump(f, STORE_CONNECTORS);
    assert_int_equal(raw_sequence(f, "connector:cp1"), NOW);
    assert_int_equal(raw_sequence(f, "connectors"), 5);
}

static void a_plain_count_begins_at_one_and_knows_no_time(void **state)
{
    struct fixture *f = *state;
    ok(f, store_sequence_count(f->store, "audit", &f->err));
    assert_int_equal(raw_sequence(f, "audit"), 1);
    ok(f, store_sequence_count(f->store, "audit", &f->err));
    assert_int_equal(raw_sequence(f, "audit"), 2);
}

/* --- gathered --- */

static void gather(struct fixture *f)
{
    ok(f, store_bump_gathered(f->store, &f->err));
}

static void refresh(struct fixture *f)
{
    ok(f, store_sequence_refresh(f->store, 0, INT64_MAX, &f->err));
}

static void the_first_is_at_once_and_those_of_the_next_ten_seconds_are_one(void **state)
{
    struct fixture *f = *state;
    count_sequences(f);
    gather(f);
    assert_int_equal(sequence(f, "bundle"), 1);
    fake_wall_s = NOW + STORE_GATHER_S - 1;
    gather(f);
    gather(f);
    refresh(f);
    assert_int_equal(sequence(f, "bundle"), 1);
    fake_wall_s = NOW + STORE_GATHER_S;
    refresh(f);
    refresh(f);
    assert_int_equal(sequence(f, "bundle"), 2);
}

static void ten_seconds_later_the_next_is_at_once_again(void **state)
{
    struct fixture *f = *state;
    count_sequences(f);
    gather(f);
    fake_wall_s = NOW + STORE_GATHER_S;
    gather(f);
    assert_int_equal(sequence(f, "bundle"), 2);
    fake_wall_s += STORE_GATHER_S;
    refresh(f); /* nothing waits */
    assert_int_equal(sequence(f, "bundle"), 2);
}

static void a_clock_that_was_ahead_keeps_nobody_waiting(void **state)
{
    struct fixture *f = *state;
    count_sequences(f);
    fake_wall_s = NOW + 1000000;
    gather(f);
    fake_wall_s = NOW;
    gather(f);
    assert_int_equal(sequence(f, "bundle"), 2);
}

/* --- made anew --- */

static void what_was_made_between_the_two_times_stays(void **state)
{
    struct fixture *f = *state;
    count_sequences(f);
    name_connector(f, "connector:cp1");
    static const struct {
        int64_t older_than, newer_than;
        bool anew;
    } cases[] = {{NOW, NOW, false}, {NOW + 1, INT64_MAX, true}, {0, NOW - 1, true}};
    int64_t expected = 0;
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        ok(f, store_exec(f->store, "UPDATE sequence SET changed = $1", STORE_PARAMS(STORE_N(NOW)), NULL, &f->err));
        ok(f, store_sequence_refresh(f->store, cases[i].older_than, cases[i].newer_than, &f->err));
        expected += cases[i].anew;
        assert_int_equal(sequence(f, "bundle"), expected);
        assert_int_equal(sequence(f, "location"), expected);
        assert_int_equal(sequence(f, "connector:cp1"), expected);
        assert_int_equal(sequence(f, "site"), expected);
        assert_int_equal(sequence(f, "policies"), 0); /* which are made for who asks */
    }
}

static void count_call(void *arg)
{
    ++*(int *)arg;
}

static void documents_that_are_made_anew_wake_who_waits_for_them(void **state)
{
    struct fixture *f = *state;
    int woken = 0;
    count_sequences(f);
    store_on_bump(f->store, count_call, &woken);
    ok(f, store_sequence_refresh(f->store, NOW, NOW, &f->err));
    assert_int_equal(woken, 0);
    ok(f, store_sequence_refresh(f->store, NOW + 1, INT64_MAX, &f->err));
    assert_int_equal(woken, 1);
}

static void a_lift_leaves_nothing_below_what_was_heard_and_lowers_nothing(void **state)
{
    struct fixture *f = *state;
    int64_t heard = COUNTED_FROM + 100;
    count_sequences(f);
    name_connector(f, "connector:cp1");
    ok(f, store_sequence_put(f->store, "connector:cp2", heard + 500, NOW, &f->err));
    ok(f, store_sequence_lift(f->store, heard, &f->err));
    assert_int_equal(raw_sequence(f, "bundle"), heard + 1);
    assert_int_equal(raw_sequence(f, "location"), heard + 1);
    assert_int_equal(raw_sequence(f, "connector:cp1"), heard + 1);
    assert_int_equal(raw_sequence(f, "connector:cp2"), heard + 501);
    assert_int_equal(raw_sequence(f, "policies"), heard + 1);
    assert_int_equal(raw_sequence(f, "policy"), heard + 1);
}

/* --- policies --- */

static int64_t policy_of(struct fixture *f, const char *guid)
{
    int64_t number;
    ok(f, store_sequence_policy(f->store, guid, &number, &f->err));
    return number;
}

static void target(struct fixture *f, const char *collections)
{
    const struct store_policy p = {.name = "p",
                                   .sha256 = "1",
                                   .content = "x",
                                   .users = "",
                                   .collections = collections,
                                   .content_name = "",
                                   .content_version = "",
                                   .handler = ""};
    if (*collections)
        ok(f, store_exec(f->store, "INSERT INTO collection (name, rules, created) VALUES ($1, '', 1)",
                         STORE_PARAMS(STORE_T(collections)), NULL, &f->err));
    ok(f, store_policy_put(f->store, &p, &f->err));
}

static void forbid(struct fixture *f)
{
    ok(f, store_exec(f->store,
                     "INSERT INTO client_settings (name, priority, settings, changed) VALUES "
                     "('none', 1, '{\"allow_cmg\":false}', 1)",
                     STORE_NO_PARAMS, NULL, &f->err));
}

static void membership_matters_to_policies_of_collections_alone(void **state)
{
    struct fixture *f = *state;
    target(f, "");
    int64_t before = policy_of(f, A);
    ok(f, store_sequence_policy_bump(f->store, A, &f->err));
    ok(f, store_sequence_policy_bump(f->store, NULL, &f->err));
    assert_int_equal(policy_of(f, A), before);
    target(f, "lab");
    before = policy_of(f, A);
    int64_t other = policy_of(f, B);
    ok(f, store_sequence_policy_bump(f->store, A, &f->err));
    assert_true(policy_of(f, A) > before);
    assert_int_equal(policy_of(f, B), other);
    ok(f, store_sequence_policy_bump(f->store, NULL, &f->err));
    assert_true(policy_of(f, B) > other);
}

static void membership_is_in_the_bundle_while_somebody_is_forbidden_the_gateways(void **state)
{
    struct fixture *f = *state;
    count_sequences(f);
    ok(f, store_sequence_policy_bump(f->store, A, &f->err));
    ok(f, store_sequence_disallowed_moved(f->store, &f->err));
    assert_int_equal(sequence(f, "bundle"), 0);
    forbid(f);
    ok(f, store_sequence_policy_bump(f->store, A, &f->err)); /* an administrator's: at once */
    ok(f, store_sequence_policy_bump(f->store, A, &f->err));
    assert_int_equal(sequence(f, "bundle"), 2);
    ok(f, store_sequence_disallowed_moved(f->store, &f->err)); /* a device's: gathered */
    ok(f, store_sequence_disallowed_moved(f->store, &f->err));
    assert_int_equal(sequence(f, "bundle"), 3);
}

static void moved(struct fixture *f, const char *guid)
{
    ok(f, store_begin(f->store, STORE_DURABLE, &f->err));
    ok(f, store_end(f->store, store_sequence_policy_moved(f->store, guid, &f->err), &f->err));
}

static void what_a_device_moves_is_above_its_last_and_not_below_the_time(void **state)
{
    struct fixture *f = *state;
    target(f, "lab");
    fake_wall_s = NOW + 100;
    moved(f, A);
    assert_int_equal(policy_of(f, A), NOW + 100);
    moved(f, A);
    assert_int_equal(policy_of(f, A), NOW + 101);
    fake_wall_s = NOW;
    moved(f, A);
    assert_int_equal(policy_of(f, A), NOW + 102);
}

static void a_device_is_lifted_above_what_it_heard_once_a_minute(void **state)
{
    struct fixture *f = *state;
    bool lifted;
    int64_t heard = NOW + 5000;
    ok(f, store_sequence_policy_lift(f->store, A, heard, &lifted, &f->err));
    assert_true(lifted);
    assert_int_equal(policy_of(f, A), heard + 1);
    ok(f, store_sequence_policy_lift(f->store, A, heard + 1, &lifted, &f->err)); /* it holds this very number */
    assert_false(lifted);
    fake_wall_s = NOW + STORE_LIFT_EVERY_S - 1;
    ok(f, store_sequence_policy_lift(f->store, A, heard + 2, &lifted, &f->err));
    assert_false(lifted);
    assert_int_equal(policy_of(f, A), heard + 1);
    fake_wall_s = NOW + STORE_LIFT_EVERY_S;
    ok(f, store_sequence_policy_lift(f->store, A, heard + 1, &lifted, &f->err)); /* nor later */
    assert_false(lifted);
    ok(f, store_sequence_policy_lift(f->store, A, heard + 2, &lifted, &f->err));
    assert_true(lifted);
    assert_int_equal(policy_of(f, A), heard + 3);
    fake_wall_s = NOW; /* the clock was wrong when it was lifted */
    ok(f, store_sequence_policy_lift(f->store, A, heard + 4, &lifted, &f->err));
    assert_true(lifted);
    assert_int_equal(policy_of(f, A), heard + 5);
}

static void a_device_that_is_forgotten_leaves_no_number_and_takes_nobodys(void **state)
{
    struct fixture *f = *state;
    bool lifted;
    ok(f, store_sequence_policy_lift(f->store, A, NOW + 5000, &lifted, &f->err));
    ok(f, store_sequence_policy_lift(f->store, B, NOW + 5000, &lifted, &f->err));
    ok(f, store_sequence_policy_next(f->store, A, &f->err));
    ok(f, store_sequence_put(f->store, STORE_SEQUENCE_AUDIT A, 3, NOW, &f->err));
    int64_t other = policy_of(f, B);
    ok(f, store_sequence_policy_forget(f->store, A, &f->err));
    assert_int_equal(raw_sequence(f, "policy:" A), 0);
    assert_int_equal(raw_sequence(f, "policy-lift:" A), 0);
    assert_int_equal(raw_sequence(f, STORE_SEQUENCE_AUDIT A), 0);
    assert_int_equal(policy_of(f, B), other);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(a_change_bumps_what_it_touches_and_the_site_always),
        TEST(a_first_number_is_the_time),
        TEST(connectors_numbers_follow_the_time_too),
        TEST(a_plain_count_begins_at_one_and_knows_no_time),
        TEST(the_first_is_at_once_and_those_of_the_next_ten_seconds_are_one),
        TEST(ten_seconds_later_the_next_is_at_once_again),
        TEST(a_clock_that_was_ahead_keeps_nobody_waiting),
        TEST(what_was_made_between_the_two_times_stays),
        TEST(documents_that_are_made_anew_wake_who_waits_for_them),
        TEST(a_lift_leaves_nothing_below_what_was_heard_and_lowers_nothing),
        TEST(membership_matters_to_policies_of_collections_alone),
        TEST(membership_is_in_the_bundle_while_somebody_is_forbidden_the_gateways),
        TEST(what_a_device_moves_is_above_its_last_and_not_below_the_time),
        TEST(a_device_is_lifted_above_what_it_heard_once_a_minute),
        TEST(a_device_that_is_forgotten_leaves_no_number_and_takes_nobodys),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
