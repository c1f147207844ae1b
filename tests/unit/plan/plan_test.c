/* SPDX-License-Identifier: Apache-2.0 */
/* Plans of whole fleets: numbers that add up, who moves where, steps in order, and reports that nothing can break. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>

#include <cmocka.h>

#include "kit.h"
#include "plan/report.h"

static const struct plan_setup ehttp_internal = {
    .modes = PLAN_MODE(CHOICE_MP_EHTTP), .clients = 7, .server_cert = CHOICE_CERT_INTERNAL, .crl_check = true};

/* join certificate version crl scenario root sign-in allowed */
static struct plan_fleet *fleet(void)
{
    struct plan_fleet *f = plan_fleet_new();
    kit_add(f, "moves", "22211200");    /* pki → token */
    kit_add(f, "old", "22111200");      /* pki → cut off */
    kit_add(f, "rescued", "22221200");  /* crl in AD: cut off → token */
    kit_add(f, "user", "32112220");     /* pki → entra, user policy works */
    kit_add(f, "rootless", "12212100"); /* pki → cut off, has no user policy anyway */
    kit_add(f, "unsure", "01211200");   /* entra or token, by its join */
    kit_add(f, "loser", "42112120");    /* pki with user policy → cut off */
    return f;
}

static void numbers_add_up_and_moves_are_named(void **state)
{
    (void)state;
    struct plan_fleet *f = fleet();
    struct plan *p = plan_new(f, &kit_https, &ehttp_internal);
    size_t today = 0, proposed = 0, moved = 0;
    for (unsigned a = 0; a < PLAN_FATES; a++) {
        today += p->today.fates[a];
        proposed += p->proposed.fates[a];
        for (unsigned b = 0; b < PLAN_FATES; b++)
            moved += p->moves[a][b];
    }
    assert_true(today == 7 && proposed == 7 && moved == 7);
    assert_int_equal(p->today.fates[PLAN_PKI], 5);
    assert_int_equal(p->today.fates[PLAN_CUT_OFF], 1);
    assert_int_equal(p->proposed.fates[PLAN_TOKEN], 2);
    assert_int_equal(p->proposed.fates[PLAN_ENTRA], 1);
    assert_int_equal(p->newly_cut_off.count, 3);
    assert_int_equal(p->newly_cut_off.index[0], 1);
    assert_int_equal(p->rescued.count, 1);
    assert_int_equal(p->rescued.index[0], 2);
    assert_int_equal(p->lose_user.count, 1);
    assert_int_equal(p->lose_user.index[0], 6);
    assert_int_equal(p->moves[PLAN_PKI][PLAN_TOKEN], 1);
    assert_int_equal(p->unverified[PLAN_ALLOWED], 7);
    plan_free(p);
    plan_fleet_free(f);
}

static void steps_come_in_the_order_in_which_they_are_done(void **state)
{
    (void)state;
    struct plan_fleet *f = fleet();
    struct plan *p = plan_new(f, &kit_https, &ehttp_internal);
    static const char *const order[] = {"learn-unknown", "hand-out-root", "update-clients", "onboard-tenant",
                                        "prepare-ehttp", "first-tokens",  "change",         "prove"};
    for (size_t i = 0; i < ARRAY_LEN(order); i++) {
        if (kit_step(p, order[i]) == SIZE_MAX)
            fail_msg("no step %s", order[i]);
        if (i > 0)
            assert_true(kit_step(p, order[i]) > kit_step(p, order[i - 1]));
    }
    /* What stands already is not asked for again: nothing of pki is needed, the gateway has its certificate. */
    assert_int_equal(kit_step(p, "client-certificates"), SIZE_MAX);
    assert_int_equal(kit_step(p, "server-certificate"), SIZE_MAX);
    assert_int_equal(kit_step(p, "publish-crl"), SIZE_MAX);
    assert_int_equal(p->steps[kit_step(p, "hand-out-root")].devices.count, 2);
    assert_int_equal(p->step_count < PLAN_STEPS_MAX, 1);
    plan_free(p);
    plan_fleet_free(f);
}

static void without_a_proposal_the_steps_are_those_of_today(void **state)
{
    (void)state;
    struct plan_fleet *f = fleet();
    struct plan *p = plan_new(f, &kit_https, NULL);
    assert_int_equal(kit_step(p, "change"), SIZE_MAX);
    assert_int_not_equal(kit_step(p, "publish-crl"), SIZE_MAX);
    assert_int_not_equal(kit_step(p, "server-certificate"), SIZE_MAX);
    json_t *report = plan_report_json(p, NULL, "nowhere");
    assert_true(json_is_null(json_object_get(report, "proposed")) && json_is_null(json_object_get(report, "changes")));
    json_decref(report);
    plan_free(p);
    plan_fleet_free(f);
}

static char *page_of(const struct plan *p, const char *source)
{
    struct buf page;
    buf_init(&page, 1 << 20);
    json_t *report = plan_report_json(p, NULL, source);
    assert_int_equal(plan_report_html(report, &page), OK);
    json_decref(report);
    return buf_take_str(&page);
}

