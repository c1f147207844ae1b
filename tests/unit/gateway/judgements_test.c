/* SPDX-License-Identifier: Apache-2.0 */
/* The queue of the pool: whose turn it is, who has no place, by which snapshot, and who is told. */
#include "kit.h"

#include "../http/fake_loop.h"
#include "fake_trust.h"
#include "gateway/judge/judging.h"
#include "gateway/judge/rejudge.h"
#include "gateway/judge/shown_verdict.h"

struct told {
    unsigned calls, order; /* its place among those that were told */
    struct judged result;
};

static unsigned tellings;

static int setup(void **state)
{
    fake_trust_slow = fake_trust_asks = false;
    fake_trust_whole_answers = tellings = 0;
    if (kit_setup(state) != 0)
        return -1;
    struct kit *k = *state;
    k->snapshot.refs = 1 << 16; /* never freed by others: it is the kit's */
    kit_show(k, &k->leaf);
    return 0;
}

static void on_judged(void *arg, struct judged *r, struct pki_ocsp_questions *open)
{
    struct told *t = arg;
    pki_ocsp_questions_done(open);
    t->calls++;
    t->order = ++tellings;
    t->result = *r;
}

static struct judgement *later(struct kit *k, enum judging_for who, const char *holder, struct told *t)
{
    const struct judging_request q = {.credential = &k->client.credential, .who = who, .holder = holder};
    return judging_later(&k->judge, &q, on_judged, t);
}

/* --- the queue --- */

static void verdicts_come_later_one_after_the_other(void **state)
{
    struct kit *k = *state;
    struct told t[3] = {{.calls = 0}};
    for (size_t i = 0; i < 3; i++)
        assert_non_null(later(k, JUDGING_STRANGER, "192.0.2.1", &t[i]));
    assert_int_equal(tellings, 0);
    fake_loop_settle(k->judge.loop);
    for (unsigned i = 0; i < 3; i++) {
        assert_int_equal(t[i].calls, 1);
        assert_int_equal(t[i].order, i + 1);
        assert_int_equal(t[i].result.verdict.reason, REASON_OK);
    }
}

static void one_holder_has_few_places_and_another_has_its_own(void **state)
{
    struct kit *k = *state;
    static struct told t[8];
    for (size_t i = 0; i < 8; i++)
        assert_non_null(later(k, JUDGING_STRANGER, "192.0.2.1", &t[i]));
    assert_null(later(k, JUDGING_STRANGER, "192.0.2.1", &t[0]));
    assert_non_null(later(k, JUDGING_STRANGER, "192.0.2.2", &t[0]));
    assert_non_null(later(k, JUDGING_LET_IN, "192.0.2.1", &t[0])); /* as whom it waits counts, too */
    fake_loop_settle(k->judge.loop);
    assert_non_null(later(k, JUDGING_STRANGER, "192.0.2.1", &t[0]));
    fake_loop_settle(k->judge.loop);
}

static void strangers_can_t_fill_the_queue_of_those_who_are_let_in(void **state)
{
    struct kit *k = *state;
    static struct told t;
    char holder[32];
    for (int i = 0; i < 64; i++) {
        (void)snprintf(holder, sizeof holder, "192.0.2.%d", i);
        assert_non_null(later(k, JUDGING_STRANGER, holder, &t));
    }
    assert_null(later(k, JUDGING_STRANGER, "198.51.100.1", &t));
    assert_non_null(later(k, JUDGING_LET_IN, "device", &t));
    assert_non_null(later(k, JUDGING_QUESTION, "", &t));
    fake_loop_settle(k->judge.loop);
    assert_int_equal(tellings, 66);
}

static void what_was_cancelled_is_not_judged_and_nobody_is_told(void **state)
{
    struct kit *k = *state;
    struct told t[3] = {{.calls = 0}};
    struct judgement *j[3];
    for (size_t i = 0; i < 3; i++)
        j[i] = later(k, JUDGING_STRANGER, "192.0.2.1", &t[i]);
    judging_cancel(j[0]);
    judging_cancel(j[1]);
    judging_cancel(NULL);
    fake_loop_settle(k->judge.loop);
    assert_int_equal(t[0].calls + t[1].calls, 0);
    assert_int_equal(t[2].calls, 1);
    assert_int_equal(fake_trust_whole_answers, 1);
}

/* --- by what --- */

static void a_verdict_is_by_the_snapshot_of_its_turn(void **state)
{
    struct kit *k = *state;
    struct told t[2] = {{.calls = 0}};
    struct snapshot newer = k->snapshot;
    (void)later(k, JUDGING_STRANGER, "192.0.2.1", &t[0]);
    (void)later(k, JUDGING_STRANGER, "192.0.2.1", &t[1]);
    newer.generation++;
    newer.refs = 1 << 16;
    k->judge.snapshot = &newer; /* the first is in the pool already */
    fake_loop_settle(k->judge.loop);
    assert_int_equal(t[0].result.generation, k->snapshot.generation);
    assert_int_equal(t[1].result.generation, newer.generation);
    k->judge.snapshot = &k->snapshot;
}

static void below_an_endpoint_s_anchors_it_is_by_the_snapshot_that_the_endpoint_is_of(void **state)
{
    struct kit *k = *state;
    struct told t[2] = {{.calls = 0}};
    struct snapshot newer = k->snapshot;
    const struct judging_request q = {
        .credential = &k->client.credential,
        .below = bundle_endpoint_by_id(k->snapshot.bundle, SLICE("below-other")),
        .who = JUDGING_LET_IN,
        .holder = "x",
    };
    (void)later(k, JUDGING_STRANGER, "192.0.2.1", &t[0]);
    assert_non_null(judging_later(&k->judge, &q, on_judged, &t[1]));
    newer.generation++;
    newer.refs = 1 << 16;
    k->judge.snapshot = &newer;
    fake_loop_settle(k->judge.loop);
    assert_int_equal(t[1].result.generation, k->snapshot.generation);
    assert_int_not_equal(t[1].result.verdict.reason, REASON_OK); /* no path ends there */
    k->judge.snapshot = &k->snapshot;
}

