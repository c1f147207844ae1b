/* SPDX-License-Identifier: Apache-2.0 */
/* cmg plan: what its options make of today's set-up and the proposed one, where the fleet comes from, and what is
 * written where. Who is cut off and why is tests/unit/plan's. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include <stdlib.h>

#include "base/host/file.h"
#include "base/mem.h"
#include "fake_mp.h"

#define HEADER "name,join,certificate,version,crl,scenario\n"

static struct fake_mp mp;
static struct ran ran;
static json_t *report; /* of the last plan as JSON */

static void write_file(const char *name, const char *text)
{
    char *path = file_join(mp.dir, name);
    assert_int_equal(file_write(path, slice_of(text), 0644, NULL), OK);
    free(path);
}

static char *read_text(const char *name)
{
    char *path = file_join(mp.dir, name), *text;
    size_t len;
    assert_int_equal(file_read(path, 1 << 20, &text, &len, NULL), OK);
    free(path);
    return text;
}

static int start(void **state UNUSED)
{
    fake_mp_start(&mp);
    write_file("fleet.csv", HEADER "with-pki,domain,pki,2006,internet,device\n"
                                   "joined,entra,none,2006,internet,device\n"
                                   "bare,none,none,2006,internet,device\n"
                                   "=old,none,none,1906,internet,device\n");
    write_file("bad.csv", HEADER "a,domain,pki,2006,internet,device\nb,forest,pki,2006,internet,device\n");
    return 0;
}

static int stop(void **state UNUSED)
{
    json_decref(report);
    report = NULL;
    fake_mp_stop(&mp);
    return 0;
}

/* `cmg plan` with the words of a line. */
static int plan(const char *line)
{
    const char *words[32] = {"plan"};
    char *copy = mem_strdup(line), *rest = copy, *word;
    size_t n = 1;
    while ((word = strsep(&rest, " ")) && n < 31)
        words[n++] = word;
    words[n] = NULL;
    mp.request[0] = '\0';
    run_cmg(&ran, &mp, words);
    free(copy);
    return ran.code;
}

/* The same of the fleet in the file, as JSON. */
static void plan_fleet(const char *options)
{
    char line[512];
    (void)snprintf(line, sizeof line, "--inventory {dir}/fleet.csv --json%s%s", *options ? " " : "", options);
    if (plan(line) != CTL_DONE)
        fail_msg("cmg plan %s: %s", line, ran.err);
    json_decref(report);
    report = json_loads(ran.out, 0, NULL);
    assert_non_null(report);
}

static const json_t *setup_of(const char *side)
{
    return json_object_get(json_object_get(report, side), "setup");
}

static void assert_setup(const char *side, const char *text)
{
    json_t *wanted = json_loads(text, 0, NULL);
    if (!json_equal(setup_of(side), wanted))
        fail_msg("%s is %s", side, json_dumps(setup_of(side), JSON_COMPACT));
    json_decref(wanted);
}

/* --- the set-ups --- */

static void a_site_that_nothing_is_said_of_is_https_and_public_with_revocation_checked(void **state UNUSED)
{
    plan_fleet("");
    assert_setup("today", "{\"mp\":[\"https\"],\"clients\":[\"pki\",\"entra\",\"token\"],\"server_cert\":\"public\","
                          "\"crl_check\":\"on\",\"crl_relay\":\"off\",\"connector_cert\":\"unknown\"}");
    assert_true(json_is_null(json_object_get(report, "proposed")));
    assert_true(json_is_null(json_object_get(report, "changes")));
}

static void each_option_is_a_part_of_todays_set_up(void **state UNUSED)
{
    static const struct {
        const char *option, *member, *value;
    } cases[] = {{"--mp ehttp", "mp", "[\"ehttp\"]"},
                 {"--mp both", "mp", "[\"https\",\"ehttp\"]"},
                 {"--server-cert internal", "server_cert", "\"internal\""},
                 {"--crl-check off", "crl_check", "\"off\""},
                 {"--crl-check on", "crl_check", "\"on\""},
                 {"--crl-relay on", "crl_relay", "\"on\""},
                 {"--connector-cert yes", "connector_cert", "\"yes\""},
                 {"--connector-cert no", "connector_cert", "\"no\""}};
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        plan_fleet(cases[i].option);
        json_t *wanted = json_loads(cases[i].value, JSON_DECODE_ANY, NULL);
        if (!json_equal(json_object_get(setup_of("today"), cases[i].member), wanted))
            fail_msg("%s: %s", cases[i].option, ran.out);
        json_decref(wanted);
    }
}

