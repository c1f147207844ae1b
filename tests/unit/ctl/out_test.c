/* SPDX-License-Identifier: Apache-2.0 */
/* Text for people, and the files of a command line: cells, columns, lines that are wrapped, folders that are walked,
 * certificates of any form, files that can and can't be written. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/arena.h"
#include "base/clock.h"
#include "base/host/file.h"
#include "ctl/api.h"
#include "ctl/files.h"
#include "ctl/out.h"
#include "ctl/request.h"
#include "ctl/secret.h"
#include "fake_mp.h"
#include "pki/cert/cert.h"
#include "pki/issue/issue.h"

static char dir[64];
static char shown[8192];

static int start(void **state UNUSED)
{
    (void)snprintf(dir, sizeof dir, "/tmp/cmg-out-test-XXXXXX");
    return mkdtemp(dir) ? 0 : -1;
}

static int stop(void **state UNUSED)
{
    remove_tree(dir);
    return 0;
}

static json_t *parse(const char *text)
{
    json_t *o = json_loads(text, JSON_DECODE_ANY, NULL);
    if (!o)
        fail_msg("the test's JSON is none: %s", text);
    return o;
}

/* --- cells --- */

static void expect_cell(enum ctl_cell kind, const char *json, const char *absent, const char *wanted)
{
    json_t *value = parse(json);
    char *text = ctl_cell_text(value, kind, absent);
    if (strcmp(text, wanted) != 0)
        fail_msg("%s as kind %d is '%s', not '%s'", json, (int)kind, text, wanted);
    free(text);
    json_decref(value);
}

static void a_value_is_shown_as_its_column_says(void **state UNUSED)
{
    static const struct {
        enum ctl_cell kind;
        const char *json, *text;
    } cases[] = {
        {CTL_TEXT, "\"a\"", "a"},
        {CTL_TEXT, "7", "7"},
        {CTL_TEXT, "true", "yes"},
        {CTL_TEXT, "false", "no"},
        {CTL_TEXT, "{\"a\":1}", "{\"a\":1}"},
        {CTL_TIME, "86400", "1970-01-02 00:00"},
        {CTL_TIME, "1700000000", "2023-11-14 22:13"},
        {CTL_TIME, "\"soon\"", "soon"},
        {CTL_DURATION, "1", "1s"},
        {CTL_DURATION, "90", "90s"},
        {CTL_DURATION, "120", "2m"},
        {CTL_DURATION, "3600", "1h"},
        {CTL_DURATION, "5400", "90m"},
        {CTL_DURATION, "259200", "3d"},
        {CTL_LIST, "[\"a\",\"b\"]", "a,b"},
        {CTL_LIST, "[1,true,null]", "1,yes,"},
        {CTL_LIST, "[{\"sha256\":\"ab\",\"n\":1,\"subject\":\"CN=x\"},\"c\"]", "ab CN=x,c"},
    };
    for (size_t i = 0; i < ARRAY_LEN(cases); i++)
        expect_cell(cases[i].kind, cases[i].json, NULL, cases[i].text);
}

static void what_is_absent_is_shown_as_the_column_says(void **state UNUSED)
{
    static const struct {
        enum ctl_cell kind;
        const char *json;
    } cases[] = {{CTL_TEXT, "null"}, {CTL_TEXT, "\"\""}, {CTL_TIME, "0"}, {CTL_DURATION, "0"}, {CTL_LIST, "[]"}};
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        expect_cell(cases[i].kind, cases[i].json, NULL, "-");
        expect_cell(cases[i].kind, cases[i].json, "never", "never");
    }
    char *text = ctl_cell_text(NULL, CTL_TEXT, "gone");
    assert_string_equal(text, "gone");
    free(text);
}

