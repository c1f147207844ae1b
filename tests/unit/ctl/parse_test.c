/* SPDX-License-Identifier: Apache-2.0 */
/* Command lines by the tables: what every command takes, what each one's arguments become as a request, and what is
 * refused before anything is sent. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include <stdlib.h>

#include "base/mem.h"
#include "ctl/command.h"
#include "ctl/commands.h"
#include "fake_mp.h"

static struct fake_mp mp;
static struct ran ran;

static const struct ctl_command *const tables[] = {
    ctl_alerts_commands,
    ctl_analyze_commands,
    ctl_audit_commands,
    ctl_backup_commands,
    ctl_cert_commands,
    ctl_choices_commands,
    ctl_client_settings_commands,
    ctl_collection_commands,
    ctl_connector_commands,
    ctl_device_commands,
    ctl_endpoint_commands,
    ctl_explain_commands,
    ctl_foreign_commands,
    ctl_gateway_commands,
    ctl_keys_commands,
    ctl_plan_commands,
    ctl_policy_commands,
    ctl_settings_commands,
    ctl_setup_commands,
    ctl_site_commands,
    ctl_source_commands,
    ctl_tenant_commands,
    ctl_token_commands,
    ctl_trace_commands,
    ctl_trust_commands,
    ctl_wizard_commands,
};

static int start(void **state)
{
    (void)state;
    fake_mp_start(&mp);
    return 0;
}

static int stop(void **state)
{
    (void)state;
    fake_mp_stop(&mp);
    return 0;
}

/* Runs `cmg` with the words of one text, and one more word. */
static void run_line(const char *line, const char *more)
{
    const char *words[32];
    char *copy = mem_strdup(line), *rest = copy, *word;
    size_t n = 0;
    while ((word = strsep(&rest, " ")) && n < 30)
        words[n++] = word;
    if (more)
        words[n++] = more;
    words[n] = NULL;
    run_cmg(&ran, &mp, words);
    free(copy);
}

typedef void each_fn(const struct ctl_command *c);

static void each_command(each_fn *fn)
{
    for (size_t i = 0; i < ARRAY_LEN(tables); i++) {
        for (const struct ctl_command *c = tables[i]; c->words; c++)
            fn(c);
    }
}

/* --- what every command has --- */

static void expect_help(const struct ctl_command *c)
{
    run_line(c->words, "--help");
    if (ran.code != CTL_DONE || *ran.err || !strstr(ran.out, c->words) || !strstr(ran.out, "--json"))
        fail_msg("cmg %s --help: exit %d\n%s%s", c->words, ran.code, ran.out, ran.err);
}

static void every_command_helps_by_its_words_and_takes_json(void **state)
{
    (void)state;
    each_command(expect_help);
}

static void expect_refusal(const struct ctl_command *c)
{
    char remedy[128];
    run_line(c->words, "--no-such-option");
    (void)snprintf(remedy, sizeof remedy, "remedy: cmg %s --help", c->words);
    if (ran.code != CTL_USAGE || *ran.out || !strstr(ran.err, "no-such-option") || !strstr(ran.err, remedy))
        fail_msg("cmg %s --no-such-option: exit %d\n%s%s", c->words, ran.code, ran.out, ran.err);
}

static void every_command_refuses_an_option_that_it_does_not_have(void **state)
{
    (void)state;
    each_command(expect_refusal);
}

static void expect_one_run(const struct ctl_command *c)
{
    size_t same = 0;
    assert_int_equal((c->run != NULL) + (c->request != NULL) + (c->form != NULL), 1);
    assert_true(c->summary && *c->summary && c->summary[strlen(c->summary) - 1] != '.');
    for (size_t i = 0; i < ARRAY_LEN(tables); i++) {
        for (const struct ctl_command *other = tables[i]; other->words; other++)
            same += strcmp(other->words, c->words) == 0;
    }
    if (same != 1)
        fail_msg("cmg %s is there %zu times", c->words, same);
}

static void every_command_is_there_once_and_runs_one_thing(void **state)
{
    (void)state;
    each_command(expect_one_run);
}

/* --- arguments become requests --- */

