/* SPDX-License-Identifier: Apache-2.0 */
/* cmg quickstart, step by step: what is on the disk before a program runs, what the site is told, what is kept for the
 * next run, and what the end of a log says. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include <stdlib.h>
#include <sys/stat.h>

#include "base/host/file.h"
#include "base/mem.h"
#include "ctl/setup/quick.h"
#include "lines.h"

static struct quick q;
static struct ctl_common common;
static struct ctl_fault fault;
static char text[65536];

static void read_back(const char *name)
{
    char *path = file_join(mp.dir, name), *data;
    size_t len;
    struct error err;
    if (file_read(path, sizeof text - 1, &data, &len, &err) != OK)
        fail_msg("%s", err.text);
    memcpy(text, data, len + 1);
    free(data);
    free(path);
}

static void put(const char *name, const char *data)
{
    char *path = file_join(mp.dir, name);
    assert_int_equal(file_write(path, slice_of(data), 0600, NULL), OK);
    free(path);
}

static bool is_there(const char *name)
{
    char *path = file_join(mp.dir, name);
    bool ret = file_exists(path);
    free(path);
    return ret;
}

static int start(void **state UNUSED)
{
    fake_mp_start(&mp);
    fault = (struct ctl_fault){0};
    q = (struct quick){.common = &common, .dir = mp.dir};
    for (size_t i = 0; i < QUICK_PORTS; i++)
        q.ports[i] = (struct port){.fd = -1};
    return 0;
}

static int stop(void **state UNUSED)
{
    for (size_t i = 0; i < QUICK_PORTS; i++)
        port_release(&q.ports[i]);
    json_decref(q.report);
    free(q.socket_dir);
    fake_mp_stop(&mp);
    return 0;
}

/* As quick_make_site() leaves it, with the fake's socket in the report. */
static void begin(void)
{
    put("pki-is-a-folder", "");
    char *pki = file_join(mp.dir, "pki");
    assert_int_equal(mkdir(pki, 0700), 0);
    free(pki);
    put("pki/connector.pem", "the connector's\n");
    put("pki/ca.pem", "the CA's\n");
    put("pki/ca.crl", "\x30\x03\x02\x01\x05");
    char *token = file_join(mp.dir, "bulk-token");
    q.report = json_pack("{s:s, s:s}", "admin_socket", mp.socket, "token_file", token);
    free(token);
}

/* --- what is made --- */

static void all_that_a_site_needs_is_on_the_disk_before_a_program_runs(void **state UNUSED)
{
    static const char *const made[] = {"mp.yaml",       "gateway.yaml",     "connector.yaml",
                                       "keys/root.pem", "offline/root.key", "pki/mp.pem",
                                       "pki/ca.crl",    "state/new-site",   "pki/gateway.key"};
    char line[64];
    assert_int_equal(quick_make_site(&q, &fault), OK);
    for (size_t i = 0; i < ARRAY_LEN(made); i++) {
        if (!is_there(made[i]))
            fail_msg("%s is missing", made[i]);
    }
    for (size_t i = 0; i < QUICK_PORTS; i++)
        assert_int_not_equal(q.ports[i].number, 0);
    read_back("gateway.yaml");
    (void)snprintf(line, sizeof line, "listen: [\"127.0.0.1:%u\"]\n", q.ports[PORT_GATEWAY].number);
    assert_non_null(strstr(text, line));
    (void)snprintf(line, sizeof line, "admin_listen: \"127.0.0.1:%u\"\n", q.ports[PORT_ADMIN].number);
    assert_non_null(strstr(text, line));
    read_back("mp.yaml");
    (void)snprintf(line, sizeof line, "listen: \"127.0.0.1:%u\"\n", q.ports[PORT_HTTPS].number);
    assert_non_null(strstr(text, line));
    (void)snprintf(line, sizeof line, "listen: \"127.0.0.1:%u\"\n", q.ports[PORT_EHTTP].number);
    assert_non_null(strstr(text, line));
}

