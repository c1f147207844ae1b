/* SPDX-License-Identifier: Apache-2.0 */
/* An administrator's question: judged as a request with that certificate would be, answered once, remembered by
 * nobody. */
#include "floor.h"

#include "base/mem.h"
#include "gateway/site/questions.h"
#include "json/json.h"

static char *question(const struct pair *p, int64_t id, int64_t sequence)
{
    char *pem = pki_cert_pem(p->cert);
    json_t *o = json_pack("{s:I, s:[{s:I, s:s}]}", "sequence", (json_int_t)sequence, "questions", "id", (json_int_t)id,
                          "certificates_pem", pem);
    char *text = json_dumps(o, 0);
    json_decref(o);
    free(pem);
    return text;
}

static struct way_call *parked(void)
{
    unsigned i = way_calls();
    while (i-- > 0 && (way_call(i)->over || strcmp(way_call(i)->method, "GET") != 0))
        continue;
    return way_call(i);
}

/* The site asks; what is posted then is the last call. */
static void ask(struct floor *f, const struct pair *p, int64_t id)
{
    char *text = question(p, id, id);
    way_answer(parked(), 200, text);
    free(text);
    fake_loop_settle(f->loop);
}

static struct gateway_questions *begin(struct floor *f)
{
    struct gateway_questions *q = gateway_questions_new(&f->k->judge, &f->tunnels);
    gateway_questions_kick(q);
    return q;
}

/* The i-th call posts a verdict: that. The caller json_decref()s. */
static json_t *verdict_of(unsigned i, int64_t id)
{
    const struct way_call *c = way_call(i);
    assert_string_equal(c->method, "POST");
    assert_string_equal(c->target, "/answer");
    json_t *o = json_loads(c->body, 0, NULL);
    assert_non_null(o);
    assert_int_equal(json_opt_int(o, "id", 0), id);
    json_t *v = json_incref(json_object_get(o, "verdict"));
    json_decref(o);
    return v;
}

static void assert_says(const json_t *v, const char *name, const char *wanted)
{
    assert_string_equal(json_opt_str(v, name, "(none)"), wanted);
}

/* --- asking the site --- */

static void a_request_is_parked_and_after_none_came_parked_again(void **state)
{
    struct floor *f = *state;
    struct gateway_questions *q = begin(f);
    assert_string_equal(way_open()->target, "/questions?after=0");
    assert_string_equal(way_open()->authority, "site");
    way_answer(way_open(), 204, "");
    assert_int_equal(way_calls(), 2);
    gateway_questions_free(q);
    assert_true(way_call(1)->cancelled);
}

static void before_the_first_bundle_nothing_is_asked(void **state)
{
    struct floor *f = *state;
    struct snapshot *s = f->k->judge.snapshot;
    f->k->judge.snapshot = NULL;
    struct gateway_questions *q = begin(f);
    assert_int_equal(way_calls(), 0);
    f->k->judge.snapshot = s;
    floor_pass(f, 1000);
    assert_int_equal(way_calls(), 1);
    gateway_questions_free(q);
}

static void a_site_that_knows_no_questions_is_asked_seldom(void **state)
{
    struct floor *f = *state;
    struct gateway_questions *q = begin(f);
    way_answer(way_open(), 404, "");
    floor_pass(f, 59 * 1000);
    assert_int_equal(way_calls(), 1);
    floor_pass(f, 1000);
    assert_int_equal(way_calls(), 2);
    gateway_questions_free(q);
}

static void a_way_that_breaks_is_asked_again_a_second_later(void **state)
{
    struct floor *f = *state;
    struct gateway_questions *q = begin(f);
    way_fail(way_open(), HTTP_FAIL_TRUNCATED, false);
    floor_pass(f, 999);
    assert_int_equal(way_calls(), 1);
    floor_pass(f, 1);
    assert_int_equal(way_calls(), 2);
    gateway_questions_free(q);
}

static void a_parked_request_leaves_a_tunnel_that_drains(void **state)
{
    struct floor *f = *state;
    struct tunnel other = {.reaches = "site", .outstanding = 9};
    struct gateway_questions *q = begin(f);
    struct way_call *first = way_open();
    gateway_questions_kick(q);
    assert_int_equal(way_calls(), 1); /* it is parked well */
    assert_true(gateway_tunnels_add(&f->tunnels, &other));
    f->inside.reaches = "";
    gateway_questions_kick(q);
    assert_true(first->cancelled);
    assert_ptr_equal(way_open()->tunnel, &other);
    gateway_questions_free(q);
}