static void methods_are_a_list_of_those_that_a_mode_can_take(void **state UNUSED)
{
    plan_fleet("--mp ehttp --clients entra,token");
    json_t *wanted = json_loads("[\"entra\",\"token\"]", 0, NULL);
    assert_true(json_equal(json_object_get(setup_of("today"), "clients"), wanted));
    json_decref(wanted);
    wanted = json_loads("[\"token\"]", 0, NULL);
    plan_fleet("--mp ehttp --clients token");
    assert_true(json_equal(json_object_get(setup_of("today"), "clients"), wanted));
    json_decref(wanted);
}

static void what_is_not_proposed_stays_as_it_is_today(void **state UNUSED)
{
    plan_fleet("--server-cert internal --crl-relay on --to-mp ehttp --to-clients token");
    assert_setup("proposed",
                 "{\"mp\":[\"ehttp\"],\"clients\":[\"token\"],\"server_cert\":\"internal\",\"crl_check\":\"on\","
                 "\"crl_relay\":\"on\",\"connector_cert\":\"unknown\"}");
    assert_true(json_is_object(json_object_get(report, "changes")));
}

static void any_one_thing_proposed_is_a_proposal(void **state UNUSED)
{
    static const char *const options[] = {"--to-mp https",     "--to-clients pki",  "--to-server-cert public",
                                          "--to-crl-check on", "--to-crl-relay on", "--to-connector-cert yes"};
    for (size_t i = 0; i < ARRAY_LEN(options); i++) {
        plan_fleet(options[i]);
        if (!json_is_object(json_object_get(report, "proposed")))
            fail_msg("%s is none", options[i]);
    }
}

static void an_assumption_counts_for_devices_of_which_it_is_unknown(void **state UNUSED)
{
    static const char *const lines[] = {"--inventory {dir}/dark.csv --json",
                                        "--inventory {dir}/dark.csv --json --assume CERTIFICATE=none"};
    static const int unknown[] = {1, 0};
    write_file("dark.csv", HEADER "a,domain,?,2006,internet,device\n");
    for (size_t i = 0; i < ARRAY_LEN(lines); i++) {
        assert_int_equal(plan(lines[i]), CTL_DONE);
        json_t *o = json_loads(ran.out, 0, NULL);
        assert_int_equal(json_opt_int(json_object_get(o, "today"), "unknown", -1), unknown[i]);
        json_decref(o);
    }
}

/* Nothing is asked of the site, and nothing is written. */
static void what_makes_no_plan_is_wrong_usage(void **state UNUSED)
{
    static const struct {
        const char *line, *told;
    } cases[] = {
        {"--json", "give either --inventory FILE or --devices"},
        {"--devices --inventory {dir}/fleet.csv", "give either --inventory FILE or --devices"},
        {"--devices --assume crl", "'crl' is not COLUMN=VALUE"},
        {"--devices --assume colour=red", "'colour=red' is not COLUMN=VALUE"},
        {"--devices --assume join=forest", "expected none (workgroup), domain"},
        {"--inventory {dir}/fleet.csv --clients pki,smoke", "--clients: 'smoke' is none of pki, entra, token"},
        {"--inventory {dir}/fleet.csv --to-clients smoke", "--to-clients: 'smoke' is none of"},
        {"--inventory {dir}/fleet.csv --mp http", "--mp"},
    };
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        if (plan(cases[i].line) != CTL_USAGE || !strstr(ran.err, cases[i].told) || *ran.out || mp.request[0])
            fail_msg("cmg plan %s: exit %d, %s%s", cases[i].line, ran.code, ran.out, ran.err);
    }
}

/* --- the inventory --- */

static void rows_that_cannot_be_read_are_told_and_end_with_1(void **state UNUSED)
{
    assert_int_equal(plan("--inventory {dir}/bad.csv"), CTL_FAILED);
    assert_non_null(strstr(ran.out, "1 device from "));
    assert_non_null(strstr(ran.out, "1 bad row, in none of the numbers"));
    assert_non_null(strstr(ran.out, "  line 3, column 3: "));
}

static void an_inventory_that_is_not_there_or_none_is_a_failure_with_its_header_told(void **state UNUSED)
{
    static const char *const lines[] = {"--inventory {dir}/none.csv", "--inventory {dir}/empty.csv"};
    write_file("empty.csv", "just,words\n1,2\n");
    for (size_t i = 0; i < ARRAY_LEN(lines); i++) {
        assert_int_equal(plan(lines[i]), CTL_FAILED);
        assert_non_null(strstr(ran.err, "name,join,certificate,version,crl,scenario"));
        assert_string_equal(ran.out, "");
    }
}

