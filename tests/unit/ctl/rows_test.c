/* SPDX-License-Identifier: Apache-2.0 */
/* Rows of a store as lines of JSON, and what a backup says of itself. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>

#include "ctl/backup/about.h"
#include "ctl/backup/relocate.h"
#include "ctl/backup/rows.h"

static const struct store_copy_row sample = {"device",
                                             {"guid", "name", "blocked", "seen", "report", "bytes", "broken"},
                                             {{STORE_TEXT, {"a\n\"\\", 4}, 0},
                                              {STORE_TEXT, {"", 0}, 0},
                                              {STORE_INT, {NULL, 0}, INT64_MIN},
                                              {STORE_INT, {NULL, 0}, INT64_MAX},
                                              {STORE_NULL, {NULL, 0}, 0},
                                              {STORE_TEXT, {"a\0b", 3}, 0},
                                              {STORE_TEXT, {"\xff\xfe", 2}, 0}},
                                             7};

static enum result expect_sample(void *ctx, const struct store_copy_row *row, struct error *err UNUSED)
{
    ++*(size_t *)ctx;
    assert_string_equal(row->table, sample.table);
    assert_int_equal(row->count, sample.count);
    for (size_t i = 0; i < row->count; i++) {
        assert_string_equal(row->columns[i], sample.columns[i]);
        assert_int_equal(row->values[i].kind, sample.values[i].kind);
        assert_true(row->values[i].number == sample.values[i].number);
        assert_true(slice_eq(row->values[i].bytes, sample.values[i].bytes));
    }
    return OK;
}

static void each_value_comes_back_as_it_was(void **state)
{
    (void)state;
    struct buf b;
    struct error err;
    size_t rows = 0;
    buf_init(&b, 65536);
    assert_int_equal(rows_write_table(&b, &sample), OK);
    assert_int_equal(rows_write(&b, &sample), OK);
    assert_int_equal(rows_write(&b, &sample), OK);
    assert_int_equal(rows_read(buf_data(&b), expect_sample, &rows, &err), OK);
    assert_int_equal(rows, 2);
    buf_free(&b);
}

static enum result count(void *ctx, const struct store_copy_row *row UNUSED, struct error *err UNUSED)
{
    ++*(size_t *)ctx;
    return OK;
}

static void rows_that_are_not_whole_are_refused(void **state)
{
    (void)state;
    static const char *const bad[] = {
        "[1]\n",
        "{\"table\": \"a\", \"columns\": [\"b\"]}\n[1, 2]\n",
        "{\"table\": \"a\", \"columns\": [\"b\"]}\n[]\n",
        "{\"table\": \"a\", \"columns\": [\"b\"]}\n[true]\n",
        "{\"table\": \"a\", \"columns\": [\"b\"]}\n[1.5]\n",
        "{\"table\": \"a\", \"columns\": [\"b\"]}\n[[1]]\n",
        "{\"table\": \"a\", \"columns\": [\"b\"]}\n[{\"base64\": \"a\"}]\n",
        "{\"table\": \"a\", \"columns\": [\"b\"]}\n[{}]\n",
        "{\"table\": \"a\", \"columns\": [\"b\"]}\n[1\n",
        "{\"table\": \"a\", \"columns\": [\"b\"]}\n\n",
        "{\"table\": \"a\", \"columns\": [1]}\n",
        "{\"table\": \"a\", \"columns\": []}\n",
        "{\"columns\": [\"b\"]}\n",
        "{\"table\": 1, \"columns\": [\"b\"]}\n",
        "\"a\"\n",
    };
    for (size_t i = 0; i < ARRAY_LEN(bad); i++) {
        struct error err = {0};
        size_t rows = 0;
        if (rows_read(slice_of(bad[i]), count, &rows, &err) == OK || !*err.text)
            fail_msg("taken: %s", bad[i]);
        assert_int_equal(rows, 0);
    }
}

static enum result read_about(const char *format, const char *path, struct error *err)
{
    char text[1024];
    json_t *about = NULL;
    (void)snprintf(
        text, sizeof text,
        "{\"format\": %s, \"site\": \"LAB\", \"pin\": \"00\", \"made\": 1, \"version\": \"9.9\", \"schema\": 1, "
        "\"host\": \"h\", \"dir\": \"/etc/opencmg\", \"store\": \"sqlite\", \"root_key\": true, \"files\": ["
        "{\"part\": \"site/mp.yaml\", \"path\": \"mp.yaml\", \"mode\": 416, \"of\": \"group\"},"
        "{\"part\": \"files/1\", \"path\": \"%s\", \"mode\": 384, \"of\": \"root\"}]}",
        format, path);
    enum result r = backup_about_read(slice_of(text), &about, err);
    json_decref(about);
    return r;
}

static void a_backup_names_no_file_that_leads_out_of_its_folder(void **state)
{
    (void)state;
    static const char *const bad[] = {"", "/", "../x", "a/../../x", "/etc/../x", "a//b", "./x", "a/", "a/.", ".."};
    struct error err;
    assert_int_equal(read_about("1", "keys/root.pem", &err), OK);
    assert_int_equal(read_about("1", "/etc/ssl/mp.pem", &err), OK);
    for (size_t i = 0; i < ARRAY_LEN(bad); i++) {
        if (read_about("1", bad[i], &err) == OK)
            fail_msg("taken: '%s'", bad[i]);
    }
}

static void a_backup_of_a_newer_program_is_told_with_its_version(void **state)
{
    (void)state;
    struct error err = {0};
    assert_int_equal(read_about("2", "a", &err), R_CONFLICT);
    assert_non_null(strstr(err.text, "9.9"));
    assert_non_null(strstr(err.remedy, "newer"));
}

static void only_the_line_of_the_store_changes(void **state)
{
    (void)state;
    static const struct {
        const char *before, *store, *after;
    } cases[] = {
        {"# a\nsite: X\nstore: old\nb: c\n", NULL, "# a\nsite: X\nstore: old\nb: c\n"},
        {"# a\nsite: X\nstore: old\nb: c\n", "sqlite", "# a\nsite: X\nb: c\n"},
        {"site: X", "sqlite", "site: X"},
        {"site: X\n  store: within\n", "postgresql:///d", "store: \"postgresql:///d\"\nsite: X\n  store: within\n"},
        {"site: X\nstore: old\n", "postgresql:///d", "store: \"postgresql:///d\"\nsite: X\n"},
    };
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        char *text = NULL;
        struct error err;
        assert_int_equal(relocate_store(slice_of(cases[i].before), cases[i].store, &text, &err), OK);
        assert_string_equal(text, cases[i].after);
        free(text);
    }
    char *text = NULL;
    struct error err;
    assert_int_equal(relocate_store(SLICE("a: b\n"), "postgresql://u:secret@h/d", &text, &err), R_DENIED);
    assert_int_equal(relocate_store(SLICE("a: b\n"), "/a/file", &text, &err), R_INVALID);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(each_value_comes_back_as_it_was),
        cmocka_unit_test(rows_that_are_not_whole_are_refused),
        cmocka_unit_test(a_backup_names_no_file_that_leads_out_of_its_folder),
        cmocka_unit_test(a_backup_of_a_newer_program_is_told_with_its_version),
        cmocka_unit_test(only_the_line_of_the_store_changes),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
