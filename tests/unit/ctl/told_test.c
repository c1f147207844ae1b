/* SPDX-License-Identifier: Apache-2.0 */
/* What the site tells: whom it tells of its problems, who changed what, and what became of a request. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include <stdlib.h>

#include "base/clock.h"
#include "base/host/file.h"
#include "lines.h"

#define ID "6f1c7e0a-0b1c-4d2e-8f3a-5b6c7d8e9f00"

static void write_file(const char *name, const char *text, mode_t mode)
{
    char *path = file_join(mp.dir, name);
    assert_int_equal(file_write(path, slice_of(text), mode, NULL), OK);
    free(path);
}

static int start(void **state UNUSED)
{
    fake_mp_start(&mp);
    write_file("secret", "hush\r\nnot this\n", 0600);
    write_file("open", "hush\n", 0644);
    write_file("junk", "no certificate\n", 0644);
    return 0;
}

static int stop(void **state UNUSED)
{
    fake_mp_stop(&mp);
    return 0;
}

/* --- alerts --- */

static void a_receiver_is_a_webhook_or_mail_with_what_goes_with_it(void **state UNUSED)
{
    static const struct expected cases[] = {
        {"alerts add a --webhook https://h", "POST /v1/alerts",
         "{\"id\":\"a\",\"kind\":\"webhook\",\"url\":\"https://h\",\"plain\":false,\"remind_s\":86400}"},
        {"alerts add a --webhook https://h --secret-file {dir}/secret --remind never", "POST /v1/alerts",
         "{\"id\":\"a\",\"kind\":\"webhook\",\"url\":\"https://h\",\"plain\":false,\"remind_s\":0,\"secret\":\"hush\","
         "\"auth\":\"hmac\"}"},
        {"alerts add a --webhook https://h --secret-file {dir}/secret --auth bearer --remind 2h", "POST /v1/alerts",
         "{\"id\":\"a\",\"kind\":\"webhook\",\"url\":\"https://h\",\"plain\":false,\"remind_s\":7200,\"secret\":"
         "\"hush\",\"auth\":\"bearer\"}"},
        {"alerts add a --mail x@a,,y@b, --smtp smtp://m --from f@a --plain", "POST /v1/alerts",
         "{\"id\":\"a\",\"kind\":\"mail\",\"url\":\"smtp://m\",\"plain\":true,\"remind_s\":86400,\"from\":\"f@a\","
         "\"to\":[\"x@a\",\"y@b\"]}"},
        {"alerts add a --mail x@a --smtp smtp://m --from f@a --user u --secret-file {dir}/secret", "POST /v1/alerts",
         "{\"id\":\"a\",\"kind\":\"mail\",\"url\":\"smtp://m\",\"plain\":false,\"remind_s\":86400,\"from\":\"f@a\","
         "\"user\":\"u\",\"to\":[\"x@a\"],\"secret\":\"hush\",\"auth\":\"login\"}"}};
    expect_all(cases, ARRAY_LEN(cases));
}

static void addresses_lose_the_blanks_around_them(void **state UNUSED)
{
    fake_mp_set(&mp, fake_mp_answer(200, "{}"));
    RUN(&ran, &mp, "alerts", "add", "a", "--mail", " x@a , y@b ,", "--smtp", "smtp://m", "--from", "f@a");
    json_t *body = sent("POST /v1/alerts");
    char *to = json_text(json_object_get(body, "to"));
    assert_string_equal(to, "[\"x@a\",\"y@b\"]");
    free(to);
    json_decref(body);
}

