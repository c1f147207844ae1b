/* SPDX-License-Identifier: Apache-2.0 */
/* The request for the next bundle: what it asks, when it is asked again, and what the site's silence, refusals and
 * draining tunnels lead to. */
#include "home.h"

#include "gateway/site/bundle_pull.h"

static unsigned news;

static void on_news(void *owner UNUSED)
{
    news++;
}

static struct bundle_pull *begin(struct home *h)
{
    struct bundle_pull *p;
    news = 0;
    if (bundle_pull_new(&h->home, on_news, NULL, &p, &h->k->detail) != OK)
        fail_msg("%s", h->k->detail.text);
    bundle_pull_start(p);
    bundle_pull_kick(p);
    return p;
}

static void assert_asks(const char *target)
{
    assert_string_equal(way_open()->method, "GET");
    assert_string_equal(way_open()->authority, "site");
    assert_string_equal(way_open()->target, target);
}

/* The site answers with this bundle. */
static void give(struct home *h, char *text)
{
    way_answer(way_open(), 200, text);
    free(text);
    fake_loop_settle(h->loop);
}

static void assert_told_refused(struct home *h, bool wanted)
{
    char why[ERROR_TEXT_MAX];
    snapshot_current_refused(&h->current, why);
    assert_int_equal(why[0] != '\0', wanted);
}

/* --- what it asks --- */

static void the_first_question_takes_any_bundle_and_the_next_one_a_newer(void **state)
{
    struct home *h = *state;
    struct bundle_pull *p = begin(h);
    assert_asks("/bundle?after=0");
    give(h, home_sign(h, 3, NULL, ""));
    assert_int_equal(snapshot_current_sequence(&h->current), 3);
    assert_int_equal(way_calls(), 2);
    assert_asks("/bundle?after=3");
    assert_true(news > 0);
    bundle_pull_free(p);
    assert_true(way_call(1)->cancelled);
}

static void a_kept_bundle_is_confirmed_by_the_site_before_its_number_counts(void **state)
{
    struct home *h = *state;
    h->k->snapshot.refs = 64;
    snapshot_current_put(&h->current, &h->k->snapshot); /* of an earlier process: 7 */
    struct bundle_pull *p = begin(h);
    assert_asks("/bundle?after=0");
    way_answer(way_open(), 204, "");
    assert_asks("/bundle?after=7");
    bundle_pull_free(p);
}

static void any_answer_says_that_the_site_is_there(void **state)
{
    struct home *h = *state;
    struct bundle_pull *p = begin(h);
    home_pass(h, 9000);
    assert_int_equal(snapshot_current_contact_age(&h->current, 10), -1);
    way_answer(way_open(), 204, "");
    assert_int_equal(snapshot_current_contact_age(&h->current, 10), 0);
    bundle_pull_free(p);
}

static void nothing_is_asked_while_a_bundle_is_being_verified(void **state)
{
    struct home *h = *state;
    struct bundle_pull *p = begin(h);
    char *text = home_sign(h, 3, NULL, "");
    way_answer(way_open(), 200, text);
    free(text);
    bundle_pull_kick(p);
    assert_int_equal(way_calls(), 1);
    fake_loop_settle(h->loop);
    assert_int_equal(way_calls(), 2);
    bundle_pull_free(p);
}

/* --- refusals --- */

static void a_refused_bundle_is_told_once_and_asked_for_again_a_second_later(void **state)
{
    struct home *h = *state;
    struct bundle_pull *p = begin(h);
    give(h, home_forge(h, 3));
    assert_told_refused(h, true);
    assert_int_equal(news, 1);
    assert_int_equal(way_calls(), 1);
    home_pass(h, 1000);
    assert_int_equal(way_calls(), 2);
    give(h, home_forge(h, 3));
    assert_int_equal(news, 1); /* as before */
    home_pass(h, 1000);
    give(h, home_sign(h, 3, NULL, ""));
    assert_told_refused(h, false);
    assert_true(news > 1);
    bundle_pull_free(p);
}

static void a_bundle_that_was_refused_is_not_confirmed(void **state)
{
    struct home *h = *state;
    struct bundle_pull *p = begin(h);
    give(h, home_sign(h, 3, NULL, ""));
    long long ends = atomic_load(&h->current.bundle_ends);
    home_pass(h, 60 * 1000);
    give(h, home_forge(h, 4));
    assert_int_equal(atomic_load(&h->current.bundle_ends), ends);
    bundle_pull_free(p);
}

