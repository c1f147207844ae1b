/* SPDX-License-Identifier: Apache-2.0 */
/* Between the handshake and the first request: who is held, until when, and what is known of it then. */
#include "floor.h"

enum { HOLD_MS = 6000 };

static struct visitor *arrive(struct floor *f, const struct pair *p)
{
    return floor_arrive(f, "192.0.2.1", &p->cert, 1);
}

static bool is_held(const struct visitor *v)
{
    return v->paused && !v->http && !v->closed;
}

static bool goes_on(const struct visitor *v)
{
    return !v->paused && v->http && !v->closed;
}

/* Its request is judged without another look at the certificate. */
static void assert_asked(struct visitor *v, int status)
{
    struct asker *a = floor_ask(v, "GET", "gw.example", "/CCM_Proxy_MutualAuth/both");
    if (status == 200)
        way_answer(way_open(), 200, "");
    assert_int_equal(a->status, status);
    asker_free(a);
}

/* --- who is not held --- */

static void who_shows_nothing_is_not_held(void **state)
{
    struct floor *f = *state;
    fake_trust_slow = true;
    assert_true(goes_on(floor_arrive(f, "192.0.2.1", NULL, 0)));
}

static void a_certificate_that_a_device_made_itself_is_not_judged(void **state)
{
    struct floor *f = *state;
    struct pair own = MAKE(.cn = "device-key");
    fake_trust_slow = true;
    assert_true(goes_on(arrive(f, &own)));
    assert_int_equal(kit_counted(f->k, METRIC_VERDICTS), 0);
    drop(&own);
}

static void before_the_first_bundle_nobody_is_held(void **state)
{
    struct floor *f = *state;
    struct snapshot *s = f->k->judge.snapshot;
    fake_trust_slow = true;
    f->k->judge.snapshot = NULL;
    struct visitor *v = arrive(f, &f->k->leaf);
    assert_true(goes_on(v));
    f->k->judge.snapshot = s;
}

static void a_quick_verdict_holds_nobody_and_is_kept(void **state)
{
    struct floor *f = *state;
    struct visitor *v = arrive(f, &f->k->leaf);
    assert_true(goes_on(v));
    assert_int_equal(kit_counted(f->k, METRIC_VERDICTS), 1);
    assert_asked(v, 200);
    assert_int_equal(kit_counted(f->k, METRIC_VERDICTS), 1);
}

/* --- in the pool --- */

static void what_takes_long_is_judged_in_the_pool_and_nothing_is_read_meanwhile(void **state)
{
    struct floor *f = *state;
    fake_trust_slow = true;
    struct visitor *v = arrive(f, &f->k->leaf);
    assert_true(is_held(v));
    assert_int_equal(f->clients.connection_count, 1);
    fake_loop_settle(f->loop);
    assert_true(goes_on(v));
    assert_int_equal(fake_trust_whole_answers, 1);
    assert_int_equal(f->clients.connection_count, 1);
    assert_asked(v, 200);
}

static void a_refusal_that_took_long_is_told_to_the_first_request(void **state)
{
    struct floor *f = *state;
    fake_trust_slow = true;
    struct visitor *v = arrive(f, &f->k->stranger);
    fake_loop_settle(f->loop);
    assert_true(goes_on(v));
    assert_asked(v, 401);
    assert_int_equal(fake_trust_whole_answers, 1);
}

static void whom_the_pool_has_no_place_for_goes_on_and_is_asked_to_come_again(void **state)
{
    struct floor *f = *state;
    f->places.connections = f->places.strangers_per_address = 100;
    fake_trust_slow = true;
    for (unsigned i = 0; i < 8; i++)
        assert_true(is_held(arrive(f, &f->k->leaf)));
    struct visitor *ninth = arrive(f, &f->k->leaf);
    assert_true(goes_on(ninth));
    assert_asked(ninth, 429);
    assert_true(is_held(floor_arrive(f, "192.0.2.2", &f->k->leaf.cert, 1)));
    fake_loop_settle(f->loop);
}