static void what_came_from_a_device_steers_no_terminal(void **state UNUSED)
{
    expect_cell(CTL_TEXT, "\"a\\u001b[31mb\\u007f\"", NULL, "a?[31mb?");
    expect_cell(CTL_LIST, "[\"a\\nb\",{\"x\":\"c\\td\"}]", NULL, "a?b,c?d");
    expect_cell(CTL_TEXT, "\"\\u202eabc\"", NULL, "???abc"); /* turns the direction of text */
    expect_cell(CTL_TEXT, "\"M\u00fcnchen\"", NULL, "M\u00fcnchen");
}

static void a_list_that_is_too_long_says_how_many_more_there_are(void **state UNUSED)
{
    json_t *list = json_array();
    for (int i = 0; i < 1000; i++)
        (void)json_array_append_new(list, json_string("0123456789"));
    char *text = ctl_cell_text(list, CTL_LIST, NULL);
    assert_true(strlen(text) <= 4096 + 32);
    const char *more = strstr(text, " and ");
    assert_non_null(more);
    assert_int_equal(strtol(more + 5, NULL, 10) + (more - text + 1) / 11, 1000);
    free(text);
    json_decref(list);
}

/* --- tables --- */

static void take(FILE *f)
{
    rewind(f);
    shown[fread(shown, 1, sizeof shown - 1, f)] = '\0';
    (void)fclose(f);
}

static void show_table(const char *json, const struct ctl_column *columns)
{
    FILE *f = tmpfile();
    json_t *list = parse(json);
    ctl_table(f, list, columns, "there is none");
    json_decref(list);
    take(f);
}

static const struct ctl_column columns[] = {{"NAME", "name", CTL_TEXT, NULL},
                                            {"N", "n", CTL_NUMBER, "?"},
                                            {"STATE", "state", CTL_STATE, NULL},
                                            {NULL, NULL, CTL_TEXT, NULL}};

static void columns_are_as_wide_as_their_widest_cell_and_numbers_end_together(void **state UNUSED)
{
    show_table("[{\"name\":\"a\",\"n\":1,\"state\":\"ok\"},{\"name\":\"gateway\",\"n\":1000,\"state\":\"blocked\"}]",
               columns);
    assert_string_equal(shown, "NAME        N  STATE\n"
                               "a           1  ok\n"
                               "gateway  1000  blocked\n");
}

/* In a terminal's columns, not in bytes. */
static void letters_of_several_bytes_and_wide_ones_are_aligned(void **state UNUSED)
{
    show_table("[{\"name\":\"\u00fc\",\"n\":1},{\"name\":\"\u6771\u4eac\",\"n\":2},{\"name\":\"abcd\"}]", columns);
    assert_string_equal(shown, "NAME  N  STATE\n"
                               "\u00fc     1  -\n"
                               "\u6771\u4eac  2  -\n"
                               "abcd  ?  -\n");
}

static void rows_that_are_no_objects_are_rows_of_nothing(void **state UNUSED)
{
    show_table("[7,null,[]]", columns);
    assert_non_null(strstr(shown, "-     ?  -\n"));
}

static void an_empty_list_says_what_to_do(void **state UNUSED)
{
    show_table("[]", columns);
    assert_string_equal(shown, "there is none\n");
    show_table("{}", columns);
    assert_string_equal(shown, "there is none\n");
}

static void details_are_lines_behind_aligned_names(void **state UNUSED)
{
    FILE *f = tmpfile();
    json_t *o = parse("{\"name\":\"pc\",\"n\":3}");
    ctl_details(f, o, columns);
    json_decref(o);
    take(f);
    assert_string_equal(shown, "NAME:  pc\n"
                               "N:     3\n"
                               "STATE: -\n");
}

static void text_is_wrapped_at_blanks_and_later_lines_are_indented(void **state UNUSED)
{
    FILE *f = tmpfile();
    ctl_wrap(f, "one two three averyverylongword four", 2, 12);
    take(f);
    assert_string_equal(shown, "one two\n  three\n  averyverylongword\n  four\n");
}

