/* SPDX-License-Identifier: Apache-2.0 */
/* What a report says: each number where it belongs, in JSON, on the page and in the list; and what is full is told. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#include "kit.h"
#include "plan/report.h"

static const json_t *at(const json_t *o, const char *path)
{
    struct slice rest = slice_of(path);
    while (rest.len > 0) {
        char name[40];
        assert_true(slice_to_cstr(slice_cut(&rest, '.'), name, sizeof name));
        o = json_is_array(o) ? json_array_get(o, strtoul(name, NULL, 10)) : json_object_get(o, name);
    }
    return o;
}

static int64_t number(const json_t *o, const char *path)
{
    const json_t *v = at(o, path);
    if (!json_is_integer(v))
        fail_msg("%s is no number", path);
    return json_integer_value(v);
}

static void expect_text(const json_t *o, const char *path, const char *wanted)
{
    const json_t *v = at(o, path);
    if (!json_is_string(v) || strcmp(json_string_value(v), wanted) != 0)
        fail_msg("%s is '%s'", path, json_is_string(v) ? json_string_value(v) : "no text");
}

static char *page_of(const json_t *report)
{
    struct buf page;
    buf_init(&page, 1 << 20);
    assert_int_equal(plan_report_html(report, &page), OK);
    return buf_take_str(&page);
}

/* pki stays; pki → cut off; cut off → token; entra gains nothing; unknown. */
static struct plan_fleet *make_fleet(void)
{
    struct plan_fleet *f = plan_fleet_new();
    kit_add(f, "certificate", "22211222");
    kit_add(f, "old", "22111222");
    kit_add(f, "rescued", "22221222");
    kit_add(f, "joined", "41211222");
    kit_add(f, "unsure", "01211");
    return f;
}

static void every_number_of_a_plan_stands_in_its_place(void **state)
{
    (void)state;
    struct plan_fleet *f = make_fleet();
    struct plan *p = plan_new(f, &kit_https, &kit_ehttp);
    json_t *r = plan_report_json(p, NULL, "fleet.csv");
    expect_text(r, "inventory.source", "fleet.csv");
    assert_int_equal(number(r, "inventory.rows"), 5);
    assert_int_equal(number(r, "inventory.devices"), 5);
    assert_int_equal(number(r, "inventory.bad_rows"), 0);
    assert_int_equal(number(r, "today.methods.pki"), 2);
    assert_int_equal(number(r, "today.methods.entra"), 1);
    assert_int_equal(number(r, "today.methods.token"), 0);
    assert_int_equal(number(r, "today.cut_off"), 1);
    assert_int_equal(number(r, "today.unknown"), 1);
    assert_int_equal(number(r, "proposed.methods.token"), 2);
    assert_int_equal(number(r, "proposed.cut_off"), 1);
    assert_int_equal(number(r, "changes.cut_off.devices"), 1);
    expect_text(r, "changes.cut_off.examples.0", "old");
    assert_int_equal(number(r, "changes.rescued.devices"), 1);
    expect_text(r, "changes.rescued.examples.0", "rescued");
    assert_int_equal(number(r, "changes.unknown.devices"), 0); /* it was before */
    assert_int_equal(json_array_size(at(r, "changes.moves")), 5);
    expect_text(r, "changes.moves.0.from", "pki");
    expect_text(r, "changes.moves.0.to", "token");
    assert_int_equal(number(r, "changes.moves.0.devices"), 1);
    json_decref(r);
    plan_free(p);
    plan_fleet_free(f);
}