static void whoever_leaves_while_it_is_judged_leaves_nothing_behind(void **state)
{
    struct floor *f = *state;
    fake_trust_slow = true;
    struct visitor *v = arrive(f, &f->k->leaf);
    v->stream.events->on_close(v->stream.ctx, NULL);
    assert_true(v->closed);
    assert_int_equal(f->clients.connection_count, 0);
    assert_int_equal(crowd_count(f->clients.strangers, SLICE("192.0.2.1")), 0);
    fake_loop_settle(f->loop);
    assert_int_equal(fake_trust_whole_answers, 0); /* nobody waits for it */
    assert_null(v->http);
}

static void who_is_held_gives_way_like_any_stranger(void **state)
{
    struct floor *f = *state;
    f->places.connections = 1;
    fake_trust_slow = true;
    struct visitor *v = arrive(f, &f->k->leaf);
    assert_non_null(floor_arrive(f, "192.0.2.2", NULL, 0));
    assert_true(v->closed);
    assert_int_equal(floor_away(f, AWAY_ROOM), 1);
    fake_loop_settle(f->loop);
}

/* --- responders --- */

static struct visitor *arrive_asked(struct floor *f)
{
    fake_responder.named = fake_trust_asks = true;
    fake_responder.answer = (struct pki_ocsp_answer){.state = PKI_OCSP_UNUSABLE, .why = "nobody asked"};
    struct visitor *v = arrive(f, &f->k->leaf);
    assert_true(is_held(v));
    assert_int_equal(fake_responder.asked, 1);
    return v;
}

static void who_must_be_asked_about_is_held_until_the_responder_has_answered(void **state)
{
    struct floor *f = *state;
    struct visitor *v = arrive_asked(f);
    fake_loop_settle(f->loop);
    assert_true(is_held(v));
    fake_responder.done(fake_responder.arg);
    assert_true(goes_on(v));
}

static void a_responder_that_says_nothing_holds_nobody_for_ever(void **state)
{
    struct floor *f = *state;
    struct visitor *v = arrive_asked(f);
    floor_pass(f, HOLD_MS - 1);
    assert_true(is_held(v));
    floor_pass(f, 1);
    assert_true(goes_on(v));
    fake_responder.done(fake_responder.arg); /* too late, and harmless */
    assert_true(goes_on(v));
}

static void who_leaves_while_a_responder_is_asked_is_forgotten_when_it_answers(void **state)
{
    struct floor *f = *state;
    struct visitor *v = arrive_asked(f);
    v->stream.events->on_close(v->stream.ctx, NULL);
    assert_int_equal(f->clients.connection_count, 0);
    fake_responder.done(fake_responder.arg);
    assert_null(v->http);
}

static void after_a_slow_verdict_responders_are_asked_once_and_it_is_judged_again(void **state)
{
    struct floor *f = *state;
    fake_trust_slow = fake_responder.named = fake_trust_asks = true;
    struct visitor *v = arrive(f, &f->k->leaf);
    assert_int_equal(fake_responder.asked, 0);
    fake_loop_settle(f->loop);
    assert_int_equal(fake_responder.asked, 1);
    assert_true(is_held(v));
    fake_responder.done(fake_responder.arg);
    fake_loop_settle(f->loop);
    assert_int_equal(fake_responder.asked, 1);
    assert_int_equal(fake_trust_whole_answers, 2);
    assert_true(goes_on(v));
}

int main(void)
{
#define HELD(f) cmocka_unit_test_setup_teardown(f, floor_setup, floor_teardown)
    const struct CMUnitTest tests[] = {
        HELD(who_shows_nothing_is_not_held),
        HELD(a_certificate_that_a_device_made_itself_is_not_judged),
        HELD(before_the_first_bundle_nobody_is_held),
        HELD(a_quick_verdict_holds_nobody_and_is_kept),
        HELD(what_takes_long_is_judged_in_the_pool_and_nothing_is_read_meanwhile),
        HELD(a_refusal_that_took_long_is_told_to_the_first_request),
        HELD(whom_the_pool_has_no_place_for_goes_on_and_is_asked_to_come_again),
        HELD(whoever_leaves_while_it_is_judged_leaves_nothing_behind),
        HELD(who_is_held_gives_way_like_any_stranger),
        HELD(who_must_be_asked_about_is_held_until_the_responder_has_answered),
        HELD(a_responder_that_says_nothing_holds_nobody_for_ever),
        HELD(who_leaves_while_a_responder_is_asked_is_forgotten_when_it_answers),
        HELD(after_a_slow_verdict_responders_are_asked_once_and_it_is_judged_again),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