static void json_is_one_line_for_programs_and_many_for_people(void **state UNUSED)
{
    static const char *const wanted[] = {"{\"a\":[1]}\n", "{\n  \"a\": [\n    1\n  ]\n}\n"};
    json_t *o = parse("{\"a\":[1]}");
    for (size_t i = 0; i < ARRAY_LEN(wanted); i++) {
        FILE *f = tmpfile();
        ctl_print_json(f, o, i == 1);
        take(f);
        assert_string_equal(shown, wanted[i]);
    }
    json_decref(o);
}

/* --- paths of requests --- */

static void an_argument_is_one_segment_of_a_path_whatever_it_holds(void **state UNUSED)
{
    static const struct {
        const char *path, *argument, *made;
    } cases[] = {{"/v1/a", "x", "/v1/a"},
                 {"/v1/a/%s", "x", "/v1/a/x"},
                 {"/v1/a/%s/b", "c/d?e#f", "/v1/a/c%2Fd%3Fe%23f/b"},
                 {"/v1/a/%s", "%s", "/v1/a/%25s"},
                 {"/v1/a/%s", "a b\u00fc", "/v1/a/a%20b%C3%BC"},
                 {"/v1/a/%s", "A-z_0.~", "/v1/a/A-z_0.~"}};
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        char *path = ctl_request_path(cases[i].path, cases[i].argument);
        assert_string_equal(path, cases[i].made);
        free(path);
    }
}

static void the_socket_is_that_of_the_command_line_else_of_the_environment(void **state UNUSED)
{
    const struct ctl_common given = {.socket = "/a"}, none = {.socket = NULL};
    (void)unsetenv("CMG_ADMIN_SOCKET");
    assert_string_equal(api_socket(NULL), CTL_SOCKET_DEFAULT);
    assert_string_equal(api_socket(&none), CTL_SOCKET_DEFAULT);
    (void)setenv("CMG_ADMIN_SOCKET", "", 1);
    assert_string_equal(api_socket(&none), CTL_SOCKET_DEFAULT);
    (void)setenv("CMG_ADMIN_SOCKET", "/b", 1);
    assert_string_equal(api_socket(&none), "/b");
    assert_string_equal(api_socket(&given), "/a");
    (void)unsetenv("CMG_ADMIN_SOCKET");
}

/* --- files --- */

static void write_text(const char *name, const char *text)
{
    char *path = file_join(dir, name);
    assert_int_equal(file_write(path, slice_of(text), 0644, NULL), OK);
    free(path);
}

static enum result note(void *arg, const char *path, struct error *err)
{
    char *names = arg;
    (void)strncat(names, strrchr(path, '/') + 1, 64);
    (void)strncat(names, " ", 2);
    return strstr(path, "stop") ? error_set(err, R_EOF, "stop") : OK;
}

static void a_folder_is_its_regular_files_in_the_order_of_their_names(void **state UNUSED)
{
    char names[512] = "", *folder = file_join(dir, "folder"), *file = file_join(dir, "folder/b"),
         *inner = file_join(dir, "folder/deeper"), *link = file_join(dir, "folder/c"), *none = file_join(dir, "none");
    struct error err;
    assert_int_equal(mkdir(folder, 0755), 0);
    assert_int_equal(mkdir(inner, 0755), 0);
    write_text("folder/b", "");
    write_text("folder/a", "");
    write_text("folder/.hidden", "");
    assert_int_equal(symlink("a", link), 0);
    assert_int_equal(ctl_files_each(folder, note, names, &err), OK);
    assert_string_equal(names, "a b c ");
    names[0] = '\0';
    assert_int_equal(ctl_files_each(file, note, names, &err), OK);
    assert_int_equal(ctl_files_each(none, note, names, &err), OK); /* whoever reads it says what is wrong */
    assert_string_equal(names, "b none ");
    names[0] = '\0';
    write_text("folder/aa-stop", "");
    assert_int_equal(ctl_files_each(folder, note, names, &err), R_EOF);
    assert_string_equal(names, "a aa-stop ");
    char *const all[] = {folder, file, inner, link, none};
    for (size_t i = 0; i < ARRAY_LEN(all); i++)
        free(all[i]);
}