static void a_bundle_that_lacks_lists_counts_and_is_asked_for_anew(void **state)
{
    struct home *h = *state;
    struct bundle_pull *p = begin(h);
    char crls[120];
    (void)snprintf(crls, sizeof crls, "[{\"sha256\":\"%064d\",\"size\":9}]", 1);
    give(h, home_sign(h, 3, crls, ""));
    way_answer(way_open(), 404, ""); /* the list */
    fake_loop_settle(h->loop);
    assert_int_equal(snapshot_current_sequence(&h->current), 3);
    assert_told_refused(h, false);
    unsigned before = way_calls();
    home_pass(h, 14 * 1000);
    assert_int_equal(way_calls(), before);
    home_pass(h, 1000);
    assert_asks("/bundle?after=0");
    bundle_pull_free(p);
}

/* --- trouble --- */

static void another_answer_than_a_bundle_is_asked_again_after_a_second(void **state)
{
    struct home *h = *state;
    struct bundle_pull *p = begin(h);
    way_answer(way_open(), 500, "no bundle");
    assert_int_equal(snapshot_current_contact_age(&h->current, 10), -1);
    home_pass(h, 999);
    assert_int_equal(way_calls(), 1);
    home_pass(h, 1);
    assert_asks("/bundle?after=0");
    bundle_pull_free(p);
}

static void a_way_that_breaks_is_asked_again_without_what_had_come(void **state)
{
    struct home *h = *state;
    struct bundle_pull *p = begin(h);
    way_head(way_open(), 200, NULL);
    way_body(way_open(), "half of a bundle");
    way_fail(way_open(), HTTP_FAIL_TRUNCATED, false);
    home_pass(h, 1000);
    give(h, home_sign(h, 3, NULL, ""));
    assert_int_equal(snapshot_current_sequence(&h->current), 3);
    bundle_pull_free(p);
}

static void a_site_that_keeps_a_request_for_ever_is_asked_anew(void **state)
{
    struct home *h = *state;
    struct bundle_pull *p = begin(h);
    struct way_call *first = way_open();
    home_pass(h, 299 * 1000);
    assert_false(first->cancelled);
    home_pass(h, 1000);
    assert_true(first->cancelled);
    assert_int_equal(way_calls(), 2);
    bundle_pull_free(p);
}

static void without_a_way_to_the_site_the_next_tunnel_asks(void **state)
{
    struct home *h = *state;
    h->inside.reaches = "source";
    struct bundle_pull *p = begin(h);
    assert_int_equal(way_calls(), 0);
    h->inside.reaches = "site";
    bundle_pull_kick(p);
    assert_int_equal(way_calls(), 1);
    bundle_pull_kick(p); /* it is parked there */
    assert_int_equal(way_calls(), 1);
    bundle_pull_free(p);
}

static void a_request_leaves_a_tunnel_that_drains(void **state)
{
    struct home *h = *state;
    struct tunnel other = {.reaches = "site", .outstanding = 9};
    struct bundle_pull *p = begin(h);
    struct way_call *first = way_open();
    assert_true(gateway_tunnels_add(&h->tunnels, &other));
    h->inside.reaches = "";
    bundle_pull_kick(p);
    assert_true(first->cancelled);
    assert_ptr_equal(way_open()->tunnel, &other);
    bundle_pull_free(p);
}

static void a_tunnel_that_takes_no_call_is_tried_again(void **state)
{
    struct home *h = *state;
    h->inside.broken = true;
    struct bundle_pull *p = begin(h);
    h->inside.broken = false;
    home_pass(h, 1000);
    assert_int_equal(way_calls(), 1);
    bundle_pull_free(p);
}

int main(void)
{
#define HELD(f) cmocka_unit_test_setup_teardown(f, home_setup, home_teardown)
    const struct CMUnitTest tests[] = {
        HELD(the_first_question_takes_any_bundle_and_the_next_one_a_newer),
        HELD(a_kept_bundle_is_confirmed_by_the_site_before_its_number_counts),
        HELD(any_answer_says_that_the_site_is_there),
        HELD(nothing_is_asked_while_a_bundle_is_being_verified),
        HELD(a_refused_bundle_is_told_once_and_asked_for_again_a_second_later),
        HELD(a_bundle_that_was_refused_is_not_confirmed),
        HELD(a_bundle_that_lacks_lists_counts_and_is_asked_for_anew),
        HELD(another_answer_than_a_bundle_is_asked_again_after_a_second),
        HELD(a_way_that_breaks_is_asked_again_without_what_had_come),
        HELD(a_site_that_keeps_a_request_for_ever_is_asked_anew),
        HELD(without_a_way_to_the_site_the_next_tunnel_asks),
        HELD(a_request_leaves_a_tunnel_that_drains),
        HELD(a_tunnel_that_takes_no_call_is_tried_again),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
