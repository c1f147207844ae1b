/* SPDX-License-Identifier: Apache-2.0 */
/* What is remembered of lists outlives a restart; what came damaged is told, and what is whole of it counts. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/host/file.h"
#include "gateway/snapshot/list_marks.h"

static char folder[64];

static int make_folder(void **state)
{
    (void)state;
    (void)snprintf(folder, sizeof folder, "/tmp/cmg-list-marks-XXXXXX");
    return mkdtemp(folder) ? 0 : -1;
}

static int remove_folder(void **state)
{
    static const char *const names[] = {"list-marks.json", "list-marks.json.damaged"};
    (void)state;
    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        char *path = file_join(folder, names[i]);
        (void)unlink(path);
        free(path);
    }
    return rmdir(folder);
}

static enum result take(struct list_marks *m, unsigned char place, int64_t this_update)
{
    struct error err;
    struct pki_list_info list = {.place = {place}, .age = {.this_update = this_update, .number = ""}};
    return list_marks_take(m, &list, &err);
}

static struct list_marks *again(struct list_marks *m)
{
    list_marks_free(m);
    return list_marks_new(folder);
}

static void no_older_list_is_taken_after_a_restart(void **state)
{
    char fault[ERROR_TEXT_MAX];
    (void)state;
    struct list_marks *m = list_marks_new(folder);
    assert_int_equal(take(m, 1, 2000), OK);
    assert_int_equal(take(m, 1, 1000), R_DENIED);
    m = again(m);
    assert_int_equal(take(m, 1, 1000), R_DENIED);
    assert_int_equal(take(m, 2, 1000), OK);
    assert_false(list_marks_fault(m, fault));
    list_marks_free(m);
}

/* One mark is no mark: the other one counts on. */
static void what_is_whole_of_a_damaged_file_counts_and_the_damage_is_told_until_somebody_looked(void **state)
{
    char fault[ERROR_TEXT_MAX], *path = file_join(folder, "list-marks.json"), *text, *old;
    size_t len;
    struct error err;
    (void)state;
    struct list_marks *m = list_marks_new(folder);
    assert_int_equal(take(m, 1, 2000), OK);
    assert_int_equal(take(m, 2, 2001), OK);
    assert_int_equal(file_read(path, 65536, &text, &len, &err), OK);
    old = strstr(text, "2001");
    assert_non_null(old);
    memcpy(old, "null", 4);
    assert_int_equal(file_write(path, slice_make(text, len), 0600, &err), OK);
    free(text);
    for (int restarts = 0; restarts < 2; restarts++) {
        m = again(m);
        assert_true(list_marks_fault(m, fault));
        assert_non_null(strstr(fault, "list-marks.json.damaged"));
        assert_int_equal(take(m, 1, 1000), R_DENIED);
        assert_int_equal(take(m, 1, 2000 + restarts), OK); /* which writes it */
    }
    free(path);
    path = file_join(folder, "list-marks.json.damaged");
    assert_int_equal(unlink(path), 0);
    assert_false(list_marks_fault(m, fault));
    free(path);
    list_marks_free(m);
}

static void a_file_that_is_no_json_at_all_is_set_aside(void **state)
{
    static const char *const damaged[] = {"", "{", "[]", "\x01\x02"};
    char fault[ERROR_TEXT_MAX], *path = file_join(folder, "list-marks.json");
    struct error err;
    (void)state;
    for (size_t i = 0; i < sizeof damaged / sizeof *damaged; i++) {
        assert_int_equal(file_write(path, slice_of(damaged[i]), 0600, &err), OK);
        struct list_marks *m = list_marks_new(folder);
        assert_true(list_marks_fault(m, fault));
        assert_int_equal(take(m, 1, 1000), OK);
        list_marks_free(m);
    }
    free(path);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, make_folder, remove_folder)
int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(no_older_list_is_taken_after_a_restart),
        TEST(what_is_whole_of_a_damaged_file_counts_and_the_damage_is_told_until_somebody_looked),
        TEST(a_file_that_is_no_json_at_all_is_set_aside),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