static void a_secret_is_written_where_its_folder_lets_and_nowhere_else(void **state UNUSED)
{
    const struct ctl_common common = {.json = false};
    char *good = file_join(dir, "secret"), *bad = file_join(dir, "none/secret"), *text;
    struct stat st;
    size_t len;
    assert_true(ctl_can_write(&common, NULL));
    assert_true(ctl_can_write(&common, good));
    assert_false(ctl_can_write(&common, bad));
    assert_false(ctl_can_write(&common, "/tmp")); /* a folder: what was made could not be kept */
    assert_true(ctl_write_secret(&common, good, "x"));
    assert_false(ctl_write_secret(&common, bad, "x"));
    assert_int_equal(stat(good, &st), 0);
    assert_int_equal(st.st_mode & 0777, 0600);
    assert_true(ctl_read_file(&common, good, &text, &len));
    assert_string_equal(text, "x\n");
    assert_false(ctl_read_file(&common, bad, &text, &len));
    free(text);
    free(good);
    free(bad);
}

static X509 *certificate(void)
{
    X509 *cert;
    EVP_PKEY *key = pki_key_new();
    struct pki_request r = {.profile = PKI_DEVICE,
                            .common_name = "d",
                            .not_before = clock_wall_s() - 10,
                            .not_after = clock_wall_s() + 1000,
                            .subject_key = key};
    assert_int_equal(pki_issue(&r, &cert, NULL), OK);
    EVP_PKEY_free(key);
    return cert;
}

static void certificates_of_pem_and_der_become_pem(void **state UNUSED)
{
    X509 *cert = certificate();
    unsigned char *der = NULL;
    int len = i2d_X509(cert, &der);
    char *pem = pki_cert_pem(cert), *made;
    struct error err;
    assert_int_equal(ctl_certificates_pem(slice_make(der, (size_t)len), &made, &err), OK);
    assert_string_equal(made, pem);
    free(made);
    struct slice parts[] = {slice_of(pem), slice_of("\nsome words between\n"), slice_of(pem)};
    struct arena *a = arena_new(64 * 1024);
    assert_int_equal(ctl_certificates_pem(arena_join(a, parts, ARRAY_LEN(parts)), &made, &err), OK);
    assert_int_equal(strlen(made), 2 * strlen(pem));
    free(made);
    assert_int_equal(ctl_certificates_pem(SLICE("no certificate"), &made, &err), R_INVALID);
    assert_true(*err.text);
    arena_free(a);
    free(pem);
    OPENSSL_free(der);
    X509_free(cert);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_value_is_shown_as_its_column_says),
        cmocka_unit_test(what_is_absent_is_shown_as_the_column_says),
        cmocka_unit_test(what_came_from_a_device_steers_no_terminal),
        cmocka_unit_test(a_list_that_is_too_long_says_how_many_more_there_are),
        cmocka_unit_test(columns_are_as_wide_as_their_widest_cell_and_numbers_end_together),
        cmocka_unit_test(letters_of_several_bytes_and_wide_ones_are_aligned),
        cmocka_unit_test(rows_that_are_no_objects_are_rows_of_nothing),
        cmocka_unit_test(an_empty_list_says_what_to_do),
        cmocka_unit_test(details_are_lines_behind_aligned_names),
        cmocka_unit_test(text_is_wrapped_at_blanks_and_later_lines_are_indented),
        cmocka_unit_test(json_is_one_line_for_programs_and_many_for_people),
        cmocka_unit_test(an_argument_is_one_segment_of_a_path_whatever_it_holds),
        cmocka_unit_test(the_socket_is_that_of_the_command_line_else_of_the_environment),
        cmocka_unit_test(a_folder_is_its_regular_files_in_the_order_of_their_names),
        cmocka_unit_test(a_secret_is_written_where_its_folder_lets_and_nowhere_else),
        cmocka_unit_test(certificates_of_pem_and_der_become_pem),
    };
    return cmocka_run_group_tests(tests, start, stop);
}