static const struct {
    const char *line, *request, *body; /* body NULL: none */
} requests[] = {
    {"gateway list", "GET /v1/gateways", NULL},
    {"gateway remove gw1", "DELETE /v1/gateways/gw1", NULL},
    {"gateway remove a/b", "DELETE /v1/gateways/a%2Fb", NULL},
    {"connector list", "GET /v1/connectors", NULL},
    {"connector remove c1", "DELETE /v1/connectors/c1", NULL},
    {"endpoint list", "GET /v1/endpoints", NULL},
    {"endpoint remove e1", "DELETE /v1/endpoints/e1", NULL},
    {"token list", "GET /v1/tokens", NULL},
    {"token block t1", "POST /v1/tokens/t1/block", NULL},
    {"token unblock t1", "POST /v1/tokens/t1/unblock", NULL},
    {"token new", "POST /v1/tokens", "{}"},
    {"token new --lifetime 12h", "POST /v1/tokens", "{\"lifetime_s\":43200}"},
    {"token new --lifetime=30m --uses=7", "POST /v1/tokens", "{\"lifetime_s\":1800,\"uses\":7}"},
    {"token new --name A-*,B-* --name C", "POST /v1/tokens", "{\"names\":[\"A-*\",\"B-*\",\"C\"]}"},
    {"token new --network 203.0.113.0/24", "POST /v1/tokens", "{\"networks\":[\"203.0.113.0/24\"]}"},
    {"token new --collection kiosks", "POST /v1/tokens", "{\"collection\":\"kiosks\"}"},
    {"device list", "GET /v1/devices", NULL},
    {"device show d1", "GET /v1/devices/d1", NULL},
    {"device block d1", "POST /v1/devices/d1/block", NULL},
    {"device unblock d1", "POST /v1/devices/d1/unblock", NULL},
    {"device remove d1", "DELETE /v1/devices/d1", NULL},
    {"collection list", "GET /v1/collections", NULL},
    {"collection show kiosks", "GET /v1/collections/kiosks", NULL},
    {"collection remove kiosks", "DELETE /v1/collections/kiosks", NULL},
    {"policy list", "GET /v1/policies", NULL},
    {"policy remove base", "DELETE /v1/policies/base", NULL},
    {"tenant list", "GET /v1/tenants", NULL},
    {"tenant enable t1", "POST /v1/tenants/t1/enable", NULL},
    {"tenant disable t1", "POST /v1/tenants/t1/disable", NULL},
    {"tenant remove t1", "DELETE /v1/tenants/t1", NULL},
    {"source list", "GET /v1/sources", NULL},
    {"source remove s1", "DELETE /v1/sources/s1", NULL},
    {"settings get", "GET /v1/settings", NULL},
    {"settings client list", "GET /v1/client-settings", NULL},
    {"status", "GET /v1/status", NULL},
    {"bundle show", "GET /v1/bundle", NULL},
};

/* The same members with the same values, in whatever order. */
static bool is_same_json(const char *text, const char *expected)
{
    json_t *a = NULL, *b = NULL;
    struct error err;
    bool same = json_parse(slice_of(text), sizeof mp.request, &a, &err) == OK &&
                json_parse(slice_of(expected), sizeof mp.request, &b, &err) == OK && json_equal(a, b);
    json_decref(a);
    json_decref(b);
    return same;
}

static void expect_request(const char *line, const char *request, const char *body)
{
    char first[256];
    fake_mp_set(&mp, fake_mp_answer(200, "{}"));
    mp.request[0] = '\0';
    run_line(line, NULL);
    (void)snprintf(first, sizeof first, "%s HTTP/1.1\r\n", request);
    const char *end = strstr(mp.request, "\r\n\r\n");
    if (!slice_starts(slice_of(mp.request), slice_of(first)) || !end)
        fail_msg("cmg %s: exit %d, sent\n%s\n%s", line, ran.code, mp.request, ran.err);
    else if (body ? !is_same_json(end + 4, body) : end[4] != '\0' && !is_same_json(end + 4, "{}"))
        fail_msg("cmg %s sent the body %s", line, end + 4);
}

static void arguments_become_the_request_that_the_table_says(void **state)
{
    (void)state;
    (void)setenv("CMG_ADMIN_SOCKET", mp.socket, 1);
    for (size_t i = 0; i < ARRAY_LEN(requests); i++)
        expect_request(requests[i].line, requests[i].request, requests[i].body);
    (void)unsetenv("CMG_ADMIN_SOCKET");
}

/* --- what is refused before anything is sent --- */

static const struct {
    const char *line, *said;
} refused[] = {
    {"gateway remove", "ID"},
    {"gateway remove a b", "'b'"},
    {"gateway list x", "'x'"},
    {"token new --lifetime", "lifetime"},
    {"token new --lifetime 3x", "'3x' is no duration; write 30m, 12h or 3d"},
    {"token new --lifetime -1d", "duration"},
    {"token new --lifetime 99999999d", "duration"},
    {"token new --uses 0", "uses"},
    {"token new --uses 1000001", "uses"},
    {"token new --uses x", "uses"},
    {"token new --usse 1", "uses"},
    {"token block", "ID"},
    {"device show", "cmg device show"},
    {"tenant remove", "cmg tenant remove"},
    {"settings set", "cmg settings set"},
    {"token", "'token' needs a second word"},
    {"settings client", "'settings client' needs a second word"},
    {"tokn list", "did you mean 'cmg token list'?"},
    {"token lst", "did you mean 'cmg token list'?"},
    {"choices chek", "did you mean 'cmg choices check'?"},
    {"no-such-command", "there is no command 'no-such-command'"},
};

