/* SPDX-License-Identifier: Apache-2.0 */
/* Which sources there are, when each is fetched, and what operators are told of it. What comes, comes from the test; so
 * do both clocks. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#include "../base/scratch.h"
#include "../http/fake_clock.h"
#include "../http/fake_loop.h"
#include "base/mem.h"
#include "base/utf8.h"
#include "source/http.h"
#include "source/source.h"

#define NOW INT64_C(1800000000)
enum { SECOND = 1000, MINUTE = 60 * SECOND, HOUR = 60 * MINUTE, CALLS = 8 };

/* A question to a connector. */
struct asked {
    struct http_call call;
    char target[64];
    bool open;
};

struct fixture {
    void *folder;
    struct loop *loop;
    struct source_set *set;
    struct asked calls[CALLS];
    unsigned asked;       /* of connectors */
    unsigned fetched;     /* by oneself */
    char urls[CALLS][64]; /* of the first of those */
    const char *comes;    /* what a fetch of one's own brings; NULL: a failure */
    const char *says;     /* why the check refuses; NULL: it does not */
    int64_t until;
    bool unchanged, saw_present;
    unsigned checks, changes, states;
};

static struct fixture *fix;

/* Stands in for libcurl. */
enum result source_http(const struct source_http *what, struct buf *ret, struct error *err)
{
    if (fix->fetched < CALLS)
        (void)snprintf(fix->urls[fix->fetched], sizeof fix->urls[0], "%s", what->url);
    fix->fetched++;
    return fix->comes ? buf_append_str(ret, fix->comes) : error_set(err, R_IO, "connection refused");
}

/* --- hooks --- */

static void on_write(struct http_call *c UNUSED, struct slice data UNUSED)
{
}

static void on_finish(struct http_call *c UNUSED)
{
}

static void on_consumed(struct http_call *c UNUSED, size_t n UNUSED)
{
}

static void on_cancel(struct http_call *c)
{
    ((struct asked *)c)->open = false;
}

static const struct http_call_ops ops = {on_write, on_finish, on_consumed, on_cancel};

static enum result send_it(void *owner, const struct http_request *request, const struct http_call_events *events,
                           void *ctx, struct http_call **ret, struct error *err)
{
    struct fixture *f = owner;
    assert_true(slice_eq(request->authority, SLICE("source")));
    if (f->asked >= CALLS)
        return error_set(err, R_AGAIN, "no connector is there");
    struct asked *a = &f->calls[f->asked++];
    a->call = (struct http_call){&ops, events, ctx};
    a->open = true;
    assert_true(slice_to_cstr(request->target, a->target, sizeof a->target));
    *ret = &a->call;
    return OK;
}

static enum result check(void *owner, struct source_candidate *c, struct error *err)
{
    struct fixture *f = owner;
    f->checks++;
    f->saw_present = c->present.ptr != NULL;
    c->until = f->until;
    c->unchanged = f->unchanged;
    return f->says ? error_set(err, R_DENIED, "%s", f->says) : OK;
}

static void on_change(void *owner)
{
    ((struct fixture *)owner)->changes++;
}

static void on_state(void *owner)
{
    ((struct fixture *)owner)->states++;
}

static const struct source_events events = {send_it, check, NULL, on_change, on_state};

/* --- set-up --- */

static void make_set(struct fixture *f)
{
    struct error err = {.text = ""};
    if (source_set_new(f->loop, f->folder, &events, f, &f->set, &err) != OK)
        fail_msg("%s", err.text);
}

static int setup(void **state)
{
    fix = mem_zalloc(sizeof *fix);
    if (scratch_make(&fix->folder) != 0)
        return -1;
    fix->loop = loop_new();
    fake_wall_follow(fix->loop, NOW);
    fix->comes = "list";
    make_set(fix);
    *state = fix;
    return 0;
}

static int teardown(void **state)
{
    struct fixture *f = *state;
    source_set_free(f->set);
    fake_loop_settle(f->loop);
    loop_free(f->loop);
    (void)scratch_drop(&f->folder);
    free(f);
    return 0;
}

static const struct bundle_source own = {.id = "own", .kind = BUNDLE_SOURCE_CRL, .url = "http://a.example/x.crl"};
static const struct bundle_source moved = {.id = "own", .kind = BUNDLE_SOURCE_CRL, .url = "http://b.example/x.crl"};
static const struct bundle_source through = {.id = "far", .kind = BUNDLE_SOURCE_CRL};
static const struct bundle_source keys = {.id = "keys", .kind = BUNDLE_SOURCE_JWKS};
static const struct bundle_source responder = {.id = "o", .kind = BUNDLE_SOURCE_OCSP, .url = "http://a.example/"};

