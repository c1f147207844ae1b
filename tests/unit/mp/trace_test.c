/* SPDX-License-Identifier: Apache-2.0 */
/* What this process did with a request, told to who asks for it by its id. */
#include "kit.h"

#include "base/host/trail.h"
#include "mp/answer/trace.h"
#include "mp/status/report.h"
#include "store/site/question.h"

#define ONE "11111111-1111-4111-8111-111111111111"
#define OTHER "22222222-2222-4222-8222-222222222222"

static int64_t after;

static int setup(void **state)
{
    after = 0;
    return kit_open(state);
}
#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, kit_close)

static int64_t ask_about(const char *request)
{
    struct store_question q = {.gateway = "", .certificates = "", .caller = "uid:0", .request = request};
    ok(store_question_add(site.store, &q, clock_wall_s(), &err));
    return q.id;
}

/* What this process answered, [] as long as it did not. The caller json_decref()s it. */
static json_t *answer_to(int64_t question)
{
    struct store_answer *list;
    size_t count;
    mp_trace_answer(&site, &after);
    ok(store_answer_list(site.store, rows, question, &list, &count, &err));
    assert_true(count <= 1);
    if (count)
        assert_non_null(strstr(list[0].gateway, "cmg-mp ")); /* with a blank: the site's own word */
    json_t *o = count ? json_loads(list[0].verdict, 0, NULL) : json_array();
    assert_non_null(o);
    return o;
}

static void assert_silent(int64_t question)
{
    struct store_answer *list;
    size_t count;
    mp_trace_answer(&site, &after);
    ok(store_answer_list(site.store, rows, question, &list, &count, &err));
    assert_int_equal(count, 0);
}

static void note(enum trail_share share, const char *id, const char *what, int status)
{
    trail_note(share, id, &(struct trail_step){.what = what, .status = status, .endpoint = "mp1"});
}

static void what_is_known_of_a_request_is_answered_in_its_order(void **state UNUSED)
{
    note(TRAIL_FAILED, ONE, "refused", 403);
    note(TRAIL_WELL, OTHER, "answered", 200);
    int64_t q = ask_about(ONE);
    json_t *o = answer_to(q);
    assert_int_equal(json_array_size(o), 1);
    assert_string_equal(json_opt_str(json_array_get(o, 0), "what", ""), "refused");
    assert_string_equal(json_opt_str(json_array_get(o, 0), "endpoint", ""), "mp1");
    assert_int_equal(json_opt_int(json_array_get(o, 0), "status", 0), 403);
    assert_null(json_object_get(json_array_get(o, 0), "client"));
    json_decref(o);
}

/* Others may know it: who does not says nothing, instead of that there is nothing. */
static void of_what_is_not_known_nothing_is_said(void **state UNUSED)
{
    int64_t q = ask_about("33333333-3333-4333-8333-333333333333");
    assert_silent(q);
}

static void a_question_about_certificates_is_for_gateways_alone(void **state UNUSED)
{
    assert_silent(ask_about(""));
}

static void each_question_is_looked_at_once(void **state UNUSED)
{
    int64_t q = ask_about(ONE);
    json_decref(answer_to(q));
    assert_int_equal(after, q);
    int64_t next = ask_about(ONE);
    assert_true(next > q);
    json_decref(answer_to(next));
    assert_int_equal(after, next);
    mp_trace_answer(&site, &after);
    assert_int_equal(after, next);
}

/* Anybody may come as a stranger: what strangers do displaces nothing of those who are known. */
static void strangers_displace_strangers_alone(void **state UNUSED)
{
    static const char known[] = "44444444-4444-4444-8444-444444444444";
    note(TRAIL_FAILED, known, "refused", 403);
    note(TRAIL_STRANGERS, "55555555-5555-4555-8555-555555555555", "first", 403);
    for (int i = 0; i < TRAIL_STRANGERS_MAX; i++)
        note(TRAIL_STRANGERS, OTHER, "again", 403);
    struct trail_kept found[TRAIL_FOUND_MAX];
    assert_int_equal(trail_find(known, found), 1);
    assert_int_equal(trail_find("55555555-5555-4555-8555-555555555555", found), 0);
    assert_int_equal(trail_find(OTHER, found), TRAIL_FOUND_MAX); /* of many the first */
}

/* --- what others answer --- */

static void what_another_part_tells_is_kept_as_far_as_it_is_known(void **state UNUSED)
{
    json_t *steps = json_array(), *kept;
    for (int i = 0; i < 20; i++)
        (void)json_array_append_new(steps, json_pack("{s:i, s:s, s:i, s:s}", "at_ms", i, "what", "answered", "status",
                                                     -1, "authorization", "secret"));
    kept = mp_report_of_trail(steps);
    assert_int_equal(json_array_size(kept), 16);
    assert_int_equal(json_opt_int(json_array_get(kept, 3), "at_ms", -1), 3);
    assert_null(json_object_get(json_array_get(kept, 0), "status"));
    assert_null(json_object_get(json_array_get(kept, 0), "authorization"));
    json_decref(kept);
    json_decref(steps);
}

static void a_verdict_has_known_members_and_a_few_lists(void **state UNUSED)
{
    json_t *lists = json_array();
    for (int i = 0; i < 9; i++)
        (void)json_array_append_new(lists, json_pack("{s:s, s:b, s:i}", "issuer", "CN=ca", "delta", 0, "x", 1));
    json_t *v = json_pack("{s:b, s:s, s:s, s:o}", "ok", 1, "reason", "ok", "remedy", "run this", "lists", lists);
    json_t *kept = mp_report_of_verdict(v);
    assert_true(json_is_true(json_object_get(kept, "ok")));
    assert_null(json_object_get(kept, "remedy")); /* commands are the site's own words alone */
    assert_int_equal(json_array_size(json_object_get(kept, "lists")), 8);
    assert_null(json_object_get(json_array_get(json_object_get(kept, "lists"), 0), "x"));
    json_decref(kept);
    json_decref(v);
}

static void a_clock_is_told_as_its_difference(void **state UNUSED)
{
    static const struct {
        const char *report;
        int64_t ahead;
        bool told;
    } cases[] = {{"{\"time\": 1100}", 100, true}, {"{\"time\": 900}", -100, true},
                 {"{\"time\": 1000}", 0, true},   {"{}", 0, false},
                 {"{\"time\": 0}", 0, false},     {"{\"time\": -5}", 0, false},
                 {"{\"time\": \"1\"}", 0, false}};
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        json_t *report = json_loads(cases[i].report, 0, NULL), *clean = json_object();
        assert_int_equal(mp_report_clock(report, 1000, clean), cases[i].ahead);
        if ((json_object_get(clean, "ahead_s") != NULL) != cases[i].told)
            fail_msg("%s", cases[i].report);
        assert_int_equal(json_opt_int(clean, "ahead_s", 0), cases[i].ahead);
        json_decref(report);
        json_decref(clean);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(what_is_known_of_a_request_is_answered_in_its_order),
        TEST(of_what_is_not_known_nothing_is_said),
        TEST(a_question_about_certificates_is_for_gateways_alone),
        TEST(each_question_is_looked_at_once),
        cmocka_unit_test(strangers_displace_strangers_alone),
        cmocka_unit_test(what_another_part_tells_is_kept_as_far_as_it_is_known),
        cmocka_unit_test(a_verdict_has_known_members_and_a_few_lists),
        cmocka_unit_test(a_clock_is_told_as_its_difference),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