static void the_report_names_files_that_are_there_and_the_roles_of_the_site(void **state UNUSED)
{
    static const char *const files[] = {"ca",          "ca_key", "certificate", "key", "revoked_certificate",
                                        "revoked_key", "crl"};
    assert_int_equal(quick_make_site(&q, &fault), OK);
    const json_t *pki = json_object_get(q.report, "pki"), *roles = json_object_get(q.report, "roles");
    for (size_t i = 0; i < ARRAY_LEN(files); i++) {
        if (!file_exists(json_opt_str(pki, files[i], "")))
            fail_msg("%s is %s", files[i], json_opt_str(pki, files[i], "nowhere"));
    }
    read_back("mp.yaml");
    assert_non_null(strstr(text, json_opt_str(roles, "https", "?")));
    assert_non_null(strstr(text, json_opt_str(roles, "ehttp", "?")));
    assert_string_not_equal(json_opt_str(roles, "https", ""), json_opt_str(roles, "ehttp", ""));
    assert_string_equal(quick_report_text(&q, "dir"), mp.dir);
}

/* A Unix socket's path has 107 bytes. */
static void a_socket_whose_path_would_be_too_long_gets_a_folder_of_its_own(void **state UNUSED)
{
    char deep[128];
    (void)snprintf(deep, sizeof deep, "%s/%070d", mp.dir, 0);
    assert_int_equal(mkdir(deep, 0700), 0);
    q.dir = deep;
    assert_int_equal(quick_make_site(&q, &fault), OK);
    const char *socket = quick_report_text(&q, "admin_socket");
    assert_non_null(q.socket_dir);
    assert_true(slice_starts(slice_of(socket), slice_of(q.socket_dir)) && strlen(socket) <= 100);
    remove_tree(q.socket_dir);
    q.dir = mp.dir;
}

static void a_folder_that_cannot_be_written_is_named(void **state UNUSED)
{
    q.dir = (char *)(uintptr_t) "/proc/none";
    assert_int_not_equal(quick_make_site(&q, &fault), OK);
    assert_string_equal(fault.where, "/proc/none");
    assert_true(*fault.what.text);
    assert_null(q.report);
    q.dir = mp.dir;
}

/* --- what the site is told --- */

static const struct fake_row takes_all[] = {{"POST /v1/gateways", 201, "{\"bootstrap\":{\"of\":\"gateway\"}}"},
                                            {"POST /v1/connectors", 201, "{\"bootstrap\":\"as text\"}"},
                                            {"GET /v1/enrollment", 200, "{\"site\":\"LAB\"}"},
                                            {"", 200, "{}"},
                                            {NULL, 0, NULL}};

static void the_site_is_told_in_the_order_in_which_things_need_each_other(void **state UNUSED)
{
    begin();
    fake_mp_rows(&mp, takes_all);
    assert_int_equal(quick_configure_site(&q, &fault), OK);
    assert_string_equal(mp.asked, "POST /v1/gateways\nPOST /v1/connectors\nPOST /v1/trust\nPOST /v1/trust\n"
                                  "POST /v1/policies\nPUT /v1/settings/gateway_ca_pem\nGET /v1/enrollment\n");
    read_back("gateway.bootstrap.json");
    assert_string_equal(text, "{\"of\":\"gateway\"}");
    read_back("connector.bootstrap.json");
    assert_string_equal(text, "as text");
    read_back("enrollment.json");
    assert_string_equal(text, "{\"site\":\"LAB\"}");
    assert_true(is_there("quickstart.json"));
}

static void a_site_that_was_resumed_is_told_nothing_again(void **state UNUSED)
{
    begin();
    fake_mp_rows(&mp, takes_all);
    q.resumed = true;
    assert_int_equal(quick_make_site(&q, &fault), OK);
    assert_int_equal(quick_configure_site(&q, &fault), OK);
    assert_string_equal(mp.asked, "");
    assert_false(is_there("mp.yaml"));
}

/* quickstart.json says that the folder can be started again: it is written when all before it went well. */
static void what_is_refused_ends_it_and_the_folder_is_not_called_complete(void **state UNUSED)
{
    static const char *const refused[] = {"POST /v1/gateways", "POST /v1/connectors", "POST /v1/trust",
                                          "POST /v1/policies", "PUT /v1/settings",    "GET /v1/enrollment"};
    begin();
    for (size_t i = 0; i < ARRAY_LEN(refused); i++) {
        const struct fake_row rows[] = {{refused[i], 409, "{\"detail\":\"not this one\"}"},
                                        {"POST /v1/gateways", 201, "{\"bootstrap\":{}}"},
                                        {"POST /v1/connectors", 201, "{\"bootstrap\":{}}"},
                                        {"", 200, "{}"},
                                        {NULL, 0, NULL}};
        fake_mp_rows(&mp, rows);
        assert_int_equal(quick_configure_site(&q, &fault), R_CONFLICT);
        assert_string_equal(fault.what.text, "not this one");
        assert_false(is_there("quickstart.json"));
    }
    fake_mp_rows(&mp, NULL);
}