static void apply_one(struct fixture *f, const struct bundle_source *s)
{
    source_set_apply(f->set, s, 1);
    fake_loop_settle(f->loop);
}

static struct source_state state_of(struct fixture *f, size_t i)
{
    struct source_state states[BUNDLE_SOURCES_MAX];
    assert_true(source_set_states(f->set, states, BUNDLE_SOURCES_MAX) > i);
    return states[i];
}

/* What comes of it waits for the loop. */
static void begin_answer(struct fixture *f, unsigned i, int status, const char *body)
{
    const struct http_response head = {.status = status};
    struct asked *a = &f->calls[i];
    assert_true(a->open);
    a->open = false;
    a->call.events->on_response(a->call.ctx, &head);
    if (*body)
        a->call.events->on_body(a->call.ctx, slice_of(body));
    a->call.events->on_end(a->call.ctx, NULL);
}

static void answer(struct fixture *f, unsigned i, int status, const char *body)
{
    begin_answer(f, i, status, body);
    fake_loop_settle(f->loop);
}

static bool has_file(const struct fixture *f, const char *name)
{
    char *path = file_join(f->folder, name);
    bool there = file_exists(path);
    free(path);
    return there;
}

/* --- what comes well --- */

static void a_new_source_is_fetched_at_once_and_in_use(void **state)
{
    struct fixture *f = *state;
    f->until = NOW + 100 * 3600;
    apply_one(f, &own);
    struct source_state s = state_of(f, 0);
    assert_int_equal(f->fetched, 1);
    assert_int_equal(f->changes, 1);
    assert_int_equal(f->states, 1);
    assert_int_equal(s.fetched, NOW);
    assert_int_equal(s.until, NOW + 100 * 3600);
    assert_string_equal(s.error, "");
    assert_true(has_file(f, "own.crl"));
}

static void it_is_fetched_again_within_the_hour_that_is_usual(void **state)
{
    struct fixture *f = *state;
    apply_one(f, &own);
    assert_in_range(state_of(f, 0).next, NOW + 3600 / 10 * 9, NOW + 3600);
    fake_loop_pass(f->loop, HOUR + 1 * SECOND);
    assert_int_equal(f->fetched, 2);
}

static void what_is_unchanged_is_no_news(void **state)
{
    struct fixture *f = *state;
    apply_one(f, &own);
    f->unchanged = true;
    fake_loop_pass(f->loop, HOUR + 1 * SECOND);
    assert_int_equal(f->checks, 2);
    assert_int_equal(f->changes, 1);
    assert_int_equal(f->states, 1);
}

static void one_through_a_connector_is_asked_for_by_its_id(void **state)
{
    struct fixture *f = *state;
    apply_one(f, &through);
    assert_string_equal(f->calls[0].target, "/far");
    answer(f, 0, 200, "list");
    assert_int_equal(f->fetched, 0);
    assert_int_equal(f->changes, 1);
    assert_true(state_of(f, 0).by_connector);
    assert_true(has_file(f, "far.crl"));
}

static void a_responder_is_not_fetched(void **state)
{
    struct fixture *f = *state;
    struct source_state s;
    apply_one(f, &responder);
    assert_int_equal(source_set_states(f->set, &s, 1), 0);
    assert_int_equal(f->fetched, 0);
}

static void what_an_earlier_process_kept_counts_from_its_time(void **state)
{
    struct fixture *f = *state;
    scratch_put(f->folder, "far.crl", "list", 0600);
    source_set_apply(f->set, &through, 1);
    assert_true(state_of(f, 0).fetched > 0);
    fake_loop_settle(f->loop);
    f->unchanged = true;
    answer(f, 0, 200, "list");
    assert_true(f->saw_present);
    assert_int_equal(f->changes, 0);
}

/* --- what fails --- */

static void a_failure_is_told_once_with_its_cause(void **state)
{
    struct fixture *f = *state;
    char why[SOURCE_ERROR_MAX];
    f->comes = NULL;
    apply_one(f, &own);
    assert_int_equal(f->states, 1);
    assert_true(source_set_fails(f->set, "own", why));
    assert_string_equal(why, "connection refused");
    fake_loop_pass(f->loop, 10 * SECOND);
    assert_true(state_of(f, 0).failures > 1);
    assert_int_equal(f->states, 1);
    f->comes = "list";
    f->says = "not signed by its issuer";
    fake_loop_pass(f->loop, 1 * MINUTE);
    assert_int_equal(f->states, 2); /* another cause is news */
}

