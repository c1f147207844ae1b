/* SPDX-License-Identifier: Apache-2.0 */
/* The step engine: one cause, told once, and its consequences named by it. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "analyze/analyze.h"

static int calls;

static void good(void *arg, struct analyze_result *r)
{
    (void)arg;
    calls++;
    analyze_found(r, "it is %s", "there");
}

static void bad(void *arg, struct analyze_result *r)
{
    (void)arg;
    calls++;
    analyze_fail(r, ANALYZE_CAUSE_REFUSED, "%s", "gw:443");
}

static void skips(void *arg, struct analyze_result *r)
{
    (void)arg;
    calls++;
    analyze_skip(r, "not needed");
}

static const struct analyze_result *run(struct analyze_report *report, const char *id, const char *needs,
                                        analyze_fn *fn)
{
    struct analyze_step step = {id, id, needs, fn};
    return analyze_step_run(report, &step, NULL, NULL);
}

static void a_step_runs_when_what_it_needs_is_ok(void **state)
{
    struct analyze_report report = {0};
    (void)state;
    calls = 0;
    assert_int_equal(run(&report, "a", NULL, good)->outcome, ANALYZE_OK);
    const struct analyze_result *b = run(&report, "b", "a", good);
    assert_int_equal(b->outcome, ANALYZE_OK);
    assert_string_equal(b->found, "it is there");
    assert_int_equal(calls, 2);
    assert_null(analyze_report_fault(&report));
    analyze_report_free(&report);
}

static void consequences_name_the_first_cause(void **state)
{
    struct analyze_report report = {0};
    (void)state;
    calls = 0;
    (void)run(&report, "a", NULL, bad);
    (void)run(&report, "b", "a", good);
    const struct analyze_result *c = run(&report, "c", "b", good);
    assert_int_equal(c->outcome, ANALYZE_SKIPPED);
    assert_string_equal(c->needs, "a");
    assert_string_equal(c->cause, "");
    assert_non_null(strstr(c->found, "'a', which failed"));
    assert_int_equal(calls, 1);
    assert_string_equal(analyze_report_fault(&report)->id, "a");
    assert_string_equal(analyze_report_fault(&report)->cause, "connection_refused");
    analyze_report_free(&report);
}

static void what_was_skipped_for_its_own_reason_is_named_as_such(void **state)
{
    struct analyze_report report = {0};
    (void)state;
    (void)run(&report, "a", NULL, skips);
    const struct analyze_result *b = run(&report, "b", "a", good);
    assert_int_equal(b->outcome, ANALYZE_SKIPPED);
    assert_non_null(strstr(b->found, "'a', which was skipped"));
    assert_null(analyze_report_fault(&report));
    analyze_report_free(&report);
}

static void a_need_that_never_ran_holds_up(void **state)
{
    struct analyze_report report = {0};
    (void)state;
    assert_int_equal(run(&report, "a", "nowhere", good)->outcome, ANALYZE_SKIPPED);
    analyze_report_free(&report);
}

static void many_steps_keep_their_results(void **state)
{
    struct analyze_report report = {0};
    char id[16];
    (void)state;
    for (int i = 0; i < 200; i++) {
        (void)snprintf(id, sizeof id, "s%d", i);
        (void)run(&report, id, NULL, i == 150 ? bad : good);
    }
    assert_int_equal(report.count, 200);
    assert_string_equal(analyze_report_fault(&report)->id, "s150");
    assert_non_null(analyze_report_find(&report, "s199"));
    assert_null(analyze_report_find(&report, "s200"));
    analyze_report_free(&report);
}

static void long_words_are_cut_not_overrun(void **state)
{
    struct analyze_result r = {.outcome = ANALYZE_OK};
    char text[4000];
    (void)state;
    memset(text, 'x', sizeof text - 1);
    text[sizeof text - 1] = '\0';
    analyze_fail(&r, ANALYZE_CAUSE_MP_ERROR, "%s", text);
    assert_int_equal(strlen(r.found), sizeof r.found - 1);
    assert_string_equal(r.cause, "mp_error");
    analyze_fail_as(&r, text, text, text);
    assert_int_equal(strlen(r.cause), sizeof r.cause - 1);
}

static void every_cause_has_an_id_of_its_own_words_and_a_remedy(void **state)
{
    (void)state;
    for (enum analyze_cause i = ANALYZE_CAUSE_NONE + 1; i < ANALYZE_CAUSE_COUNT; i++) {
        const struct analyze_cause_info *a = analyze_cause_info(i);
        assert_true(*a->id && *a->text && (*a->remedy || i == ANALYZE_CAUSE_STOPPED));
        for (enum analyze_cause k = ANALYZE_CAUSE_NONE; k < i; k++)
            assert_string_not_equal(a->id, analyze_cause_info(k)->id);
    }
}

static void gateways_are_named_in_every_usual_form(void **state)
{
    static const struct {
        const char *text, *host, *role;
        unsigned port;
    } good_names[] = {{"gw.example.com", "gw.example.com", "", 443},
                      {"gw.example.com:8443", "gw.example.com", "", 8443},
                      {"https://gw.example.com:8443/", "gw.example.com", "", 8443},
                      {"https://gw/CCM_Proxy_MutualAuth/7205", "gw", "7205", 443},
                      {"gw/ccm_proxy_mutualauth/7205", "gw", "7205", 443},
                      {"[::1]:444", "::1", "", 444},
                      {"127.0.0.1", "127.0.0.1", "", 443}};
    static const char *const bad_names[] = {"",
                                            "http://gw",
                                            "ftp://gw",
                                            "gw:0",
                                            "gw:99999",
                                            "gw/other",
                                            "user@gw",
                                            "gw/CCM_Proxy_MutualAuth/",
                                            "gw/CCM_Proxy_MutualAuth/a b",
                                            "gw?x"};
    struct analyze_gateway g;
    struct error err;
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(good_names); i++) {
        assert_int_equal(analyze_gateway_parse(slice_of(good_names[i].text), &g, &err), OK);
        assert_string_equal(g.host, good_names[i].host);
        assert_string_equal(g.role, good_names[i].role);
        assert_int_equal(g.port, good_names[i].port);
    }
    for (size_t i = 0; i < ARRAY_LEN(bad_names); i++)
        if (analyze_gateway_parse(slice_of(bad_names[i]), &g, &err) == OK)
            fail_msg("'%s' was taken", bad_names[i]);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_step_runs_when_what_it_needs_is_ok),
        cmocka_unit_test(consequences_name_the_first_cause),
        cmocka_unit_test(what_was_skipped_for_its_own_reason_is_named_as_such),
        cmocka_unit_test(a_need_that_never_ran_holds_up),
        cmocka_unit_test(many_steps_keep_their_results),
        cmocka_unit_test(long_words_are_cut_not_overrun),
        cmocka_unit_test(every_cause_has_an_id_of_its_own_words_and_a_remedy),
        cmocka_unit_test(gateways_are_named_in_every_usual_form),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
