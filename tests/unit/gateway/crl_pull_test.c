/* SPDX-License-Identifier: Apache-2.0 */
/* Lists that a bundle names by their hash: each is had whole or not at all, and one that can't be had stops no other.
 */
#include "home.h"

#include "digest/digest.h"
#include "gateway/snapshot/crl_file.h"
#include "gateway/snapshot/crl_pull.h"

static unsigned dones;

static void on_done(void *owner UNUSED)
{
    dones++;
}

static struct crl_wanted wanted(const char *text, int64_t size)
{
    struct crl_wanted w = {.size = size};
    digest_hex_of(slice_of(text), w.sha256);
    return w;
}

static struct crl_pull *begin(struct home *h, const char *const *texts, size_t count)
{
    struct crl_wanted list[4];
    struct crl_pull *p = crl_pull_new(&h->home, on_done, NULL);
    dones = 0;
    for (size_t i = 0; i < count; i++)
        list[i] = wanted(texts[i], (int64_t)strlen(texts[i]));
    crl_pull_start(p, list, count);
    fake_loop_settle(h->loop);
    return p;
}

static bool has(const struct home *h, const char *text)
{
    struct crl_wanted w = wanted(text, (int64_t)strlen(text));
    char *path = crl_file_find(h->state, w.sha256, w.size, true);
    bool ret = path != NULL;
    free(path);
    return ret;
}

static const char *const two[] = {"the first list", "the second one"};

static void lists_come_one_after_the_other_and_it_is_done_once(void **state)
{
    struct home *h = *state;
    struct crl_pull *p = begin(h, two, 2);
    assert_int_equal(way_calls(), 1);
    way_answer(way_open(), 200, two[0]);
    fake_loop_settle(h->loop);
    assert_int_equal(way_calls(), 2);
    assert_int_equal(dones, 0);
    way_head(way_open(), 200, NULL);
    way_body(way_open(), "the second");
    way_body(way_open(), " one");
    assert_int_equal(way_open()->credited, 14);
    assert_false(has(h, two[1])); /* half a file is none */
    way_end(way_open());
    fake_loop_settle(h->loop);
    assert_true(has(h, two[0]) && has(h, two[1]));
    assert_int_equal(dones, 1);
    crl_pull_free(p);
}

static void assert_second_follows(struct home *h, struct crl_pull *p)
{
    fake_loop_settle(h->loop);
    assert_false(has(h, two[0]));
    assert_int_equal(way_calls(), 2);
    way_answer(way_open(), 200, two[1]);
    fake_loop_settle(h->loop);
    assert_true(has(h, two[1]));
    assert_int_equal(dones, 1);
    crl_pull_free(p);
}

static void a_list_that_the_site_does_not_have_stops_no_other(void **state)
{
    struct home *h = *state;
    struct crl_pull *p = begin(h, two, 2);
    way_answer(way_open(), 404, "");
    assert_second_follows(h, p);
}

static void other_bytes_than_those_that_were_named_are_not_kept(void **state)
{
    struct home *h = *state;
    struct crl_pull *p = begin(h, two, 2);
    way_answer(way_open(), 200, "the first lisT");
    assert_second_follows(h, p);
}

static void a_list_that_is_longer_than_the_bundle_says_is_cut_off(void **state)
{
    struct home *h = *state;
    struct crl_pull *p = begin(h, two, 2);
    struct way_call *first = way_open();
    way_head(first, 200, NULL);
    way_body(first, "the first list");
    assert_false(first->cancelled);
    way_body(first, "x");
    assert_true(first->cancelled);
    assert_second_follows(h, p);
}

static void a_way_that_breaks_leaves_no_half_list(void **state)
{
    struct home *h = *state;
    struct crl_pull *p = begin(h, two, 2);
    way_head(way_open(), 200, NULL);
    way_body(way_open(), "the first");
    way_fail(way_open(), HTTP_FAIL_TRUNCATED, false);
    assert_second_follows(h, p);
}

static void a_site_that_falls_silent_is_waited_for_half_a_minute_from_its_last_byte(void **state)
{
    struct home *h = *state;
    struct crl_pull *p = begin(h, two, 2);
    struct way_call *first = way_open();
    home_pass(h, 29 * 1000);
    way_head(first, 200, NULL);
    way_body(first, "the");
    home_pass(h, 29 * 1000);
    assert_false(first->cancelled);
    home_pass(h, 1000);
    assert_true(first->cancelled);
    assert_second_follows(h, p);
}

static void without_a_way_to_the_site_none_is_had_and_it_is_done(void **state)
{
    struct home *h = *state;
    h->inside.reaches = "source";
    struct crl_pull *p = begin(h, two, 2);
    assert_int_equal(dones, 1);
    assert_int_equal(way_calls(), 0);
    crl_pull_free(p);
}

static void who_goes_ends_what_is_under_way_and_is_not_called(void **state)
{
    struct home *h = *state;
    struct crl_pull *p = begin(h, two, 2);
    struct way_call *first = way_open();
    crl_pull_free(p);
    assert_true(first->cancelled);
    p = begin(h, two, 1);
    way_answer(way_open(), 200, two[0]); /* its file is being synced */
    crl_pull_free(p);
    fake_loop_settle(h->loop);
    assert_int_equal(dones, 0);
    assert_true(has(h, two[0]));
}

int main(void)
{
#define HELD(f) cmocka_unit_test_setup_teardown(f, home_setup, home_teardown)
    const struct CMUnitTest tests[] = {
        HELD(lists_come_one_after_the_other_and_it_is_done_once),
        HELD(a_list_that_the_site_does_not_have_stops_no_other),
        HELD(other_bytes_than_those_that_were_named_are_not_kept),
        HELD(a_list_that_is_longer_than_the_bundle_says_is_cut_off),
        HELD(a_way_that_breaks_leaves_no_half_list),
        HELD(a_site_that_falls_silent_is_waited_for_half_a_minute_from_its_last_byte),
        HELD(without_a_way_to_the_site_none_is_had_and_it_is_done),
        HELD(who_goes_ends_what_is_under_way_and_is_not_called),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