static void a_cause_is_cut_between_characters(void **state)
{
    struct fixture *f = *state;
    char says[2 * SOURCE_ERROR_MAX] = ""; /* of the last character half would be left */
    for (size_t i = 0; i + 2 < sizeof says; i += 2)
        memcpy(says + i, "\xc3\xbc", 3);
    f->says = says;
    apply_one(f, &own);
    struct source_state s = state_of(f, 0);
    assert_true(strlen(s.error) > SOURCE_ERROR_MAX - 4);
    assert_true(utf8_all_shown(slice_of(s.error)));
    fake_loop_pass(f->loop, 10 * SECOND);
    assert_true(state_of(f, 0).failures > 1);
    assert_int_equal(f->states, 1); /* it is the same cause */
}

static void its_end_is_told_too(void **state)
{
    struct fixture *f = *state;
    char why[SOURCE_ERROR_MAX];
    apply_one(f, &own);
    f->comes = NULL;
    fake_loop_pass(f->loop, HOUR + 1 * SECOND);
    assert_true(state_of(f, 0).failures > 0);
    f->comes = "list";
    f->unchanged = true;
    unsigned before = f->states;
    fake_loop_pass(f->loop, HOUR);
    assert_int_equal(state_of(f, 0).failures, 0);
    assert_false(source_set_fails(f->set, "own", why));
    assert_int_equal(f->states, before + 1);
    assert_int_equal(f->changes, 1); /* it is the list that was in use all along */
}

static void a_source_that_nobody_named_does_not_fail(void **state)
{
    struct fixture *f = *state;
    char why[SOURCE_ERROR_MAX];
    assert_false(source_set_fails(f->set, "own", why));
}

static void pauses_grow_with_failures(void **state)
{
    struct fixture *f = *state;
    f->comes = NULL;
    apply_one(f, &own);
    fake_loop_pass(f->loop, 10ULL * HOUR);
    assert_true(f->fetched < 30);
    assert_true(state_of(f, 0).next > NOW + 10 * 3600);
}

static void what_is_bad_leaves_what_was_good_in_use(void **state)
{
    struct fixture *f = *state;
    apply_one(f, &own);
    f->says = "older than the one in use";
    fake_loop_pass(f->loop, HOUR + 1 * SECOND);
    struct source_state s = state_of(f, 0);
    assert_int_equal(s.fetched, NOW);
    assert_string_equal(s.error, "older than the one in use");
    assert_true(has_file(f, "own.crl"));
}

static void a_list_that_has_expired_is_used_and_its_publisher_told_late(void **state)
{
    struct fixture *f = *state;
    f->until = NOW - 60;
    apply_one(f, &own);
    struct source_state s = state_of(f, 0);
    assert_int_equal(f->changes, 1);
    assert_int_equal(s.failures, 1);
    assert_non_null(strstr(s.error, "expired"));
    assert_in_range(s.next, NOW, NOW + 2);
}

static void a_connector_s_refusal_is_told_in_its_words(void **state)
{
    struct fixture *f = *state;
    apply_one(f, &through);
    answer(f, 0, 502, "{\"detail\":\"the server is away\"}");
    assert_string_equal(state_of(f, 0).error, "the connector answered 502: the server is away");
}

static void a_connector_that_sends_nothing_has_failed(void **state)
{
    struct fixture *f = *state;
    apply_one(f, &through);
    answer(f, 0, 200, "");
    assert_string_equal(state_of(f, 0).error, "the connector sent nothing");
    assert_int_equal(f->checks, 0);
}

static void a_connector_that_is_silent_has_failed_and_makes_room(void **state)
{
    struct fixture *f = *state;
    apply_one(f, &through);
    fake_loop_pass(f->loop, 91 * SECOND);
    assert_int_equal(state_of(f, 0).failures, 1);
    fake_loop_pass(f->loop, 2 * SECOND);
    assert_int_equal(f->asked, 2);
}

/* --- how many --- */

static void few_are_under_way_at_a_time(void **state)
{
    struct fixture *f = *state;
    const struct bundle_source list[] = {{.id = "a", .kind = BUNDLE_SOURCE_CRL},
                                         {.id = "b", .kind = BUNDLE_SOURCE_CRL},
                                         {.id = "c", .kind = BUNDLE_SOURCE_CRL},
                                         {.id = "d", .kind = BUNDLE_SOURCE_CRL}};
    source_set_apply(f->set, list, ARRAY_LEN(list));
    fake_loop_settle(f->loop);
    assert_int_equal(f->asked, 3);
    answer(f, 1, 200, "list");
    assert_int_equal(f->asked, 4);
    assert_string_equal(f->calls[3].target, "/d");
}