/* Each list of changes has who changes, and nobody else. */
static void who_stays_as_it_was_changes_in_no_list(void **state)
{
    (void)state;
    struct plan_fleet *f = plan_fleet_new();
    kit_add(f, "cut off before", "22121222");
    kit_add(f, "cut off, then unknown", "22021222");
    kit_add(f, "gains", "42222222"); /* its list is out of reach: no method, so no user policy */
    kit_add(f, "never had", "22112222");
    struct plan *p = plan_new(f, &kit_https, &kit_ehttp);
    assert_int_equal(p->newly_cut_off.count, 1);
    assert_int_equal(p->newly_cut_off.index[0], 3);
    assert_int_equal(p->rescued.count, 1);
    assert_int_equal(p->rescued.index[0], 2);
    assert_int_equal(p->newly_unknown.count, 1);
    assert_int_equal(p->newly_unknown.index[0], 1);
    assert_int_equal(p->gain_user.count, 1);
    assert_int_equal(p->gain_user.index[0], 2);
    assert_int_equal(p->lose_user.count, 0);
    assert_int_equal(p->today.user_none.count, 1); /* of those that work */
    assert_int_equal(p->today.user_none.items[0].devices.index[0], 3);
    assert_int_equal(p->today.users[PLAN_USER_NONE], 2);
    json_t *r = plan_report_json(p, NULL, "x");
    for (size_t i = 0; i < json_array_size(at(r, "steps")); i++)
        assert_int_equal(json_integer_value(json_object_get(json_array_get(at(r, "steps"), i), "order")), i + 1);
    json_decref(r);
    plan_free(p);
    plan_fleet_free(f);
}

static void a_set_up_tells_only_methods_that_its_modes_take(void **state)
{
    (void)state;
    struct plan_fleet *f = make_fleet();
    struct plan_setup both = {.modes = PLAN_MODE(CHOICE_MP_HTTPS) | PLAN_MODE(CHOICE_MP_EHTTP),
                              .clients = CHOICE_BIT(CHOICE_PKI) | CHOICE_BIT(CHOICE_TOKEN),
                              .server_cert = CHOICE_CERT_INTERNAL,
                              .crl_relay = true,
                              .connector_cert = CHOICE_YES};
    struct plan *p = plan_new(f, &kit_ehttp, &both);
    json_t *r = plan_report_json(p, NULL, "x");
    assert_int_equal(json_array_size(at(r, "today.setup.clients")), 2); /* Enhanced HTTP takes no pki */
    expect_text(r, "today.setup.clients.0", "entra");
    expect_text(r, "today.setup.server_cert", "public");
    expect_text(r, "today.setup.crl_check", "on");
    expect_text(r, "today.setup.crl_relay", "off");
    assert_int_equal(json_array_size(at(r, "proposed.setup.mp")), 2);
    expect_text(r, "proposed.setup.clients.0", "pki");
    expect_text(r, "proposed.setup.clients.1", "token");
    expect_text(r, "proposed.setup.server_cert", "internal");
    expect_text(r, "proposed.setup.crl_check", "off");
    expect_text(r, "proposed.setup.crl_relay", "on");
    expect_text(r, "proposed.setup.connector_cert", "yes");
    json_decref(r);
    plan_free(p);
    plan_fleet_free(f);
}

static void what_counts_as_good_unseen_is_counted_where_it_matters(void **state)
{
    (void)state;
    struct plan_setup internal = kit_https;
    struct plan_fleet *f = plan_fleet_new();
    internal.server_cert = CHOICE_CERT_INTERNAL;
    kit_add(f, "all unknown", "4221200");
    kit_add(f, "a device", "4221100");
    kit_add(f, "all known", "42212222");
    struct plan *p = plan_new(f, &internal, NULL);
    assert_int_equal(p->unverified[PLAN_ROOT], 2);
    assert_int_equal(p->unverified[PLAN_SIGN_IN], 1); /* of the one that wants user policy */
    assert_int_equal(p->unverified[PLAN_ALLOWED], 2);
    plan_free(p);
    p = plan_new(f, &internal, &kit_https); /* a public certificate asks for no root */
    json_t *r = plan_report_json(p, NULL, "x");
    assert_int_equal(json_array_size(at(r, "unverified")), 2);
    expect_text(r, "unverified.0.column", "user_sign_in");
    expect_text(r, "unverified.1.column", "cmg_allowed");
    json_decref(r);
    plan_free(p);
    plan_fleet_free(f);
}

