/* SPDX-License-Identifier: Apache-2.0 */
/* The snapshot in place, and how old the site's word may be: by the monotonic clock once the site was heard of. */
#include "kit.h"

#include "gateway/snapshot/current.h"

enum { MAX_AGE = 100 }; /* as the kit's bundle says */

static unsigned told;

static void on_put(void *ctx UNUSED)
{
    told++;
}

static bool fresh(struct kit *k, const struct snapshot_current *c, int64_t wall, int64_t mono)
{
    const struct snapshot_time now = {wall, mono};
    return snapshot_current_fresh(c, k->snapshot.bundle, now, &k->detail) == OK;
}

static void each_snapshot_has_the_next_generation_and_is_told(void **state)
{
    struct kit *k = *state;
    struct snapshot_current c;
    told = 0;
    snapshot_current_init(&c, on_put, NULL);
    assert_null(snapshot_current_get(&c));
    assert_int_equal(snapshot_current_sequence(&c), 0);

    k->snapshot.refs = 8; /* the kit's own is one of them */
    snapshot_current_put(&c, snapshot_ref(&k->snapshot));
    assert_int_equal(k->snapshot.generation, 1);
    snapshot_current_put(&c, snapshot_ref(&k->snapshot));
    assert_int_equal(k->snapshot.generation, 2);
    assert_int_equal(told, 2);
    assert_int_equal(snapshot_current_sequence(&c), 7);
    assert_int_equal(k->snapshot.refs, 9); /* the one in place has one */
}

static void a_refusal_is_remembered_until_a_bundle_is_taken(void **state UNUSED)
{
    struct snapshot_current c;
    char why[ERROR_TEXT_MAX];
    snapshot_current_init(&c, NULL, NULL);
    snapshot_current_refused(&c, why);
    assert_string_equal(why, "");
    snapshot_current_refuse(&c, "its signature");
    snapshot_current_refused(&c, why);
    assert_string_equal(why, "its signature");
    snapshot_current_refuse(&c, "");
    snapshot_current_refused(&c, why);
    assert_string_equal(why, "");
}

static void a_kept_bundle_counts_by_the_times_that_it_names(void **state)
{
    struct kit *k = *state;
    struct snapshot_current c;
    snapshot_current_init(&c, NULL, NULL);
    assert_int_equal(snapshot_current_contact_age(&c, 5000), -1);
    assert_true(fresh(k, &c, NOW + MAX_AGE, 5000));
    assert_false(fresh(k, &c, NOW + MAX_AGE + 1, 5000));
    assert_string_equal(k->detail.text, "the site was last heard of 101 s ago");
}

static void a_jump_of_the_wall_clock_ends_no_bundle_while_the_site_is_heard_of(void **state)
{
    struct kit *k = *state;
    struct snapshot_current c;
    snapshot_current_init(&c, NULL, NULL);
    k->snapshot.refs = 8;
    snapshot_current_put(&c, snapshot_ref(&k->snapshot));
    snapshot_current_heard(&c, 5000);
    snapshot_current_confirm(&c, (struct snapshot_time){NOW, 5000});
    assert_int_equal(snapshot_current_contact_age(&c, 5040), 40);
    assert_true(fresh(k, &c, NOW + 400 * DAY, 5000 + MAX_AGE));
    assert_false(fresh(k, &c, NOW, 5000 + MAX_AGE + 1));
}

static void a_bundle_that_the_site_confirms_for_ever_ends_by_its_own_time(void **state)
{
    struct kit *k = *state;
    struct snapshot_current c;
    snapshot_current_init(&c, NULL, NULL);
    k->snapshot.refs = 8;
    snapshot_current_put(&c, snapshot_ref(&k->snapshot));
    snapshot_current_confirm(&c, (struct snapshot_time){NOW, 5000});
    snapshot_current_heard(&c, 5000 + DAY + 1);
    assert_false(fresh(k, &c, NOW, 5000 + DAY + 1));
    assert_string_equal(k->detail.text, "the site's bundle expired 1 s ago, and no newer one was taken");
    snapshot_current_heard(&c, 5000 + DAY);
    assert_true(fresh(k, &c, NOW, 5000 + DAY));
}

int main(void)
{
#define HELD(f) cmocka_unit_test_setup_teardown(f, kit_setup, kit_teardown)
    const struct CMUnitTest tests[] = {
        HELD(each_snapshot_has_the_next_generation_and_is_told),
        HELD(a_refusal_is_remembered_until_a_bundle_is_taken),
        HELD(a_kept_bundle_counts_by_the_times_that_it_names),
        HELD(a_jump_of_the_wall_clock_ends_no_bundle_while_the_site_is_heard_of),
        HELD(a_bundle_that_the_site_confirms_for_ever_ends_by_its_own_time),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
