/* SPDX-License-Identifier: Apache-2.0 */
/* What administrators look at: status, enrolment, devices; and the commands over many devices at once. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include <stdlib.h>

#include "base/host/file.h"
#include "base/mem.h"
#include "fake_mp.h"

static struct fake_mp mp;
static struct ran ran;

static int start(void **state UNUSED)
{
    fake_mp_start(&mp);
    return 0;
}

static int stop(void **state UNUSED)
{
    fake_mp_stop(&mp);
    return 0;
}

/* Runs `cmg` with the words of a line, against this answer. */
static void run_line(const char *line, const char *answer)
{
    const char *words[32];
    char *copy = mem_strdup(line), *rest = copy, *word;
    size_t n = 0;
    while ((word = strsep(&rest, " ")) && n < 31)
        words[n++] = word;
    words[n] = NULL;
    mp.request[0] = '\0';
    fake_mp_set(&mp, fake_mp_answer(200, answer));
    run_cmg(&ran, &mp, words);
    free(copy);
}

static void shown(const char *text)
{
    if (!strstr(ran.out, text))
        fail_msg("'%s' is not in\n%s%s", text, ran.out, ran.err);
}

/* --- status --- */

static void a_site_that_is_well_says_so(void **state UNUSED)
{
    run_line("status",
             "{\"site\":\"LAB\",\"pin\":\"ab\",\"version\":\"0.1.0\",\"problems\":[],\"devices\":{\"approved\":"
             "3,\"pending\":2,\"blocked\":1},\"listening\":2,\"bundle\":{\"sequence\":7,\"issued\":1700000000}}");
    assert_int_equal(ran.code, CTL_DONE);
    shown("Site:    LAB\nPin:     ab\nVersion: 0.1.0\n");
    shown("Devices: 3 approved, 2 pending, 1 blocked; 2 listen at this management point\nBundle:  sequence 7, issued "
          "2023-11-14T22:13:20Z\n");
    shown("\nNothing needs attention.\n");
    shown("no gateways yet: cmg gateway add ID --host NAME\n");
    shown("no connectors yet: cmg connector add ID\n");
}

static void a_problem_is_told_with_what_to_do(void **state UNUSED)
{
    run_line("status", "{\"problems\":[{\"cause\":\"connector_silent\",\"found\":\"connector cp1\",\"remedy\":\"start "
                       "it\"}]}");
    shown("\nNEEDS ATTENTION\n  connector_silent: connector cp1\n    what to do: start it\n");
}

static void refusals_and_sources_are_told_by_gateway(void **state UNUSED)
{
    run_line("status",
             "{\"gateways\":[{\"id\":\"gw1\",\"refusals\":{\"expired\":4},\"sources\":[{\"id\":\"s\",\"kind\":"
             "\"crl\",\"failures\":2,\"error\":\"refused\"},{\"url\":\"http://p/l\",\"kind\":\"crl\","
             "\"pointed\":true}]}]}");
    shown("gw1      expired                    4\n");
    shown("cmg explain REASON tells what it means and what to do.\n");
    shown("refused\n");
    shown("http://p/l"); /* which nobody gave a name */
}

static void a_connectors_own_certificate_is_told_where_it_matters(void **state UNUSED)
{
    run_line("status", "{\"connectors\":[{\"id\":\"cp1\",\"client_certificate\":{\"state\":\"not_needed\"}},{\"id\":"
                       "\"cp2\",\"client_certificate\":{\"state\":\"failed\",\"step\":\"registered\",\"detail\":\"it "
                       "expired\",\"remedy\":\"issue another\"}}]}");
    shown("cp2        failed              registered");
    shown("cp2:\n  cause: it expired\n  remedy: issue another\n");
    assert_null(strstr(ran.out, "not_needed"));
}

