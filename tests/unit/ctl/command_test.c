/* SPDX-License-Identifier: Apache-2.0 */
/* The commands of cmg against a management point of one answer: what is sent, what is shown, exit codes, secrets. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include <stdlib.h>
#include <sys/stat.h>

#include "base/clock.h"
#include "base/host/file.h"
#include "fake_mp.h"

static struct fake_mp mp;
static struct ran ran;

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

static void a_new_token_is_printed_to_standard_output_alone(void **state)
{
    (void)state;
    fake_mp_set(&mp, fake_mp_answer(200, "{\"id\":\"t1\",\"token\":\"cmg1.aa.bb\",\"expires\":1,\"uses\":2}"));
    RUN(&ran, &mp, "token", "new", "--lifetime", "2d", "--uses", "2", "--socket", "{socket}");
    assert_int_equal(ran.code, CTL_DONE);
    assert_string_equal(ran.out, "cmg1.aa.bb\n");
    assert_string_equal(ran.err, "");
    assert_true(slice_starts(slice_of(mp.request), slice_of("POST /v1/tokens HTTP/1.1\r\n")));
    assert_non_null(strstr(mp.request, "\"lifetime_s\":172800"));
    assert_non_null(strstr(mp.request, "\"uses\":2"));
}

static void secrets_go_into_files_that_only_the_owner_reads(void **state)
{
    (void)state;
    char path[128];
    struct stat st;
    fake_mp_set(&mp, fake_mp_answer(200, "{\"id\":\"t1\",\"token\":\"cmg1.aa.bb\"}"));
    (void)umask(0);
    RUN(&ran, &mp, "--json", "--socket", "{socket}", "token", "new", "--out", "{dir}/token");
    assert_int_equal(ran.code, CTL_DONE);
    assert_null(strstr(ran.out, "cmg1."));
    (void)snprintf(path, sizeof path, "%s/token", mp.dir);
    assert_int_equal(stat(path, &st), 0);
    assert_int_equal(st.st_mode & 0777, 0600);
    char *text;
    size_t len;
    assert_int_equal(file_read(path, 100, &text, &len, NULL), OK);
    assert_string_equal(text, "cmg1.aa.bb\n");
    free(text);

    fake_mp_set(&mp, fake_mp_answer(201, "{\"gateway\":{\"id\":\"gw1\"},\"bootstrap\":{\"key_pem\":\"SECRET\"}}"));
    RUN(&ran, &mp, "gateway", "add", "gw1", "--host", "gw.example.com", "--out", "{dir}/gw.json", "--socket",
        "{socket}");
    assert_int_equal(ran.code, CTL_DONE);
    assert_null(strstr(ran.out, "SECRET"));
    assert_non_null(strstr(mp.request, "\"port\":443"));
    (void)snprintf(path, sizeof path, "%s/gw.json", mp.dir);
    assert_int_equal(stat(path, &st), 0);
    assert_int_equal(st.st_mode & 0777, 0600);
}

static void no_secret_is_made_that_could_not_be_written(void **state)
{
    (void)state;
    memset(mp.request, 0, sizeof mp.request);
    fake_mp_set(&mp, fake_mp_answer(200, "{\"id\":\"t1\",\"token\":\"cmg1.aa.bb\"}"));
    RUN(&ran, &mp, "token", "new", "--out", "{dir}/none/token", "--socket", "{socket}");
    assert_int_equal(ran.code, CTL_FAILED);
    RUN(&ran, &mp, "connector", "add", "cp1", "--out", "{dir}/none/cp", "--socket", "{socket}");
    assert_int_equal(ran.code, CTL_FAILED);
    assert_string_equal(mp.request, "");
}

static void a_list_is_a_table_for_people_and_the_answer_for_programs(void **state)
{
    (void)state;
    const char *body = "{\"gateways\":[{\"id\":\"gw1\",\"host\":\"a.example\",\"port\":443,\"not_after\":1800000000},"
                       "{\"id\":\"gateway-two\",\"host\":\"b\",\"port\":8443,\"joining\":1800000060}]}";
    fake_mp_set(&mp, fake_mp_answer(200, body));
    RUN(&ran, &mp, "gateway", "list", "--socket", "{socket}");
    assert_string_equal(ran.out, "ID           HOST       PORT  CERTIFICATE UNTIL  JOIN STRING UNTIL\n"
                                 "gw1          a.example   443  2027-01-15 08:00   -\n"
                                 "gateway-two  b          8443  -                  2027-01-15 08:01\n");
    RUN(&ran, &mp, "gateway", "list", "--socket", "{socket}", "--json");
    json_t *answer = json_loads(ran.out, 0, NULL);
    assert_int_equal(json_array_size(json_object_get(answer, "gateways")), 2);
    json_decref(answer);
    fake_mp_set(&mp, fake_mp_answer(200, "{\"gateways\":[]}"));
    RUN(&ran, &mp, "gateway", "list", "--socket", "{socket}");
    assert_non_null(strstr(ran.out, "no gateways yet"));
}

static void a_name_of_a_device_cannot_steer_the_terminal(void **state)
{
    (void)state;
    fake_mp_set(
        &mp, fake_mp_answer(
                 200, "{\"devices\":[{\"name\":\"a\\u001b[2Jb\\u009bc\\nd\",\"guid\":\"g\",\"state\":\"blocked\"}]}"));
    RUN(&ran, &mp, "device", "list", "--socket", "{socket}");
    assert_int_equal(ran.code, CTL_DONE);
    assert_non_null(strstr(ran.out, "a?[2Jb??c?d"));
    assert_null(strchr(ran.out, '\033'));
}

static void arguments_in_paths_are_escaped(void **state)
{
    (void)state;
    fake_mp_set(&mp, fake_mp_answer(204, ""));
    RUN(&ran, &mp, "device", "block", "a/../b c?d", "--socket", "{socket}");
    assert_int_equal(ran.code, CTL_DONE);
    assert_true(slice_starts(slice_of(mp.request), slice_of("POST /v1/devices/a%2F..%2Fb%20c%3Fd/block HTTP/1.1\r\n")));
    assert_non_null(strstr(ran.out, "a/../b c?d blocked"));
    RUN(&ran, &mp, "device", "remove", "..", "--socket", "{socket}");
    assert_true(slice_starts(slice_of(mp.request), slice_of("DELETE /v1/devices/.. HTTP/1.1\r\n")));
}

static void a_refusal_tells_what_where_and_the_remedy(void **state)
{
    (void)state;
    fake_mp_set(&mp, fake_mp_answer(
                         409, "{\"title\":\"Conflict\",\"status\":409,\"code\":\"MP_Exists\",\"detail\":\"gateway gw1 "
                              "exists\",\"remedy\":\"take another id\"}"));
    RUN(&ran, &mp, "gateway", "add", "gw1", "--host", "h", "--socket", "{socket}");
    assert_int_equal(ran.code, CTL_FAILED);
    assert_string_equal(ran.out, "");
    assert_non_null(strstr(ran.err, "gateway gw1 exists"));
    assert_non_null(strstr(ran.err, "POST /v1/gateways  MP_Exists"));
    assert_non_null(strstr(ran.err, "remedy: take another id"));
    RUN(&ran, &mp, "gateway", "add", "gw1", "--host", "h", "--socket", "{socket}", "--json");
    json_t *whole = json_loads(ran.err, 0, NULL), *error = json_object_get(whole, "error");
    assert_string_equal(json_string_value(json_object_get(error, "code")), "MP_Exists");
    assert_int_equal(json_integer_value(json_object_get(error, "status")), 409);
    json_decref(whole);
}

static void answers_that_are_no_answers_fail_clearly(void **state)
{
    (void)state;
    static const char *const answers[] = {NULL,
                                          "",
                                          "garbage\r\n\r\n",
                                          "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\n{\"a\"",
                                          "HTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\n{]}",
                                          "HTTP/1.1 500 X\r\nContent-Length: 2\r\n\r\nno"};
    for (size_t i = 0; i < ARRAY_LEN(answers); i++) {
        fake_mp_set(&mp, answers[i]);
        RUN(&ran, &mp, "status", "--socket", "{socket}");
        assert_int_equal(ran.code, CTL_FAILED);
        assert_true(strlen(ran.err) > 10);
        assert_string_equal(ran.out, "");
    }
}

static void members_of_a_wrong_kind_do_not_break_the_tables(void **state)
{
    (void)state;
    static const char *const bodies[] = {"{}", "[]", "{\"devices\":7,\"gateways\":\"x\",\"connectors\":[1,[],null]}",
                                         "{\"site\":[],\"bundle\":[1],\"management_points\":{\"a\":1}}",
                                         "{\"gateways\":[{\"id\":7,\"refusals\":[1]},{\"refusals\":{\"a\":{}}},3]}"};
    for (size_t i = 0; i < ARRAY_LEN(bodies); i++) {
        fake_mp_set(&mp, fake_mp_answer(200, bodies[i]));
        RUN(&ran, &mp, "status", "--socket", "{socket}");
        assert_int_equal(ran.code, CTL_DONE);
    }
}

static void a_certificate_that_ends_soon_stands_out(void **state)
{
    (void)state;
    static const struct {
        int64_t in_s;
        const char *told;
    } cases[] = {{400 * 86400 + 60, "400 days\n"},
                 {60 * 86400 + 60, "60 days: renew it soon"},
                 {86400 + 60, "1 day: renew it soon"},
                 {-1, "HAS ENDED"}};
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        char body[128];
        (void)snprintf(body, sizeof body, "{\"certificates\":[{\"what\":\"role CA\",\"not_after\":%lld}]}",
                       (long long)(clock_wall_s() + cases[i].in_s));
        fake_mp_set(&mp, fake_mp_answer(200, body));
        RUN(&ran, &mp, "status", "--socket", "{socket}");
        assert_non_null(strstr(ran.out, cases[i].told));
    }
}

static void a_socket_without_a_management_point_says_so(void **state)
{
    (void)state;
    RUN(&ran, &mp, "status", "--socket", "{dir}/none.sock");
    assert_int_equal(ran.code, CTL_FAILED);
    assert_non_null(strstr(ran.err, "no management point answers there"));
    assert_non_null(strstr(ran.err, "none.sock"));
    assert_int_equal(setenv("CMG_ADMIN_SOCKET", "/nowhere/x.sock", 1), 0);
    RUN(&ran, &mp, "status");
    assert_non_null(strstr(ran.err, "/nowhere/x.sock"));
    assert_int_equal(unsetenv("CMG_ADMIN_SOCKET"), 0);
    char path[300];
    memset(path, 'a', sizeof path - 1);
    path[0] = '/';
    path[sizeof path - 1] = '\0';
    RUN(&ran, &mp, "status", "--socket", path);
    assert_int_equal(ran.code, CTL_FAILED);
    assert_non_null(strstr(ran.err, "too long"));
}

static void settings_are_sent_as_what_they_are(void **state)
{
    (void)state;
    fake_mp_set(&mp, fake_mp_answer(200, "{}"));
    RUN(&ran, &mp, "settings", "set", "crl_check", "off", "--socket", "{socket}");
    assert_int_equal(ran.code, CTL_DONE);
    assert_true(slice_starts(slice_of(mp.request), slice_of("PUT /v1/settings/crl_check HTTP/1.1\r\n")));
    assert_non_null(strstr(mp.request, "{\"value\":false}"));
    RUN(&ran, &mp, "settings", "set", "renewal_grace", "90d", "--socket", "{socket}");
    assert_non_null(strstr(mp.request, "{\"value\":7776000}"));
    RUN(&ran, &mp, "settings", "set", "approval", "manual", "--socket", "{socket}");
    assert_non_null(strstr(mp.request, "{\"value\":\"manual\"}"));
    RUN(&ran, &mp, "settings", "set", "crl_check", "perhaps", "--socket", "{socket}");
    assert_int_equal(ran.code, CTL_USAGE);
    RUN(&ran, &mp, "settings", "set", "colour", "red", "--socket", "{socket}");
    assert_int_equal(ran.code, CTL_USAGE);
    assert_non_null(strstr(ran.err, "crl_check"));
}

static void an_endpoint_carries_what_its_options_say(void **state)
{
    (void)state;
    fake_mp_set(&mp, fake_mp_answer(200, "{\"endpoint\":{}}"));
    RUN(&ran, &mp, "endpoint", "add", "git", "--url", "http://10.0.0.5", "--auth", "pki,token", "--method", "GET",
        "--method", "POST", "--max-body", "1GiB", "--socket", "{socket}");
    assert_int_equal(ran.code, CTL_DONE);
    json_t *body = json_loads(strstr(mp.request, "\r\n\r\n") + 4, 0, NULL);
    assert_string_equal(json_string_value(json_object_get(body, "role")), "git");
    assert_string_equal(json_string_value(json_object_get(body, "name")), "");
    assert_int_equal(json_array_size(json_object_get(body, "auth")), 2);
    assert_int_equal(json_array_size(json_object_get(body, "methods")), 2);
    assert_int_equal(json_integer_value(json_object_get(body, "max_body")), 1073741824);
    json_decref(body);
    RUN(&ran, &mp, "endpoint", "add", "apt", "--url", "http://x", "--host", "apt.example.com", "--socket", "{socket}");
    body = json_loads(strstr(mp.request, "\r\n\r\n") + 4, 0, NULL);
    assert_null(json_object_get(body, "role"));
    json_decref(body);
}

static void wrong_usage_ends_with_2(void **state)
{
    (void)state;
    static const char *const wrong[][6] = {{"device"},
                                           {"nothing"},
                                           {"device", "block"},
                                           {"device", "block", "a", "b"},
                                           {"gateway", "add", "gw1"},
                                           {"token", "new", "--lifetime", "soon"},
                                           {"token", "new", "--uses", "0"},
                                           {"policy", "add", "p"},
                                           {"trust", "add"},
                                           {"init", "--dir", "/nowhere", "--site", "lower"},
                                           {"choices", "check", "--mp", "https"},
                                           {"choices", "check", "--mp", "x", "--client=pki"},
                                           {"status", "--what"}};
    for (size_t i = 0; i < ARRAY_LEN(wrong); i++) {
        const char *words[7] = {0};
        memcpy(words, wrong[i], sizeof wrong[i]);
        run_cmg(&ran, NULL, words);
        if (ran.code != CTL_USAGE || ran.err[0] == '\0')
            fail_msg("'%s %s' ended with %d", words[0], words[1] ? words[1] : "", ran.code);
    }
    run_cmg(&ran, NULL, (const char *const[]){NULL});
    assert_int_equal(ran.code, CTL_USAGE);
}

static void choices_check_answers_in_exit_code_and_json(void **state)
{
    (void)state;
    RUN(&ran, NULL, "choices", "check", "--mp", "https", "--client", "pki", "--json");
    assert_int_equal(ran.code, CTL_DONE);
    json_t *a = json_loads(ran.out, 0, NULL);
    assert_true(json_is_true(json_object_get(a, "supported")));
    assert_true(json_is_array(json_object_get(a, "reasons")) && json_is_array(json_object_get(a, "requirements")) &&
                json_is_array(json_object_get(a, "limitations")));
    json_decref(a);
    RUN(&ran, NULL, "choices", "check", "--mp", "ehttp", "--client", "pki", "--json");
    assert_int_equal(ran.code, CTL_FAILED);
    a = json_loads(ran.out, 0, NULL);
    assert_true(json_is_false(json_object_get(a, "supported")));
    json_decref(a);
    RUN(&ran, NULL, "choices", "check", "--mp", "ehttp", "--client", "token", "--client-version", "5.00.8913", "--join",
        "workgroup");
    assert_int_equal(ran.code, CTL_FAILED);
    RUN(&ran, NULL, "choices", "check", "--mp", "ehttp", "--client", "token", "--client-version", "5.00.8968", "--join",
        "workgroup");
    assert_int_equal(ran.code, CTL_DONE);
    RUN(&ran, NULL, "choices", "check", "--mp", "https", "--client", "pki", "--crl", "ad", "--crl-relay", "on");
    assert_int_equal(ran.code, CTL_DONE);
    RUN(&ran, NULL, "choices", "--json");
    a = json_loads(ran.out, 0, NULL);
    assert_int_equal(json_array_size(json_object_get(a, "matrix")), 2);
    json_decref(a);
    RUN(&ran, NULL, "explain", "CMGService_Not_Allowed");
    assert_non_null(strstr(ran.out, "blocked"));
    RUN(&ran, NULL, "explain", "nothing-of-this-name");
    assert_int_equal(ran.code, CTL_FAILED);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_new_token_is_printed_to_standard_output_alone),
        cmocka_unit_test(secrets_go_into_files_that_only_the_owner_reads),
        cmocka_unit_test(no_secret_is_made_that_could_not_be_written),
        cmocka_unit_test(a_list_is_a_table_for_people_and_the_answer_for_programs),
        cmocka_unit_test(a_name_of_a_device_cannot_steer_the_terminal),
        cmocka_unit_test(arguments_in_paths_are_escaped),
        cmocka_unit_test(a_refusal_tells_what_where_and_the_remedy),
        cmocka_unit_test(answers_that_are_no_answers_fail_clearly),
        cmocka_unit_test(members_of_a_wrong_kind_do_not_break_the_tables),
        cmocka_unit_test(a_certificate_that_ends_soon_stands_out),
        cmocka_unit_test(a_socket_without_a_management_point_says_so),
        cmocka_unit_test(settings_are_sent_as_what_they_are),
        cmocka_unit_test(an_endpoint_carries_what_its_options_say),
        cmocka_unit_test(wrong_usage_ends_with_2),
        cmocka_unit_test(choices_check_answers_in_exit_code_and_json),
    };
    return cmocka_run_group_tests(tests, start, stop);
}