static void options_of_the_one_do_not_go_with_the_other(void **state UNUSED)
{
    static const struct refusal cases[] = {
        {"alerts add a", CTL_USAGE, "either --webhook URL, or --mail"},
        {"alerts add a --webhook https://h --mail x@a", CTL_USAGE, "either --webhook URL, or --mail"},
        {"alerts add a --webhook https://h --smtp smtp://m", CTL_USAGE, "go with --mail"},
        {"alerts add a --webhook https://h --from f", CTL_USAGE, "go with --mail"},
        {"alerts add a --webhook https://h --user u", CTL_USAGE, "go with --mail"},
        {"alerts add a --webhook https://h --plain", CTL_USAGE, "go with --mail"},
        {"alerts add a --webhook https://h --auth hmac", CTL_USAGE, "--auth wants --secret-file"},
        {"alerts add a --webhook https://h --auth gold", CTL_USAGE, "auth"},
        {"alerts add a --mail x@a", CTL_USAGE, "--mail wants --smtp URL and --from"},
        {"alerts add a --mail x@a --smtp s", CTL_USAGE, "--mail wants --smtp URL and --from"},
        {"alerts add a --mail x@a --smtp s --from f --auth hmac", CTL_USAGE, "and no --auth"},
        {"alerts add a --mail x@a --smtp s --from f --user u", CTL_USAGE, "--user and --secret-file go together"},
        {"alerts add a --mail x@a --smtp s --from f --secret-file {dir}/secret", CTL_USAGE, "go together"},
        {"alerts add a --webhook https://h --remind soon", CTL_USAGE, "remind"},
        {"alerts add a --webhook https://h --secret-file {dir}/open", CTL_FAILED, "open"},
        {"alerts add a --webhook https://h --secret-file {dir}/none", CTL_FAILED, "none"},
        {"alerts add a --webhook https://h --server-ca {dir}/junk", CTL_FAILED, "junk"}};
    refuse_all(cases, ARRAY_LEN(cases));
}

static void a_message_that_was_not_taken_is_a_failure_with_the_servers_words(void **state UNUSED)
{
    fake_mp_set(&mp, fake_mp_answer(200, "{\"taken\":true,\"answer\":\"202 Accepted\"}"));
    run_line("alerts test a");
    json_decref(sent("POST /v1/alerts/a/test"));
    assert_int_equal(ran.code, CTL_DONE);
    assert_string_equal(ran.out, "a took it: 202 Accepted\n");
    fake_mp_set(&mp, fake_mp_answer(200, "{\"taken\":false,\"fault\":\"550 no\"}"));
    run_line("alerts test a");
    assert_int_equal(ran.code, CTL_FAILED);
    assert_string_equal(ran.out, "a did not take it: 550 no\n");
    fake_mp_set(&mp, fake_mp_answer(200, "{}")); /* what says nothing was not taken */
    run_line("alerts test a");
    assert_int_equal(ran.code, CTL_FAILED);
}

/* --- audit --- */

static void the_audit_is_asked_for_what_the_options_name(void **state UNUSED)
{
    static const char *const cases[][2] = {
        {"audit", "limit=100&since=0&action=&object="},
        {"audit --limit 7", "limit=7&since=0&action=&object="},
        {"audit --limit 500", "limit=500&since=0&action=&object="},
        {"audit --limit 501", "limit=500&since=0&action=&object="},
        {"audit --since 2026-11-30", "limit=100&since=1795996800&action=&object="},
        {"audit --since 2026-11-30T08:00:00Z", "limit=100&since=1796025600&action=&object="},
        {"audit --action device.block --object a&b", "limit=100&since=0&action=device.block&object=a%26b"}};
    fake_mp_set(&mp, fake_mp_answer(200, "{\"events\":[]}"));
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        char request[128];
        (void)snprintf(request, sizeof request, "GET /v1/audit?%s", cases[i][1]);
        run_line(cases[i][0]);
        json_decref(sent(request));
    }
    static const struct refusal refused[] = {{"audit --limit 0", CTL_USAGE, "limit"},
                                             {"audit --limit 1000001", CTL_USAGE, "limit"},
                                             {"audit --since 2026-13-01", CTL_USAGE, "since"},
                                             {"audit --since yesterday", CTL_USAGE, "since"},
                                             {"audit --since 2026-11-30T08", CTL_USAGE, "since"},
                                             {"audit more", CTL_USAGE, "more"}};
    refuse_all(refused, ARRAY_LEN(refused));
}

static void a_duration_ends_now(void **state UNUSED)
{
    const char *at;
    int64_t before = clock_wall_s(), since;
    fake_mp_set(&mp, fake_mp_answer(200, "{\"events\":[]}"));
    run_line("audit --since 2h");
    assert_non_null(at = strstr(mp.request, "since="));
    since = strtoll(at + strlen("since="), NULL, 10);
    assert_true(since >= before - 7200 && since <= clock_wall_s() - 7200);
    assert_string_equal(ran.out, "nothing of that is in the audit\n");
}