static void what_was_shown_may_go_before_its_turn(void **state)
{
    struct kit *k = *state;
    struct told t[2] = {{.calls = 0}};
    (void)later(k, JUDGING_STRANGER, "192.0.2.1", &t[0]);
    (void)later(k, JUDGING_STRANGER, "192.0.2.1", &t[1]);
    kit_show(k, NULL);
    fake_loop_settle(k->judge.loop);
    assert_int_equal(t[1].result.verdict.reason, REASON_OK);
}

/* --- again, of a connection --- */

static void a_quick_look_that_is_enough_waits_for_nothing(void **state)
{
    struct kit *k = *state;
    struct judged r;
    rejudge_certificate(&k->client, NOW, &r);
    assert_int_equal(r.verdict.reason, REASON_OK);
    assert_false(rejudge_waits(&k->client));
}

static void a_slow_one_is_asked_to_come_again_and_what_is_under_way_waits_ten_seconds(void **state)
{
    struct kit *k = *state;
    struct judged r;
    fake_trust_slow = true;
    rejudge_certificate(&k->client, NOW, &r);
    assert_int_equal(r.verdict.reason, REASON_TOO_MANY_REQUESTS);
    assert_true(rejudge_waits(&k->client));
    struct judgement *first = k->client.rejudge.judgement;
    rejudge_certificate(&k->client, NOW, &r); /* is not judged twice */
    assert_ptr_equal(k->client.rejudge.judgement, first);
    uint64_t until = k->client.rejudge.until_ms;
    assert_int_equal(until, loop_now_ms(k->judge.loop) + REJUDGE_MS);

    fake_loop_settle(k->judge.loop);
    assert_int_equal(k->reviews, 1);
    assert_false(rejudge_waits(&k->client));
    assert_non_null(shown_verdict_known(&k->judge, &k->client.credential, NOW));
    assert_int_equal(kit_counted(k, METRIC_VERDICTS), 1);
}

static void a_generation_that_was_slow_once_is_not_looked_at_quickly_again(void **state)
{
    struct kit *k = *state;
    struct judged r;
    fake_trust_slow = true;
    rejudge_certificate(&k->client, NOW, &r);
    fake_loop_settle(k->judge.loop);
    fake_trust_slow = false; /* a quick look would do now */
    rejudge_certificate(&k->client, NOW, &r);
    assert_int_equal(r.verdict.reason, REASON_TOO_MANY_REQUESTS);
    fake_loop_settle(k->judge.loop);
    kit_bundle(k, "");
    rejudge_certificate(&k->client, NOW, &r);
    assert_int_equal(r.verdict.reason, REASON_OK);
}

static void a_verdict_that_counts_ends_the_wait_unless_another_is_under_way(void **state)
{
    struct kit *k = *state;
    struct judged r;
    fake_trust_slow = true;
    rejudge_certificate(&k->client, NOW, &r);
    rejudge_over(&k->client.rejudge);
    assert_true(rejudge_waits(&k->client));
    fake_loop_settle(k->judge.loop);
    k->client.rejudge.until_ms = UINT64_MAX;
    rejudge_over(&k->client.rejudge);
    assert_false(rejudge_waits(&k->client));
}

static void what_is_judged_below_an_endpoint_is_kept_although_its_connection_has_gone(void **state)
{
    struct kit *k = *state;
    struct judged r;
    const unsigned char key[VERDICT_KEY_SIZE] = {7};
    const struct bundle_endpoint *e = bundle_endpoint_by_id(k->snapshot.bundle, SLICE("below-other"));
    fake_trust_slow = true;
    rejudge_below(&k->client, e, key, NOW, &r);
    assert_int_equal(r.verdict.reason, REASON_TOO_MANY_REQUESTS);
    assert_true(rejudge_waits(&k->client));
    rejudge_done(&k->client.rejudge);
    kit_show(k, NULL);
    fake_loop_settle(k->judge.loop);
    const struct cached_verdict *kept = verdict_cache_get(k->judge.verdicts, key, k->snapshot.generation, NOW);
    assert_true(!kept || kept->certificate.reason != REASON_OK);
    assert_int_equal(k->reviews, 0);
    assert_int_equal(kit_counted(k, METRIC_VERDICTS), 1);
}

int main(void)
{
#define HELD(f) cmocka_unit_test_setup_teardown(f, setup, kit_teardown)
    const struct CMUnitTest tests[] = {
        HELD(verdicts_come_later_one_after_the_other),
        HELD(one_holder_has_few_places_and_another_has_its_own),
        HELD(strangers_can_t_fill_the_queue_of_those_who_are_let_in),
        HELD(what_was_cancelled_is_not_judged_and_nobody_is_told),
        HELD(a_verdict_is_by_the_snapshot_of_its_turn),
        HELD(below_an_endpoint_s_anchors_it_is_by_the_snapshot_that_the_endpoint_is_of),
        HELD(what_was_shown_may_go_before_its_turn),
        HELD(a_quick_look_that_is_enough_waits_for_nothing),
        HELD(a_slow_one_is_asked_to_come_again_and_what_is_under_way_waits_ten_seconds),
        HELD(a_generation_that_was_slow_once_is_not_looked_at_quickly_again),
        HELD(a_verdict_that_counts_ends_the_wait_unless_another_is_under_way),
        HELD(what_is_judged_below_an_endpoint_is_kept_although_its_connection_has_gone),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