/* Of all kinds that there can be: what finds no group of its own joins the last, and none is lost. */
static void every_device_is_in_one_group_however_many_causes_there_are(void **state)
{
    (void)state;
    static const unsigned radix[PLAN_INPUTS] = {5, 3, 3, 5, 3, 3, 3, 3};
    struct plan_fleet *f = plan_fleet_new();
    for (unsigned n = 0; n < 18225; n++) {
        char inputs[PLAN_INPUTS + 1] = "";
        for (unsigned in = 0, rest = n; in < PLAN_INPUTS; rest /= radix[in++])
            inputs[in] = (char)('0' + rest % radix[in]);
        kit_add(f, "x", inputs);
    }
    struct plan *p = plan_new(f, &kit_https, &kit_ehttp);
    const struct plan_side *sides[] = {&p->today, &p->proposed};
    for (size_t s = 0; s < ARRAY_LEN(sides); s++) {
        size_t cut_off = 0, unknown = 0, all = 0;
        for (size_t i = 0; i < sides[s]->cut_off.count; i++) {
            cut_off += sides[s]->cut_off.items[i].devices.count;
            assert_true(i == 0 ||
                        sides[s]->cut_off.items[i].devices.count <= sides[s]->cut_off.items[i - 1].devices.count);
        }
        for (size_t i = 0; i < sides[s]->unknown.count; i++)
            unknown += sides[s]->unknown.items[i].devices.count;
        for (size_t i = 0; i < PLAN_FATES; i++)
            all += sides[s]->fates[i];
        assert_true(sides[s]->unknown.count <= PLAN_GROUPS_MAX);
        assert_int_equal(cut_off, sides[s]->fates[PLAN_CUT_OFF]);
        assert_int_equal(unknown, sides[s]->fates[PLAN_UNKNOWN]);
        assert_int_equal(all, 18225);
    }
    plan_free(p);
    plan_fleet_free(f);
}

static void groups_of_the_same_size_come_in_the_fleets_order(void **state)
{
    (void)state;
    struct plan_fleet *f = plan_fleet_new();
    kit_add(f, "crl", "12222222");
    kit_add(f, "forbidden", "12212221");
    struct plan *p = plan_new(f, &kit_https, NULL);
    assert_int_equal(p->today.cut_off.count, 2);
    assert_int_equal(p->today.cut_off.items[0].devices.index[0], 0);
    assert_int_equal(p->today.cut_off.items[1].devices.index[0], 1);
    plan_free(p);
    plan_fleet_free(f);
}

static void an_unknown_group_says_on_what_it_depends_and_whether_it_works_anyhow(void **state)
{
    (void)state;
    struct plan_fleet *f = plan_fleet_new();
    kit_add(f, "either way", "01211");
    kit_add(f, "perhaps", "12201");
    struct plan *p = plan_new(f, &kit_https, NULL);
    json_t *r = plan_report_json(p, NULL, "x");
    expect_text(r, "today.unknown_groups.0.depends_on.0", "join");
    assert_true(json_is_true(at(r, "today.unknown_groups.0.works")));
    expect_text(r, "today.unknown_groups.1.depends_on.0", "crl");
    assert_true(json_is_false(at(r, "today.unknown_groups.1.works")));
    char *page = page_of(r);
    assert_non_null(strstr(page, "they work either way; by which method is unknown"));
    assert_non_null(strstr(page, "depends on: <b>crl</b>"));
    free(page);
    json_decref(r);
    plan_free(p);
    plan_fleet_free(f);
}

/* --- the page --- */

static json_t *page_facts(int64_t devices, const char *steps)
{
    json_t *r = json_pack("{s:{s:I, s:s}, s:{s:{s:I}, s:I}, s:o}", "inventory", "devices", (json_int_t)devices,
                          "source", "x", "today", "methods", "pki", (json_int_t)devices, "cut_off", (json_int_t)0,
                          "steps", json_loads(steps, 0, NULL));
    assert_non_null(r);
    return r;
}

