/* SPDX-License-Identifier: Apache-2.0 */
/* Asking OCSP responders: each question once, failures remembered, and everybody who waits is called once. There is no
 * connector here, so that no responder can be reached. */
#include "kit.h"

#include "base/buf.h"
#include "base/clock.h"
#include "gateway/judge/responder.h"

#define RESPONDER ",\"sources\":[{\"id\":\"ocsp-1\",\"kind\":\"ocsp\",\"via\":\"connector\",\"refresh_s\":0}]"

static struct gateway_tunnels no_tunnels;

struct wait {
    struct loop *loop;
    unsigned called, until;
};

static void on_done(void *arg)
{
    struct wait *w = arg;
    if (++w->called == w->until)
        loop_stop(w->loop);
}

static struct pki_ocsp_questions about(const struct kit *k, const struct pair *p)
{
    struct pki_ocsp_questions q = {.count = 0};
    unsigned char key[PKI_OCSP_KEY_SIZE];
    pki_ocsp_key(p->cert, k->root.cert, key);
    pki_ocsp_questions_add(&q, p->cert, k->root.cert, key);
    return q;
}

/* `times` connections ask about it at once; until all were called. */
static void ask(struct kit *k, struct responder *r, const struct pair *p, unsigned times)
{
    struct wait w = {.loop = k->judge.loop, .until = times};
    for (unsigned i = 0; i < times; i++) {
        struct pki_ocsp_questions q = about(k, p);
        responder_ask(r, "192.0.2.1", &q, k->judge.loop, on_done, &w);
        assert_int_equal(q.count, 0); /* taken over */
    }
    assert_int_equal(w.called, 0); /* not from inside */
    loop_run(k->judge.loop);
    assert_int_equal(w.called, times);
}

static struct pki_ocsp_answer recall(const struct kit *k, struct responder *r, const struct pair *p, int64_t now)
{
    struct pki_ocsp_answer a;
    unsigned char key[PKI_OCSP_KEY_SIZE];
    pki_ocsp_key(p->cert, k->root.cert, key);
    responder_recall(r, key, now, &a);
    return a;
}

static void assert_sent(const struct responder *r, int asked)
{
    struct buf text;
    char wanted[64];
    buf_init(&text, 4096);
    assert_int_equal(responder_metrics(r, &text), OK);
    (void)snprintf(wanted, sizeof wanted, "cmg_ocsp_requests_total %d\n", asked);
    assert_int_equal(buf_append(&text, slice_make("", 1)), OK);
    assert_non_null(strstr(buf_data(&text).ptr, wanted));
    buf_free(&text);
}

static struct responder *make_responder(struct kit *k, struct snapshot_current *current)
{
    snapshot_current_init(current, NULL, NULL);
    k->snapshot.refs = 64; /* never freed by others: it is the kit's */
    snapshot_current_put(current, &k->snapshot);
    struct responder *r = responder_new(k->judge.loop, &no_tunnels, current);
    kit_keep(r);
    return r;
}

static void a_site_names_a_responder_or_it_does_not(void **state)
{
    struct kit *k = *state;
    assert_false(responder_named(k->snapshot.bundle));
    kit_bundle(k, RESPONDER);
    assert_true(responder_named(k->snapshot.bundle));
}

static void before_anybody_asked_there_is_no_answer(void **state)
{
    struct kit *k = *state;
    struct snapshot_current current;
    struct responder *r = make_responder(k, &current);
    struct pki_ocsp_answer a = recall(k, r, &k->leaf, NOW);
    assert_int_equal(a.state, PKI_OCSP_UNUSABLE);
    assert_string_equal(a.why, "there is no answer of the responder yet");
    responder_stop(r);
}

static void many_who_ask_the_same_make_one_question(void **state)
{
    struct kit *k = *state;
    struct snapshot_current current;
    kit_bundle(k, RESPONDER);
    struct responder *r = make_responder(k, &current);
    ask(k, r, &k->leaf, 5);
    assert_sent(r, 1);
    ask(k, r, &k->stranger, 1);
    assert_sent(r, 2);
    responder_stop(r);
}

static void a_failure_is_remembered_for_some_seconds_and_then_forgotten(void **state)
{
    struct kit *k = *state;
    struct snapshot_current current;
    kit_bundle(k, RESPONDER);
    struct responder *r = make_responder(k, &current);
    ask(k, r, &k->leaf, 1);
    assert_string_equal(recall(k, r, &k->leaf, clock_wall_s()).why, "the responder can't be asked");
    ask(k, r, &k->leaf, 1); /* is called all the same */
    assert_sent(r, 1);
    assert_string_equal(recall(k, r, &k->leaf, clock_wall_s() + 60).why, "there is no answer of the responder yet");
    responder_stop(r);
}

static void without_a_responder_who_asks_is_called_and_told_why(void **state)
{
    struct kit *k = *state;
    struct snapshot_current current;
    struct responder *r = make_responder(k, &current);
    ask(k, r, &k->leaf, 2);
    assert_sent(r, 0);
    assert_string_equal(recall(k, r, &k->leaf, clock_wall_s()).why, "the site names no OCSP responder");
    responder_stop(r);
}

static void without_a_bundle_who_asks_is_called(void **state)
{
    struct kit *k = *state;
    struct snapshot_current current;
    snapshot_current_init(&current, NULL, NULL);
    struct responder *r = responder_new(k->judge.loop, &no_tunnels, &current);
    kit_keep(r);
    ask(k, r, &k->leaf, 1);
    assert_sent(r, 0);
    responder_stop(r);
}

int main(void)
{
#define HELD(f) cmocka_unit_test_setup_teardown(f, kit_setup, kit_teardown)
    const struct CMUnitTest tests[] = {
        HELD(a_site_names_a_responder_or_it_does_not),
        HELD(before_anybody_asked_there_is_no_answer),
        HELD(many_who_ask_the_same_make_one_question),
        HELD(a_failure_is_remembered_for_some_seconds_and_then_forgotten),
        HELD(without_a_responder_who_asks_is_called_and_told_why),
        HELD(without_a_bundle_who_asks_is_called),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