/* Connectors and gateways tell the site, and whoever broke into one steers no terminal. */
static void what_others_told_the_site_steers_no_terminal(void **state UNUSED)
{
    run_line("status", "{\"connectors\":[{\"id\":\"cp1\",\"client_certificate\":{\"state\":\"failed\",\"detail\":"
                       "\"a\\u001b[2Jb\",\"remedy\":\"c\\u001b[2Jd\"}}],\"problems\":[{\"cause\":\"x\",\"found\":"
                       "\"e\\u001b[2Jf\",\"remedy\":\"g\\u001b[2Jh\"}]}");
    assert_int_equal(ran.code, CTL_DONE);
    assert_null(strchr(ran.out, '\033'));
    shown("a?[2Jb");
    shown("g?[2Jh");
}

static void a_member_that_is_missing_ends_no_status(void **state UNUSED)
{
    static const char *const answers[] = {
        "{\"connectors\":[{\"client_certificate\":{\"state\":\"failed\",\"detail\":\"x\"}}]}",
        "{\"connectors\":[{\"client_certificate\":{\"state\":7,\"detail\":\"x\",\"remedy\":7}}]}",
        "{\"problems\":[{}]}", "{\"gateways\":[{\"sources\":[{\"pointed\":true}],\"refusals\":{\"a\":null}}]}"};
    for (size_t i = 0; i < ARRAY_LEN(answers); i++) {
        run_line("status", answers[i]);
        assert_int_equal(ran.code, CTL_DONE);
    }
}

static void what_gateways_are_told_is_many_lines_for_people_and_one_for_programs(void **state UNUSED)
{
    run_line("bundle show", "{\"a\":1}");
    assert_string_equal(ran.out, "{\n  \"a\": 1\n}\n");
    run_line("bundle show --json", "{\"a\":1}");
    assert_string_equal(ran.out, "{\"a\":1}\n");
}

/* --- enrolment --- */

static void an_enrolment_file_is_printed_or_written(void **state UNUSED)
{
    char *path = file_join(mp.dir, "enrol"), *text;
    size_t len;
    run_line("enrollment", "{\"site\":\"LAB\"}");
    assert_string_equal(ran.out, "{\n  \"site\": \"LAB\"\n}\n");
    run_line("enrollment --out {dir}/enrol", "{\"site\":\"LAB\"}");
    assert_non_null(strstr(ran.out, "enrolment file written to "));
    assert_int_equal(file_read(path, 1000, &text, &len, NULL), OK);
    assert_string_equal(text, "{\"site\":\"LAB\"}\n");
    run_line("enrollment --gateway-ca {dir}/enrol", "{\"site\":\"LAB\"}");
    assert_int_equal(ran.code, CTL_FAILED);
    assert_non_null(strstr(ran.err, "give a file of certificates in PEM"));
    free(text);
    free(path);
}

static void the_path_of_a_file_is_a_text_of_json_whatever_it_holds(void **state UNUSED)
{
    run_line("enrollment --json --out {dir}/a\"b\\c", "{\"site\":\"LAB\"}");
    json_t *told = json_loads(ran.out, 0, NULL);
    assert_non_null(told);
    assert_non_null(strstr(json_opt_str(told, "out", ""), "/a\"b\\c"));
    json_decref(told);
}

/* --- devices --- */

static void a_device_is_shown_with_who_stands_for_what(void **state UNUSED)
{
    run_line("device show pc",
             "{\"device\":{\"name\":\"pc\",\"guid\":\"g\",\"state\":\"approved\",\"vouched\":{\"name\":"
             "\"pc.example\",\"name_by\":\"certificate\",\"registration\":\"certificate\"}}}");
    shown("pc.example, by certificate");
    shown("Hardware id by:  the device alone");
    shown("Last seen:       never\nClient version:  -\nListens:         not at this management point "
          "now\nTold last:       nothing yet\nTo be told:      -\nCertificates:    -\n"); /* to the last line */
    run_line("device show pc", "{\"device\":{\"name\":\"pc\"}}");
    shown("none: the device alone says how it is called");
}