static void a_page_counts_in_groups_of_three_digits_and_knows_one_device(void **state)
{
    (void)state;
    static const struct {
        int64_t devices;
        const char *words;
    } rows[] = {{0, "<p>0 devices from"},          {1, "<p>1 device from"},          {999, "<p>999 devices from"},
                {1000, "<p>1,000 devices from"},   {1001, "<p>1,001 devices from"},  {12345, "<p>12,345 devices from"},
                {1000000, "<p>1,000,000 devices"}, {5000099, "<p>5,000,099 devices"}};
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        json_t *r = page_facts(rows[i].devices, "[]");
        char *page = page_of(r);
        if (!strstr(page, rows[i].words))
            fail_msg("%s", rows[i].words);
        free(page);
        json_decref(r);
    }
}

static void examples_say_how_many_more_there_are_and_only_then(void **state)
{
    (void)state;
    json_t *r = page_facts(1, "[{\"title\": \"A\", \"devices\": 2, \"examples\": [\"x\", \"y\"]},"
                              " {\"title\": \"B\", \"devices\": 1003, \"examples\": [\"u\", \"v\", \"w\"]},"
                              " {\"title\": \"C\", \"devices\": 0, \"examples\": []}]");
    char *page = page_of(r);
    assert_non_null(strstr(page, "<b>A</b> (2 devices)<br><div class=\"names\">x, y</div>"));
    assert_non_null(strstr(page, "<b>B</b> (1,003 devices)<br><div class=\"names\">u, v, w and 1,000 more</div>"));
    assert_non_null(strstr(page, "<b>C</b><br></li>"));
    free(page);
    json_decref(r);
}

static void bars_end_where_the_next_one_begins(void **state)
{
    (void)state;
    struct plan_fleet *f = plan_fleet_new();
    kit_add(f, "a", "22211222");
    kit_add(f, "b", "22211222");
    kit_add(f, "c", "41211222");
    kit_add(f, "d", "11111222");
    struct plan *p = plan_new(f, &kit_https, NULL);
    json_t *r = plan_report_json(p, NULL, "x");
    char *page = page_of(r);
    assert_non_null(strstr(page, "class=\"pki\" x=\"0.0\" y=\"0\" width=\"500.0\""));
    assert_non_null(strstr(page, "class=\"entra\" x=\"500.0\" y=\"0\" width=\"250.0\""));
    assert_non_null(strstr(page, "class=\"cut\" x=\"750.0\" y=\"0\" width=\"250.0\""));
    assert_null(strstr(page, "class=\"token\" x="));
    assert_null(strstr(page, "Proposed"));
    free(page);
    json_decref(r);
    plan_free(p);
    plan_fleet_free(f);
}

static enum result give(void *user, char *to, size_t max, size_t *ret_len, struct error *err UNUSED)
{
    struct slice *text = user;
    *ret_len = text->len < max ? text->len : max;
    memcpy(to, text->ptr, *ret_len);
    *text = slice_skip(*text, *ret_len);
    return OK;
}

static void bad_rows_are_told_with_line_column_and_value(void **state)
{
    (void)state;
    struct slice text = SLICE("Report\nname,join,certificate,version,crl,scenario,<site>\nA,x<y,,,,,\nB,,,,,,\n");
    struct inventory i;
    assert_int_equal(inventory_read(&i, give, &text, NULL), OK);
    struct plan *p = plan_new(i.fleet, &kit_https, NULL);
    json_t *r = plan_report_json(p, &i, "x");
    assert_int_equal(number(r, "inventory.rows"), 2);
    assert_int_equal(number(r, "inventory.devices"), 1);
    assert_int_equal(number(r, "inventory.bad_rows"), 1);
    assert_int_equal(number(r, "inventory.headings"), 1);
    assert_int_equal(number(r, "inventory.faults.0.line"), 3);
    assert_int_equal(number(r, "inventory.faults.0.column"), 3);
    expect_text(r, "inventory.faults.0.field", "join");
    expect_text(r, "inventory.faults.0.value", "x<y");
    expect_text(r, "inventory.ignored_columns.0", "<site>");
    assert_true(json_is_false(at(r, "inventory.faults_left_off")));
    char *page = page_of(r);
    assert_non_null(strstr(page, "1 row could not be read"));
    assert_non_null(strstr(page, "<td class=\"n\">3</td><td class=\"n\">3</td><td>&#39;x&lt;y&#39; is no join"));
    assert_null(strstr(page, "Only the first"));
    free(page);
    json_decref(r);
    plan_free(p);
    inventory_end(&i);
}