/* A slow one, say, with hundreds of lists. */
static void one_host_leaves_room_for_others(void **state)
{
    struct fixture *f = *state;
    const struct bundle_source list[] = {
        {.id = "a", .kind = BUNDLE_SOURCE_CRL, .url = "http://many.example/a"},
        {.id = "b", .kind = BUNDLE_SOURCE_CRL, .url = "http://many.example/b"},
        {.id = "c", .kind = BUNDLE_SOURCE_CRL, .url = "http://MANY.example:80/c"},
        {.id = "d", .kind = BUNDLE_SOURCE_CRL, .url = "http://few.example/d"},
    };
    source_set_apply(f->set, list, ARRAY_LEN(list));
    fake_loop_settle(f->loop);
    assert_int_equal(f->fetched, ARRAY_LEN(list));
    assert_string_equal(f->urls[2], list[3].url);
    assert_string_equal(f->urls[3], list[2].url);
}

static void one_that_goes_while_it_is_asked_for_makes_room(void **state)
{
    struct fixture *f = *state;
    const struct bundle_source list[] = {{.id = "a", .kind = BUNDLE_SOURCE_CRL},
                                         {.id = "b", .kind = BUNDLE_SOURCE_CRL},
                                         {.id = "c", .kind = BUNDLE_SOURCE_CRL},
                                         {.id = "d", .kind = BUNDLE_SOURCE_CRL}};
    source_set_apply(f->set, list, ARRAY_LEN(list));
    fake_loop_settle(f->loop);
    source_set_apply(f->set, list + 1, 3);
    fake_loop_settle(f->loop);
    assert_false(f->calls[0].open);
    assert_int_equal(f->asked, 4);
}

/* --- which there are --- */

static void the_file_of_one_that_goes_goes_too(void **state)
{
    struct fixture *f = *state;
    apply_one(f, &own);
    scratch_put(f->folder, "former.crl", "of an earlier process", 0600);
    apply_one(f, &through);
    assert_false(has_file(f, "own.crl"));
    assert_false(has_file(f, "former.crl"));
}

static void one_that_goes_while_its_file_is_written_leaves_none(void **state)
{
    struct fixture *f = *state;
    source_set_apply(f->set, &through, 1);
    fake_loop_settle(f->loop);
    begin_answer(f, 0, 200, "list"); /* its job is under way now */
    source_set_apply(f->set, NULL, 0);
    fake_loop_settle(f->loop);
    assert_int_equal(f->checks, 1);
    assert_int_equal(f->changes, 0);
    assert_false(has_file(f, "far.crl"));
}

static void the_same_source_again_is_not_fetched_again(void **state)
{
    struct fixture *f = *state;
    apply_one(f, &own);
    apply_one(f, &own);
    assert_int_equal(f->fetched, 1);
}

static void one_that_moved_is_fetched_anew_and_need_not_succeed_the_old_one(void **state)
{
    struct fixture *f = *state;
    apply_one(f, &own);
    apply_one(f, &moved);
    assert_int_equal(f->fetched, 2);
    assert_false(f->saw_present);
    fake_loop_pass(f->loop, HOUR + 1 * SECOND);
    assert_true(f->saw_present); /* from here on it must */
}

static void one_that_moved_and_failed_first_still_need_not(void **state)
{
    struct fixture *f = *state;
    struct bundle_source again = moved;
    again.refresh_s = 600;
    apply_one(f, &own);
    f->comes = NULL;
    apply_one(f, &moved);
    f->comes = "list";
    apply_one(f, &again);
    assert_int_equal(f->checks, 2);
    assert_false(f->saw_present);
}

/* --- by occasion --- */

static void what_failed_is_tried_again_when_a_tunnel_comes_up(void **state)
{
    struct fixture *f = *state;
    f->comes = NULL;
    apply_one(f, &own);
    fake_loop_pass(f->loop, HOUR);
    unsigned before = f->fetched;
    source_set_retry(f->set);
    fake_loop_pass(f->loop, 1 * SECOND);
    assert_int_equal(f->fetched, before + 1);
}

static void what_is_good_is_not(void **state)
{
    struct fixture *f = *state;
    apply_one(f, &own);
    source_set_retry(f->set);
    fake_loop_pass(f->loop, 1 * SECOND);
    assert_int_equal(f->fetched, 1);
}

static void one_under_way_that_had_failed_is_tried_once_more_after_it(void **state)
{
    struct fixture *f = *state;
    apply_one(f, &through);
    answer(f, 0, 502, "");
    fake_loop_pass(f->loop, 2 * SECOND);
    assert_int_equal(f->asked, 2);
    source_set_retry(f->set);
    answer(f, 1, 502, "");
    assert_int_equal(f->asked, 3); /* at once, not after the pause */
}