static void an_answer_without_what_was_asked_for_is_a_failure(void **state UNUSED)
{
    static const struct fake_row empty[] = {{"", 200, "{}"}, {NULL, 0, NULL}},
                                 silent[] = {{"POST", 200, "{\"bootstrap\":{}}"}, {"", 200, ""}, {NULL, 0, NULL}};
    begin();
    fake_mp_rows(&mp, empty);
    assert_int_equal(quick_configure_site(&q, &fault), R_INVALID);
    assert_non_null(strstr(fault.where, "gateway.bootstrap.json"));
    assert_int_equal(quick_make_token(&q, &fault), R_INVALID);
    assert_false(is_there("bulk-token"));
    fake_mp_rows(&mp, silent);
    assert_int_equal(quick_configure_site(&q, &fault), R_INVALID);
    assert_false(is_there("enrollment.json"));
    fake_mp_rows(&mp, NULL);
}

static void a_token_goes_into_a_file_that_only_the_owner_reads(void **state UNUSED)
{
    struct stat st;
    begin();
    fake_mp_set(&mp, fake_mp_answer(201, "{\"token\":\"secret\"}"));
    assert_int_equal(quick_make_token(&q, &fault), OK);
    read_back("bulk-token");
    assert_string_equal(text, "secret");
    assert_int_equal(stat(quick_report_text(&q, "token_file"), &st), 0);
    assert_int_equal(st.st_mode & 0777, 0600);
    assert_non_null(strstr(mp.request, "\"uses\":1000"));
}

/* --- a folder of a run before --- */

static void a_folder_that_is_complete_is_gone_on_with(void **state UNUSED)
{
    put("quickstart.json", "{\"admin_socket\":\"/tmp/a.sock\",\"gateway\":\"https://localhost:1\"}");
    assert_true(quick_resume(&q, &fault));
    assert_true(q.resumed);
    assert_string_equal(quick_report_text(&q, "gateway"), "https://localhost:1");
}

static void the_sockets_own_folder_is_made_again(void **state UNUSED)
{
    char report[256], *gone = file_join(mp.dir, "gone");
    (void)snprintf(report, sizeof report, "{\"admin_socket\":\"%s/a.sock\"}", gone);
    put("quickstart.json", report);
    assert_true(quick_resume(&q, &fault));
    assert_true(file_exists(gone));
    free(gone);
}

static void a_report_that_is_none_is_not_gone_on_with(void **state UNUSED)
{
    static const char *const bad[] = {"", "{\"gateway\":", "[1]", "\"text\""};
    assert_false(quick_resume(&q, &fault));
    for (size_t i = 0; i < ARRAY_LEN(bad); i++) {
        put("quickstart.json", bad[i]);
        if (quick_resume(&q, &fault) || q.resumed || q.report)
            fail_msg("'%s' was taken", bad[i]);
        assert_non_null(strstr(fault.where, "quickstart.json"));
    }
}

/* --- the end of a log --- */

static const struct quick_program program = {.name = "cmg-mp", .log = "mp.log"};
static char told[8192];

static bool tail_of(const char *log)
{
    FILE *into = tmpfile();
    int old = dup(STDERR_FILENO);
    if (log)
        put("mp.log", log);
    assert_true(into && old >= 0 && dup2(fileno(into), STDERR_FILENO) >= 0);
    bool ret = quick_log_tail(&q, &program);
    (void)fflush(stderr);
    (void)dup2(old, STDERR_FILENO);
    (void)close(old);
    rewind(into);
    told[fread(told, 1, sizeof told - 1, into)] = '\0';
    (void)fclose(into);
    return ret;
}

static void an_address_in_use_is_known_by_the_words_of_the_system(void **state UNUSED)
{
    assert_true(tail_of("listen 127.0.0.1:1: Address already in use\n"));
    assert_true(tail_of("bind: address already in use"));
    assert_true(tail_of("EADDRINUSE\n"));
    assert_false(tail_of("address is not available\n"));
    assert_false(tail_of(""));
}