/* --- the site's own --- */

#define SITE                                                                                                           \
    "{\"management_points\":[{\"mode\":\"ehttp\",\"clients\":[\"token\",7]},{\"mode\":\"soon\"}],"                     \
    "\"settings\":{\"crl_check\":\"no\"},"                                                                             \
    "\"connectors\":[{\"id\":\"a\"},{\"id\":\"b\",\"certificate\":{}}],"                                               \
    "\"sources\":[{\"kind\":\"crl\",\"via\":\"internet\"},{\"kind\":\"oidc\",\"via\":\"connector\"}%s],"               \
    "\"devices\":[{\"name\":\"p\",\"method\":\"pki\"},{\"name\":\"t\",\"method\":\"token\"},"                          \
    "{\"name\":\"o\",\"client_version\":1906},{\"name\":\"e\",\"entra_device\":\"x\",\"client_version\":2006},"        \
    "{\"name\":\"w\",\"method\":\"smoke\"}]}"

static void plan_site(const char *more_sources, const char *options)
{
    char body[2048], line[256];
    (void)snprintf(body, sizeof body, SITE, more_sources);
    (void)snprintf(line, sizeof line, "--devices --json%s", options);
    fake_mp_set(&mp, fake_mp_answer(200, body));
    if (plan(line) != CTL_DONE)
        fail_msg("%s", ran.err);
    json_decref(report);
    report = json_loads(ran.out, 0, NULL);
}

static void the_set_up_of_a_site_is_what_the_site_tells_of_itself(void **state UNUSED)
{
    plan_site(",{\"kind\":\"crl\",\"via\":\"connector\"}", "");
    assert_setup("today",
                 "{\"mp\":[\"ehttp\"],\"clients\":[\"token\"],\"server_cert\":\"public\",\"crl_check\":\"off\","
                 "\"crl_relay\":\"on\",\"connector_cert\":\"yes\"}");
}

static void a_list_is_relayed_only_when_a_connector_fetches_it(void **state UNUSED)
{
    plan_site("", "");
    assert_string_equal(json_opt_str(setup_of("today"), "crl_relay", ""), "off");
}

static void an_option_stands_above_what_the_site_tells(void **state UNUSED)
{
    plan_site("", " --crl-check on --connector-cert no");
    assert_string_equal(json_opt_str(setup_of("today"), "crl_check", ""), "on");
    assert_string_equal(json_opt_str(setup_of("today"), "connector_cert", ""), "no");
}

/* Their method of registration says what they have; who tells nothing is unknown. */
static void devices_of_a_site_are_known_by_what_they_registered_with(void **state UNUSED)
{
    static const struct {
        const char *name, *method;
    } cases[] = {{"p", "unknown"}, {"t", "token"}, {"o", "cut off"}, {"e", "token"}, {"w", "unknown"}};
    plan_site("", "");
    const json_t *devices = json_object_get(report, "devices");
    assert_int_equal(json_array_size(devices), ARRAY_LEN(cases));
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        const json_t *d = json_array_get(devices, i);
        assert_string_equal(json_opt_str(d, "name", ""), cases[i].name);
        const char *method = json_opt_str(json_object_get(d, "today"), "method", "");
        if (strcmp(method, cases[i].method) != 0)
            fail_msg("%s: %s", cases[i].name, method);
    }
}

static void a_site_that_does_not_answer_makes_no_plan(void **state UNUSED)
{
    fake_mp_set(&mp, fake_mp_answer(500, "{\"title\":\"the store is locked\"}"));
    assert_int_equal(plan("--devices"), CTL_FAILED);
    assert_string_equal(ran.out, "");
}

/* --- what comes out --- */

static void a_list_has_one_line_a_device_and_no_name_is_a_formula(void **state UNUSED)
{
    assert_int_equal(plan("--inventory {dir}/fleet.csv --to-clients pki --list {dir}/list.csv"), CTL_DONE);
    char *text = read_text("list.csv");
    size_t lines = 0;
    for (const char *at = text; (at = strchr(at, '\n')) != NULL; at++)
        lines++;
    assert_int_equal(lines, 1 + 4);
    assert_true(slice_starts(slice_of(text), SLICE("name,today,today_reasons,proposed,proposed_reasons\r\n")));
    assert_non_null(strstr(text, "\r\n\"bare\",token,,cut off,client-certificate\r\n"));
    assert_non_null(strstr(text, "'=old"));
    free(text);
}