static void a_token_s_unknown_key_has_keys_fetched_but_once_a_minute(void **state)
{
    struct fixture *f = *state;
    apply_one(f, &keys);
    answer(f, 0, 200, "keys");
    fake_loop_pass(f->loop, 4 * SECOND);
    source_set_unknown_key(f->set, "keys");
    fake_loop_settle(f->loop);
    assert_int_equal(f->asked, 2);
    source_set_unknown_key(f->set, "keys"); /* it is being fetched */
    answer(f, 1, 200, "keys");
    source_set_unknown_key(f->set, "keys");
    fake_loop_pass(f->loop, 30 * SECOND);
    assert_int_equal(f->asked, 2);
    fake_loop_pass(f->loop, 30 * SECOND);
    source_set_unknown_key(f->set, "keys");
    fake_loop_settle(f->loop);
    assert_int_equal(f->asked, 3);
}

static void a_key_that_was_unknown_while_keys_came_is_no_reason_and_the_next_one_is(void **state)
{
    struct fixture *f = *state;
    apply_one(f, &keys);
    answer(f, 0, 200, "keys");
    source_set_unknown_key(f->set, "keys"); /* judged by what was there before */
    fake_loop_settle(f->loop);
    assert_int_equal(f->asked, 1);
    fake_loop_pass(f->loop, 4 * SECOND);
    source_set_unknown_key(f->set, "keys");
    fake_loop_settle(f->loop);
    assert_int_equal(f->asked, 2);
}

static void an_unknown_key_of_an_unknown_source_is_ignored(void **state)
{
    struct fixture *f = *state;
    apply_one(f, &keys);
    source_set_unknown_key(f->set, "others");
    fake_loop_settle(f->loop);
    assert_int_equal(f->asked, 1);
}

static void a_job_under_way_ends_without_effect_when_the_set_goes(void **state)
{
    struct fixture *f = *state;
    apply_one(f, &through);
    begin_answer(f, 0, 200, "list");
    source_set_free(f->set);
    f->set = NULL;
    fake_loop_settle(f->loop);
    assert_int_equal(f->checks + f->changes + f->states, 0); /* its owner may be gone, too */
    assert_false(has_file(f, "far.crl"));
}

int main(void)
{
#define HELD(f) cmocka_unit_test_setup_teardown(f, setup, teardown)
    const struct CMUnitTest tests[] = {
        HELD(a_new_source_is_fetched_at_once_and_in_use),
        HELD(it_is_fetched_again_within_the_hour_that_is_usual),
        HELD(what_is_unchanged_is_no_news),
        HELD(one_through_a_connector_is_asked_for_by_its_id),
        HELD(a_responder_is_not_fetched),
        HELD(what_an_earlier_process_kept_counts_from_its_time),
        HELD(a_failure_is_told_once_with_its_cause),
        HELD(a_cause_is_cut_between_characters),
        HELD(its_end_is_told_too),
        HELD(a_source_that_nobody_named_does_not_fail),
        HELD(pauses_grow_with_failures),
        HELD(what_is_bad_leaves_what_was_good_in_use),
        HELD(a_list_that_has_expired_is_used_and_its_publisher_told_late),
        HELD(a_connector_s_refusal_is_told_in_its_words),
        HELD(a_connector_that_sends_nothing_has_failed),
        HELD(a_connector_that_is_silent_has_failed_and_makes_room),
        HELD(few_are_under_way_at_a_time),
        HELD(one_host_leaves_room_for_others),
        HELD(one_that_goes_while_it_is_asked_for_makes_room),
        HELD(the_file_of_one_that_goes_goes_too),
        HELD(one_that_goes_while_its_file_is_written_leaves_none),
        HELD(the_same_source_again_is_not_fetched_again),
        HELD(one_that_moved_is_fetched_anew_and_need_not_succeed_the_old_one),
        HELD(one_that_moved_and_failed_first_still_need_not),
        HELD(what_failed_is_tried_again_when_a_tunnel_comes_up),
        HELD(what_is_good_is_not),
        HELD(one_under_way_that_had_failed_is_tried_once_more_after_it),
        HELD(a_token_s_unknown_key_has_keys_fetched_but_once_a_minute),
        HELD(a_key_that_was_unknown_while_keys_came_is_no_reason_and_the_next_one_is),
        HELD(an_unknown_key_of_an_unknown_source_is_ignored),
        HELD(a_job_under_way_ends_without_effect_when_the_set_goes),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