static void a_buffer_that_is_full_is_told_wherever_it_ends(void **state)
{
    (void)state;
    struct plan_fleet *f = plan_fleet_new();
    kit_add(f, "na\"me", "12222222");
    struct plan *p = plan_new(f, &kit_https, &kit_ehttp);
    enum result (*const write[])(const struct plan *, size_t, struct buf *) = {plan_report_line, plan_report_device};
    for (size_t w = 0; w < ARRAY_LEN(write); w++) {
        struct buf whole;
        buf_init(&whole, 4096);
        assert_int_equal(write[w](p, 0, &whole), OK);
        for (size_t max = 0; max < buf_len(&whole); max++) {
            struct buf out;
            buf_init(&out, max);
            assert_int_equal(write[w](p, 0, &out), R_LIMIT);
            buf_free(&out);
        }
        buf_free(&whole);
    }
    json_t *r = plan_report_json(p, NULL, "x");
    struct buf page;
    buf_init(&page, 2000);
    assert_int_equal(plan_report_html(r, &page), R_LIMIT);
    buf_free(&page);
    json_decref(r);
    plan_free(p);
    plan_fleet_free(f);
}

static void a_list_without_a_proposal_leaves_its_cells_empty(void **state)
{
    (void)state;
    struct plan_fleet *f = plan_fleet_new();
    kit_add(f, "a", "12222222");
    kit_add(f, "", "22211222");
    struct plan *p = plan_new(f, &kit_https, NULL);
    struct buf out;
    buf_init(&out, 4096);
    assert_int_equal(plan_report_line(p, 0, &out), OK);
    assert_int_equal(plan_report_line(p, 1, &out), OK);
    assert_int_equal(plan_report_device(p, 1, &out), OK);
    char *text = buf_take_str(&out);
    assert_string_equal(text, "\"a\",cut off,crl-unreachable,,\r\n\"\",pki,,,\r\n"
                              "{\"name\":\"\",\"today\":{\"method\":\"pki\",\"reasons\":[]}}");
    free(text);
    plan_free(p);
    plan_fleet_free(f);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_number_of_a_plan_stands_in_its_place),
        cmocka_unit_test(who_stays_as_it_was_changes_in_no_list),
        cmocka_unit_test(a_set_up_tells_only_methods_that_its_modes_take),
        cmocka_unit_test(what_counts_as_good_unseen_is_counted_where_it_matters),
        cmocka_unit_test(every_device_is_in_one_group_however_many_causes_there_are),
        cmocka_unit_test(groups_of_the_same_size_come_in_the_fleets_order),
        cmocka_unit_test(an_unknown_group_says_on_what_it_depends_and_whether_it_works_anyhow),
        cmocka_unit_test(a_page_counts_in_groups_of_three_digits_and_knows_one_device),
        cmocka_unit_test(examples_say_how_many_more_there_are_and_only_then),
        cmocka_unit_test(bars_end_where_the_next_one_begins),
        cmocka_unit_test(bad_rows_are_told_with_line_column_and_value),
        cmocka_unit_test(a_buffer_that_is_full_is_told_wherever_it_ends),
        cmocka_unit_test(a_list_without_a_proposal_leaves_its_cells_empty),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