/* --- verdicts --- */

static void a_good_certificate_s_verdict_is_posted_with_what_it_stands_on(void **state)
{
    struct floor *f = *state;
    struct gateway_questions *q = begin(f);
    ask(f, &f->k->leaf, 12);
    assert_string_equal(way_call(1)->target, "/questions?after=12");
    json_t *v = verdict_of(2, 12);
    assert_true(json_is_true(json_object_get(v, "ok")));
    assert_says(v, "code", "");
    assert_says(v, "identity", "device-1");
    assert_true(json_is_false(json_object_get(v, "crl_check")));
    assert_int_equal(json_opt_int(v, "bundle", 0), 7);
    assert_int_equal(json_opt_int(v, "at", 0), fake_wall_s);
    assert_true(json_opt_int(v, "until", 0) > fake_wall_s);
    assert_int_equal(json_array_size(json_object_get(v, "lists")), 0);
    json_decref(v);
    gateway_questions_free(q);
}

static void a_stranger_s_verdict_names_reason_code_and_remedy(void **state)
{
    struct floor *f = *state;
    struct gateway_questions *q = begin(f);
    ask(f, &f->k->stranger, 1);
    json_t *v = verdict_of(2, 1);
    assert_true(json_is_false(json_object_get(v, "ok")));
    assert_says(v, "code", verdict_refusal_info(REFUSAL_INVALID_CLIENT_CERTIFICATE)->code);
    assert_string_not_equal(json_opt_str(v, "remedy", ""), "");
    assert_string_not_equal(json_opt_str(v, "detail", ""), "");
    json_decref(v);
    gateway_questions_free(q);
}

static void a_blocked_certificate_s_verdict_says_so_although_its_chain_is_good(void **state)
{
    struct floor *f = *state;
    struct gateway_questions *q = begin(f);
    kit_show(f->k, &f->k->leaf);
    char *block = forge_text(",\"blocks\":[{\"certificates\":[\"%s\"]}]", f->k->client.credential.sha256_hex);
    kit_bundle(f->k, block);
    free(block);
    ask(f, &f->k->leaf, 1);
    json_t *v = verdict_of(2, 1);
    assert_true(json_is_false(json_object_get(v, "ok")));
    assert_says(v, "reason", verdict_reason_info(REASON_BLOCKED)->name);
    assert_says(v, "detail", verdict_reason_info(REASON_BLOCKED)->text);
    json_decref(v);
    gateway_questions_free(q);
}

static void a_question_leaves_no_verdict_for_requests(void **state)
{
    struct floor *f = *state;
    struct gateway_questions *q = begin(f);
    ask(f, &f->k->leaf, 1);
    assert_int_equal(kit_counted(f->k, METRIC_VERDICTS), 0);
    assert_non_null(floor_come(f, "192.0.2.1", &f->k->leaf));
    assert_int_equal(kit_counted(f->k, METRIC_VERDICTS), 1);
    gateway_questions_free(q);
}

static void questions_are_answered_one_after_the_other_whether_the_site_takes_them_or_not(void **state)
{
    struct floor *f = *state;
    struct gateway_questions *q = begin(f);
    ask(f, &f->k->leaf, 1);
    ask(f, &f->k->stranger, 2); /* on the request that was parked next */
    fake_loop_settle(f->loop);
    assert_int_equal(way_calls(), 4); /* the second one waits */
    json_t *first = verdict_of(2, 1);
    way_answer(way_call(2), 500, "not now");
    fake_loop_settle(f->loop);
    json_t *second = verdict_of(4, 2);
    way_answer(way_call(4), 204, "");
    fake_loop_settle(f->loop);
    assert_int_equal(way_calls(), 5);
    json_decref(first);
    json_decref(second);
    gateway_questions_free(q);
}

/* --- what is no question --- */

static void what_can_t_be_read_is_answered_by_nobody(void **state)
{
    static const char *const texts[] = {"nonsense", "{}", "{\"sequence\":4,\"questions\":[{\"id\":4}]}",
                                        "{\"sequence\":5,\"questions\":[{\"id\":0,\"certificates_pem\":\"\"}]}",
                                        "{\"sequence\":6,\"questions\":[{\"id\":6,\"certificates_pem\":\"x\"}, 7]}"};
    struct floor *f = *state;
    struct gateway_questions *q = begin(f);
    for (size_t i = 0; i < ARRAY_LEN(texts); i++) {
        way_answer(way_open(), 200, texts[i]);
        fake_loop_settle(f->loop);
        assert_int_equal(way_calls(), i + 2); /* the next one is parked, nothing is posted */
    }
    assert_string_equal(way_open()->target, "/questions?after=6");
    gateway_questions_free(q);
}