static void a_wrong_command_line_sends_nothing_and_ends_with_2(void **state)
{
    (void)state;
    (void)setenv("CMG_ADMIN_SOCKET", mp.socket, 1);
    for (size_t i = 0; i < ARRAY_LEN(refused); i++) {
        mp.request[0] = '\0';
        run_line(refused[i].line, NULL);
        if (ran.code != CTL_USAGE || mp.request[0] || !strstr(ran.err, refused[i].said) || !strstr(ran.err, "remedy: "))
            fail_msg("cmg %s: exit %d, %s", refused[i].line, ran.code, ran.err);
    }
    (void)unsetenv("CMG_ADMIN_SOCKET");
}

/* --- words before and behind --- */

static void options_in_front_of_the_command_are_as_good_as_behind_it(void **state)
{
    (void)state;
    fake_mp_set(&mp, fake_mp_answer(200, "{\"tokens\":[]}"));
    RUN(&ran, &mp, "--socket", "{socket}", "--json", "token", "list");
    assert_int_equal(ran.code, CTL_DONE);
    assert_true(is_same_json(ran.out, "{\"tokens\":[]}"));
}

static void help_in_front_is_help_behind(void **state)
{
    static char behind[sizeof ran.out];
    (void)state;
    run_line("token new --help", NULL);
    (void)snprintf(behind, sizeof behind, "%s", ran.out);
    run_line("help token new", NULL);
    assert_int_equal(ran.code, CTL_DONE);
    assert_string_equal(ran.out, behind);
    run_line("--help token new", NULL);
    assert_string_equal(ran.out, behind);
}

static void help_of_a_noun_lists_its_commands_alone(void **state)
{
    (void)state;
    run_line("token help", NULL);
    assert_int_equal(ran.code, CTL_DONE);
    assert_non_null(strstr(ran.out, "cmg token unblock"));
    assert_null(strstr(ran.out, "cmg device"));
}

static void no_words_at_all_show_every_command_and_end_with_2(void **state)
{
    (void)state;
    const char *none[] = {NULL};
    run_cmg(&ran, NULL, none);
    assert_int_equal(ran.code, CTL_USAGE);
    assert_string_equal(ran.out, "");
    assert_non_null(strstr(ran.err, "cmg token new"));
}

static void a_version_is_asked_for_by_word_or_option(void **state)
{
    static char by_word[sizeof ran.out];
    (void)state;
    run_line("version", NULL);
    assert_int_equal(ran.code, CTL_DONE);
    (void)snprintf(by_word, sizeof by_word, "%s", ran.out);
    run_line("--version", NULL);
    assert_string_equal(ran.out, by_word);
}

static void a_failure_of_usage_names_the_command_that_ran(void **state)
{
    (void)state;
    run_line("token block", NULL);
    assert_non_null(strstr(ran.err, "remedy: cmg token block --help"));
    run_line("device show", NULL);
    assert_non_null(strstr(ran.err, "remedy: cmg device show --help"));
}

/* --- small values of a command line --- */

static void a_list_is_cut_at_commas_and_loses_its_blanks(void **state)
{
    static const struct opt_list list = {.items = {" a, b ,", "c", ",,"}, .count = 3};
    (void)state;
    json_t *words = ctl_words(&list), *expected = json_pack("[s, s, s]", "a", "b", "c");
    assert_true(json_equal(words, expected));
    json_decref(words);
    json_decref(expected);
}

static void a_duration_has_one_unit_and_fits_in_seconds(void **state)
{
    int64_t seconds = 0;
    (void)state;
    assert_true(ctl_duration("lifetime", "90s", &seconds) && seconds == 90);
    assert_true(ctl_duration("lifetime", "2h", &seconds) && seconds == 7200);
    assert_true(ctl_duration("lifetime", "3d", &seconds) && seconds == 259200);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_command_helps_by_its_words_and_takes_json),
        cmocka_unit_test(every_command_refuses_an_option_that_it_does_not_have),
        cmocka_unit_test(every_command_is_there_once_and_runs_one_thing),
        cmocka_unit_test(arguments_become_the_request_that_the_table_says),
        cmocka_unit_test(a_wrong_command_line_sends_nothing_and_ends_with_2),
        cmocka_unit_test(options_in_front_of_the_command_are_as_good_as_behind_it),
        cmocka_unit_test(help_in_front_is_help_behind),
        cmocka_unit_test(help_of_a_noun_lists_its_commands_alone),
        cmocka_unit_test(no_words_at_all_show_every_command_and_end_with_2),
        cmocka_unit_test(a_version_is_asked_for_by_word_or_option),
        cmocka_unit_test(a_failure_of_usage_names_the_command_that_ran),
        cmocka_unit_test(a_list_is_cut_at_commas_and_loses_its_blanks),
        cmocka_unit_test(a_duration_has_one_unit_and_fits_in_seconds),
    };
    return cmocka_run_group_tests(tests, start, stop);
}