static void a_page_escapes_what_came_from_outside_and_loads_nothing(void **state)
{
    (void)state;
    struct plan_fleet *f = plan_fleet_new();
    kit_add(f, "<script>alert(1)</script>", "11111000");
    kit_add(f, "\"onload='x'&`\x01\xff\xfe", "11111000");
    struct plan *p = plan_new(f, &kit_https, &ehttp_internal);
    char *page = page_of(p, "</title><img src=x>");
    assert_null(strstr(page, "<script"));
    assert_null(strstr(page, "<img"));
    assert_null(strstr(page, "\"onload"));
    assert_null(strchr(page, '\x01'));
    assert_null(strchr(page, '\xff'));
    assert_null(strstr(page, "http://"));
    assert_null(strstr(page, "https://"));
    assert_non_null(strstr(page, "&lt;script&gt;alert(1)&lt;/script&gt;"));
    assert_non_null(strstr(page, "<svg") != NULL ? page : NULL);
    assert_non_null(strstr(page, "default-src 'none'"));
    free(page);
    plan_free(p);
    plan_fleet_free(f);
}

static void no_fleet_and_no_device_make_a_report_too(void **state)
{
    (void)state;
    struct plan_fleet *f = plan_fleet_new();
    struct plan *p = plan_new(f, &kit_https, &ehttp_internal);
    char *page = page_of(p, "empty");
    assert_non_null(strstr(page, "0 devices"));
    assert_null(strstr(page, "nan"));
    free(page);
    plan_free(p);
    plan_fleet_free(f);
}

static void a_list_is_safe_for_spreadsheets(void **state)
{
    (void)state;
    static const char *const names[] = {"=1+1", "+1", "-1", "@x", "a\"b", "plain", "a,b"};
    static const char *const cells[] = {"\"'=1+1\",",  "\"'+1\",",   "\"'-1\",", "\"'@x\",",
                                        "\"a\"\"b\",", "\"plain\",", "\"a,b\","};
    struct plan_fleet *f = plan_fleet_new();
    for (size_t i = 0; i < ARRAY_LEN(names); i++)
        kit_add(f, names[i], "11111000");
    struct plan *p = plan_new(f, &kit_https, &ehttp_internal);
    for (size_t i = 0; i < ARRAY_LEN(names); i++) {
        struct buf line;
        buf_init(&line, 1024);
        assert_int_equal(plan_report_line(p, i, &line), OK);
        char *text = buf_take_str(&line);
        assert_true(slice_starts(slice_of(text), slice_of(cells[i])));
        assert_non_null(strstr(text, ",cut off,"));
        assert_non_null(strstr(text, ",cut off,ehttp-old-client\r\n"));
        free(text);
    }
    plan_free(p);
    plan_fleet_free(f);
}

static void every_device_is_told_by_itself_as_json(void **state)
{
    (void)state;
    struct plan_fleet *f = fleet();
    kit_add(f, "a\"b\\c\n\xff", "11111000");
    struct plan *p = plan_new(f, &kit_https, &ehttp_internal);
    for (size_t i = 0; i < plan_fleet_count(f); i++) {
        struct buf out;
        json_t *device = NULL;
        buf_init(&out, 4096);
        assert_int_equal(plan_report_device(p, i, &out), OK);
        assert_int_equal(json_parse(buf_data(&out), 4096, &device, NULL), OK);
        assert_non_null(json_object_get(json_object_get(device, "proposed"), "method"));
        if (i == 1)
            assert_string_equal(json_opt_str(json_object_get(device, "proposed"), "method", ""), "cut off");
        if (i == 7)
            assert_string_equal(json_opt_str(device, "name", ""), "a\"b\\c\n?");
        json_decref(device);
        buf_free(&out);
    }
    plan_free(p);
    plan_fleet_free(f);
}

static void many_causes_are_grouped_and_examples_are_few(void **state)
{
    (void)state;
    struct plan_fleet *f = plan_fleet_new();
    for (int i = 0; i < 1000; i++)
        kit_add(f, i % 10 == 0 ? "a" : "b", i % 10 == 0 ? "11111000" : "12222000");
    struct plan *p = plan_new(f, &kit_https, NULL);
    assert_int_equal(p->today.cut_off.count, 2);
    assert_int_equal(p->today.cut_off.items[0].devices.count, 900);
    assert_int_equal(p->today.cut_off.items[0].against, plan_condition_bit("crl-unreachable"));
    json_t *report = plan_report_json(p, NULL, "x");
    json_t *group = json_array_get(json_object_get(json_object_get(report, "today"), "cut_off_groups"), 0);
    assert_int_equal(json_array_size(json_object_get(group, "examples")), PLAN_EXAMPLES);
    assert_int_equal(json_opt_int(json_object_get(report, "inventory"), "repeated_names", 0), 998);
    json_decref(report);
    plan_free(p);
    plan_fleet_free(f);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(numbers_add_up_and_moves_are_named),
        cmocka_unit_test(steps_come_in_the_order_in_which_they_are_done),
        cmocka_unit_test(without_a_proposal_the_steps_are_those_of_today),
        cmocka_unit_test(a_page_escapes_what_came_from_outside_and_loads_nothing),
        cmocka_unit_test(no_fleet_and_no_device_make_a_report_too),
        cmocka_unit_test(a_list_is_safe_for_spreadsheets),
        cmocka_unit_test(every_device_is_told_by_itself_as_json),
        cmocka_unit_test(many_causes_are_grouped_and_examples_are_few),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