static void questions_beyond_so_many_are_left_to_their_askers(void **state)
{
    struct floor *f = *state;
    struct gateway_questions *q = begin(f);
    char *pem = pki_cert_pem(f->k->leaf.cert);
    json_t *list = json_array();
    for (int i = 1; i <= 70; i++)
        assert_int_equal(json_array_append_new(list, json_pack("{s:i, s:s}", "id", i, "certificates_pem", pem)), 0);
    json_t *o = json_pack("{s:i, s:o}", "sequence", 70, "questions", list);
    char *text = json_dumps(o, JSON_COMPACT);
    way_answer(way_open(), 200, text);
    fake_loop_settle(f->loop);
    unsigned answers = 0;
    for (; !way_call(way_calls() - 1)->over && strcmp(way_call(way_calls() - 1)->target, "/answer") == 0; answers++) {
        way_answer(way_open(), 204, "");
        fake_loop_settle(f->loop);
    }
    assert_int_equal(answers, 64);
    free(text);
    json_decref(o);
    free(pem);
    gateway_questions_free(q);
}

/* --- responders --- */

static void a_responder_that_decides_is_asked_first_and_once(void **state)
{
    struct floor *f = *state;
    struct gateway_questions *q = begin(f);
    fake_responder.named = fake_trust_asks = true;
    fake_responder.answer = (struct pki_ocsp_answer){.state = PKI_OCSP_UNUSABLE, .why = "nobody asked"};
    ask(f, &f->k->leaf, 1);
    assert_int_equal(fake_responder.asked, 1);
    assert_int_equal(way_calls(), 2); /* no answer yet */
    fake_responder.done(fake_responder.arg);
    fake_loop_settle(f->loop);
    assert_int_equal(fake_responder.asked, 1);
    json_decref(verdict_of(2, 1));
    gateway_questions_free(q);
}

static void who_goes_while_a_responder_is_asked_answers_nobody(void **state)
{
    struct floor *f = *state;
    struct gateway_questions *q = begin(f);
    fake_responder.named = fake_trust_asks = true;
    ask(f, &f->k->leaf, 1);
    gateway_questions_free(q);
    unsigned before = way_calls();
    fake_responder.done(fake_responder.arg);
    fake_loop_settle(f->loop);
    assert_int_equal(way_calls(), before);
}

static void who_goes_while_the_pool_judges_answers_nobody(void **state)
{
    struct floor *f = *state;
    struct gateway_questions *q = begin(f);
    char *text = question(&f->k->leaf, 1, 1);
    way_answer(way_open(), 200, text);
    free(text);
    gateway_questions_free(q);
    unsigned before = way_calls();
    fake_loop_settle(f->loop);
    assert_int_equal(way_calls(), before);
}

int main(void)
{
#define HELD(f) cmocka_unit_test_setup_teardown(f, floor_setup, floor_teardown)
    const struct CMUnitTest tests[] = {
        HELD(a_request_is_parked_and_after_none_came_parked_again),
        HELD(before_the_first_bundle_nothing_is_asked),
        HELD(a_site_that_knows_no_questions_is_asked_seldom),
        HELD(a_way_that_breaks_is_asked_again_a_second_later),
        HELD(a_parked_request_leaves_a_tunnel_that_drains),
        HELD(a_good_certificate_s_verdict_is_posted_with_what_it_stands_on),
        HELD(a_stranger_s_verdict_names_reason_code_and_remedy),
        HELD(a_blocked_certificate_s_verdict_says_so_although_its_chain_is_good),
        HELD(a_question_leaves_no_verdict_for_requests),
        HELD(questions_are_answered_one_after_the_other_whether_the_site_takes_them_or_not),
        HELD(what_can_t_be_read_is_answered_by_nobody),
        HELD(questions_beyond_so_many_are_left_to_their_askers),
        HELD(a_responder_that_decides_is_asked_first_and_once),
        HELD(who_goes_while_a_responder_is_asked_answers_nobody),
        HELD(who_goes_while_the_pool_judges_answers_nobody),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