static void devices_are_approved_by_name_or_all_that_wait_but_the_shut_out(void **state UNUSED)
{
    run_line("device approve a b", "{\"device\":{\"guid\":\"g\"}}");
    assert_string_equal(ran.out, "device a approved\ndevice b approved\n");
    run_line("device approve g", "{\"readmitted\":\"g\"}");
    assert_string_equal(ran.out, "device g was removed; what it held may register again\n");
    run_line("device approve --all-pending",
             "{\"devices\":[{\"guid\":\"1\",\"state\":\"approved\"},{\"guid\":\"2\",\"state\":\"pending\"},{\"guid\":"
             "\"3\",\"state\":\"pending\",\"shut_out\":true,\"reason\":\"same name\"}]}");
    assert_string_equal(ran.out, "device 2 approved\ndevice 3 still waits: same name\n");
    run_line("device approve", "{}");
    assert_int_equal(ran.code, CTL_USAGE);
    run_line("device approve x --all-pending", "{}");
    assert_int_equal(ran.code, CTL_USAGE);
}

static void devices_that_wait_are_removed_when_that_is_said(void **state UNUSED)
{
    run_line("device remove --pending --older-than 1h --name LAB-*", "{\"removed\":2,\"still_waiting\":5}");
    assert_int_equal(ran.code, CTL_USAGE); /* nobody to ask */
    assert_non_null(strstr(mp.request, "\"dry_run\":true"));
    assert_non_null(strstr(ran.err, "say so by --yes"));
    run_line("device remove --pending --older-than 1h --name LAB-* --yes", "{\"removed\":2,\"still_waiting\":5}");
    assert_string_equal(ran.out, "2 devices removed; 5 still wait\n");
    assert_non_null(strstr(mp.request, "\"dry_run\":false"));
    assert_non_null(strstr(mp.request, "\"older_than\":3600"));
}

static void what_is_removed_is_one_device_or_those_that_wait(void **state UNUSED)
{
    static const struct {
        const char *line, *told;
    } cases[] = {{"device remove", "name the device, or give --pending"},
                 {"device remove g --pending", "name the device, or give --pending"},
                 {"device remove --pending --forget", "--forget is for one device"},
                 {"device remove g --yes", "--yes belongs to --pending and --anchor"},
                 {"device remove g --older-than 1h", "belong to --pending"},
                 {"device remove --pending --older-than soon", "no duration"}};
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        run_line(cases[i].line, "{}");
        if (ran.code != CTL_USAGE || mp.request[0] || !strstr(ran.err, cases[i].told))
            fail_msg("cmg %s: exit %d, %s", cases[i].line, ran.code, ran.err);
    }
    run_line("device remove g --forget", "");
    assert_true(slice_starts(slice_of(mp.request), SLICE("DELETE /v1/devices/g?forget HTTP/1.1\r\n")));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_site_that_is_well_says_so),
        cmocka_unit_test(a_problem_is_told_with_what_to_do),
        cmocka_unit_test(refusals_and_sources_are_told_by_gateway),
        cmocka_unit_test(a_connectors_own_certificate_is_told_where_it_matters),
        cmocka_unit_test(what_others_told_the_site_steers_no_terminal),
        cmocka_unit_test(a_member_that_is_missing_ends_no_status),
        cmocka_unit_test(what_gateways_are_told_is_many_lines_for_people_and_one_for_programs),
        cmocka_unit_test(an_enrolment_file_is_printed_or_written),
        cmocka_unit_test(the_path_of_a_file_is_a_text_of_json_whatever_it_holds),
        cmocka_unit_test(a_device_is_shown_with_who_stands_for_what),
        cmocka_unit_test(devices_are_approved_by_name_or_all_that_wait_but_the_shut_out),
        cmocka_unit_test(devices_that_wait_are_removed_when_that_is_said),
        cmocka_unit_test(what_is_removed_is_one_device_or_those_that_wait),
    };
    return cmocka_run_group_tests(tests, start, stop);
}