static void of_a_long_log_the_end_is_told_and_looked_at(void **state UNUSED)
{
    static char log[4096 + 64];
    char *path;
    memset(log, 'x', 4096);
    memcpy(log, "EADDRINUSE", 10);
    memcpy(log + 4096, "the last line", sizeof "the last line");
    assert_false(tail_of(log));
    assert_non_null(strstr(told, "the last line\n---\n"));
    assert_in_range(strlen(told), 3000, 3200);
    assert_true(slice_starts(slice_of(told), SLICE("--- the end of ")));
    path = file_join(mp.dir, "mp.log");
    assert_int_equal(unlink(path), 0);
    free(path);
    assert_false(tail_of(NULL));
    assert_true(slice_starts(slice_of(told), SLICE("mp.log: ")));
}

/* --- what is announced --- */

static void on_end(void *arg, int code)
{
    size_t *left = arg;
    assert_int_equal(code, 0);
    if (--*left == 0)
        loop_stop(q.loop);
}

/* Each program was one that has ended. */
static void run_programs(void)
{
    static const char *const argv[] = {"/bin/true", NULL};
    char *log = file_join(mp.dir, "mp.log");
    size_t left = QUICK_PROGRAMS;
    q.loop = loop_new();
    for (size_t i = 0; i < QUICK_PROGRAMS; i++) {
        q.programs[i].name = "x";
        assert_int_equal(loop_child_start(q.loop, argv, log, on_end, &left, &q.programs[i].child, &fault.what), OK);
    }
    loop_run(q.loop);
    free(log);
}

static void forget_programs(void)
{
    for (size_t i = 0; i < QUICK_PROGRAMS; i++)
        loop_child_free(q.programs[i].child);
    loop_free(q.loop);
}

static void what_is_announced_can_be_typed_as_it_stands(void **state UNUSED)
{
    static const char *const lines[] = {"/bin/cmg-client register --token-file T --dir ",
                                        "/bin/cmg-client set Certificate=C Key=K --dir ",
                                        "/bin/cmg-client enroll E --dir ", "  export CMG_ADMIN_SOCKET=S\n"};
    q.bin = (char *)(uintptr_t) "/bin";
    q.report = json_pack("{s:s, s:s, s:s, s:{s:s, s:s}}", "token_file", "T", "enrollment", "E", "admin_socket", "S",
                         "pki", "certificate", "C", "key", "K");
    run_programs();
    FILE *into = tmpfile();
    int old = dup(STDOUT_FILENO);
    (void)fflush(stdout);
    assert_true(into && old >= 0 && dup2(fileno(into), STDOUT_FILENO) >= 0);
    quick_announce(&q);
    (void)fflush(stdout);
    (void)dup2(old, STDOUT_FILENO);
    forget_programs();
    (void)close(old);
    rewind(into);
    text[fread(text, 1, sizeof text - 1, into)] = '\0';
    (void)fclose(into);
    for (size_t i = 0; i < ARRAY_LEN(lines); i++) {
        if (!strstr(text, lines[i]))
            fail_msg("'%s' is not in\n%s", lines[i], text);
    }
}

#define EACH(test) cmocka_unit_test_setup_teardown(test, start, stop)

int main(void)
{
    const struct CMUnitTest tests[] = {
        EACH(all_that_a_site_needs_is_on_the_disk_before_a_program_runs),
        EACH(the_report_names_files_that_are_there_and_the_roles_of_the_site),
        EACH(a_socket_whose_path_would_be_too_long_gets_a_folder_of_its_own),
        EACH(a_folder_that_cannot_be_written_is_named),
        EACH(the_site_is_told_in_the_order_in_which_things_need_each_other),
        EACH(a_site_that_was_resumed_is_told_nothing_again),
        EACH(what_is_refused_ends_it_and_the_folder_is_not_called_complete),
        EACH(an_answer_without_what_was_asked_for_is_a_failure),
        EACH(a_token_goes_into_a_file_that_only_the_owner_reads),
        EACH(a_folder_that_is_complete_is_gone_on_with),
        EACH(the_sockets_own_folder_is_made_again),
        EACH(a_report_that_is_none_is_not_gone_on_with),
        EACH(an_address_in_use_is_known_by_the_words_of_the_system),
        EACH(of_a_long_log_the_end_is_told_and_looked_at),
        EACH(what_is_announced_can_be_typed_as_it_stands),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