static void events_end_at_the_limit_within_a_page(void **state UNUSED)
{
    fake_mp_set(&mp, fake_mp_answer(200, "{\"events\":[{\"caller\":\"a\"},{\"caller\":\"b\"},{\"caller\":\"c\"}],"
                                         "\"next\":\"x\"}"));
    run_line("audit --limit 2 --json");
    json_t *told = json_loads(ran.out, 0, NULL);
    assert_int_equal(json_array_size(json_object_get(told, "events")), 2);
    json_decref(told);
    run_line("audit --limit 4 --json"); /* the next page, which begins anew here, has the fourth */
    assert_non_null(strstr(mp.request, "&object=&after=x HTTP/1.1"));
    told = json_loads(ran.out, 0, NULL);
    assert_int_equal(json_array_size(json_object_get(told, "events")), 4);
    json_decref(told);
}

/* --- trace --- */

static void a_request_id_is_32_digits_in_groups(void **state UNUSED)
{
    static const struct refusal cases[] = {{"trace", CTL_USAGE, "REQUEST-ID"},
                                           {"trace x", CTL_USAGE, "'x' is no request id"},
                                           {"trace " ID "0", CTL_USAGE, "no request id"},
                                           {"trace 6f1c7e0a-0b1c-4d2e-8f3a-5b6c7d8e9f0", CTL_USAGE, "no request id"},
                                           {"trace " ID " --timeout 0", CTL_USAGE, "timeout"},
                                           {"trace " ID " --timeout 51", CTL_USAGE, "timeout"}};
    refuse_all(cases, ARRAY_LEN(cases));
}

static void steps_of_all_parts_stand_in_the_order_of_time(void **state UNUSED)
{
    fake_mp_set(&mp,
                fake_mp_answer(200, "{\"id\":7,\"parts\":[\"gateway gw1\",\"connector cp1\"],\"answers\":["
                                    "{\"part\":\"site\",\"steps\":[{\"at_ms\":1796025600123,\"what\":\"second\"}]},"
                                    "{\"part\":\"gateway gw1\",\"steps\":[{\"at_ms\":1796025600007,\"what\":"
                                    "\"first\",\"status\":401,\"reason\":\"revoked\"}]}]}"));
    run_line("trace 6F1C7E0A-0b1c-4d2e-8f3a-5b6c7d8e9f00 --timeout 1");
    json_decref(sent("GET /v1/questions/7"));
    assert_int_equal(ran.code, CTL_DONE);
    const char *first = strstr(ran.out, "2026-11-30T08:00:00.007Z  gateway gw1"),
               *second = strstr(ran.out, "2026-11-30T08:00:00.123Z  site");
    assert_true(first && second && first < second);
    assert_non_null(strstr(ran.out, "no answer from connector cp1"));
    assert_null(strstr(ran.out, "no answer from gateway gw1"));
}

static void a_request_that_nobody_remembers_is_a_failure(void **state UNUSED)
{
    fake_mp_set(&mp, fake_mp_answer(200, "{\"id\":7,\"parts\":[7],\"answers\":[{\"part\":\"site\",\"steps\":[]}]}"));
    run_line("trace " ID " --timeout 1");
    assert_int_equal(ran.code, CTL_FAILED);
    assert_non_null(strstr(ran.out, "no part of the site remembers this request"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_receiver_is_a_webhook_or_mail_with_what_goes_with_it),
        cmocka_unit_test(addresses_lose_the_blanks_around_them),
        cmocka_unit_test(options_of_the_one_do_not_go_with_the_other),
        cmocka_unit_test(a_message_that_was_not_taken_is_a_failure_with_the_servers_words),
        cmocka_unit_test(the_audit_is_asked_for_what_the_options_name),
        cmocka_unit_test(a_duration_ends_now),
        cmocka_unit_test(events_end_at_the_limit_within_a_page),
        cmocka_unit_test(a_request_id_is_32_digits_in_groups),
        cmocka_unit_test(steps_of_all_parts_stand_in_the_order_of_time),
        cmocka_unit_test(a_request_that_nobody_remembers_is_a_failure),
    };
    return cmocka_run_group_tests(tests, start, stop);
}