static void a_page_is_written_beside_the_text(void **state UNUSED)
{
    assert_int_equal(plan("--inventory {dir}/fleet.csv --html {dir}/plan.html"), CTL_DONE);
    char *text = read_text("plan.html");
    assert_non_null(strstr(text, "<html"));
    assert_null(strstr(text, "<script"));
    free(text);
    assert_true(slice_starts(slice_of(ran.out), SLICE("4 devices from ")));
}

static void a_place_that_cannot_be_written_is_named(void **state UNUSED)
{
    static const char *const lines[] = {"--inventory {dir}/fleet.csv --html {dir}/no/plan.html",
                                        "--inventory {dir}/fleet.csv --list {dir}/no/list.csv"};
    for (size_t i = 0; i < ARRAY_LEN(lines); i++) {
        assert_int_equal(plan(lines[i]), CTL_FAILED);
        assert_non_null(strstr(ran.err, "/no/"));
        assert_string_equal(ran.out, "");
    }
}

static void people_read_both_sides_what_changes_and_what_to_do(void **state UNUSED)
{
    assert_int_equal(plan("--inventory {dir}/fleet.csv --mp ehttp --to-mp https --to-clients pki"), CTL_DONE);
    assert_non_null(strstr(ran.out, "TODAY                PROPOSED"));
    assert_non_null(strstr(ran.out, "  management points          ehttp                https"));
    assert_non_null(strstr(ran.out, "\nWhat changes\n"));
    assert_non_null(strstr(ran.out, "  2 devices would be cut off\n    joined, bare\n"));
    assert_non_null(strstr(ran.out, "\nCut off as proposed\n"));
    assert_non_null(strstr(ran.out, "\nWhat to do, in order\n  1. "));
}

static void without_a_proposal_people_read_of_today_alone(void **state UNUSED)
{
    assert_int_equal(plan("--inventory {dir}/fleet.csv"), CTL_DONE);
    assert_null(strstr(ran.out, "PROPOSED"));
    assert_null(strstr(ran.out, "What changes"));
    assert_non_null(strstr(ran.out, "\nCut off\n"));
}

static void that_nobody_is_cut_off_is_said(void **state UNUSED)
{
    assert_int_equal(plan("--inventory {dir}/fleet.csv --to-crl-relay on"), CTL_DONE);
    assert_non_null(strstr(ran.out, "  nobody who works today would be cut off\n"));
}

/* Five are named, the others counted. */
static void of_many_devices_some_are_named_and_the_rest_counted(void **state UNUSED)
{
    char text[2048] = HEADER;
    for (int i = 0; i < 8; i++)
        (void)snprintf(text + strlen(text), sizeof text - strlen(text), "pc%d,none,none,1906,internet,device\n", i);
    write_file("many.csv", text);
    assert_int_equal(plan("--inventory {dir}/many.csv"), CTL_DONE);
    assert_non_null(strstr(ran.out, "    pc0, pc1, pc2, pc3, pc4 and 3 more\n"));
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, start, stop)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(a_site_that_nothing_is_said_of_is_https_and_public_with_revocation_checked),
        TEST(each_option_is_a_part_of_todays_set_up),
        TEST(methods_are_a_list_of_those_that_a_mode_can_take),
        TEST(what_is_not_proposed_stays_as_it_is_today),
        TEST(any_one_thing_proposed_is_a_proposal),
        TEST(an_assumption_counts_for_devices_of_which_it_is_unknown),
        TEST(what_makes_no_plan_is_wrong_usage),
        TEST(rows_that_cannot_be_read_are_told_and_end_with_1),
        TEST(an_inventory_that_is_not_there_or_none_is_a_failure_with_its_header_told),
        TEST(the_set_up_of_a_site_is_what_the_site_tells_of_itself),
        TEST(a_list_is_relayed_only_when_a_connector_fetches_it),
        TEST(an_option_stands_above_what_the_site_tells),
        TEST(devices_of_a_site_are_known_by_what_they_registered_with),
        TEST(a_site_that_does_not_answer_makes_no_plan),
        TEST(a_list_has_one_line_a_device_and_no_name_is_a_formula),
        TEST(a_page_is_written_beside_the_text),
        TEST(a_place_that_cannot_be_written_is_named),
        TEST(people_read_both_sides_what_changes_and_what_to_do),
        TEST(without_a_proposal_people_read_of_today_alone),
        TEST(that_nobody_is_cut_off_is_said),
        TEST(of_many_devices_some_are_named_and_the_rest_counted),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
