/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>

#include "base/host/file.h"

static char dir[] = "/tmp/file-test-XXXXXX";

static int make_dir(void **state)
{
    (void)state;
    return mkdtemp(dir) ? 0 : -1;
}

static int remove_dir(void **state)
{
    (void)state;
    DIR *d = opendir(dir);
    for (struct dirent *e; d && (e = readdir(d)) != NULL;) {
        char *path = file_join(dir, e->d_name);
        (void)remove(path);
        free(path);
    }
    (void)closedir(d);
    return rmdir(dir);
}

static unsigned mode_of(const char *path)
{
    struct stat st;
    return stat(path, &st) == 0 ? (unsigned)(st.st_mode & 07777) : 0xffff;
}

static int entries(void)
{
    DIR *d = opendir(dir);
    int n = 0;
    while (readdir(d))
        n++;
    (void)closedir(d);
    return n - 2;
}

static void a_folder_has_room_when_it_is_there_and_takes_files(void **state)
{
    struct error err;
    assert_int_equal(file_room(dir, &err), OK);
    assert_int_equal(file_room("/nonexistent/folder", &err), R_NOTFOUND);
    assert_int_equal(file_room("/proc", &err), R_IO); /* of no size at all */
    (void)state;
}

static void a_file_is_written_whole_with_its_mode_and_replaced(void **state)
{
    (void)state;
    char *path = file_join(dir, "one"), *text;
    size_t len;
    assert_false(file_exists(path));
    assert_int_equal(file_write(path, SLICE("secret"), 0600, NULL), OK);
    assert_int_equal(mode_of(path), 0600);
    assert_int_equal(file_check_private(path, NULL), OK);
    assert_int_equal(file_write(path, SLICE("a\0b"), 0644, NULL), OK);
    assert_int_equal(mode_of(path), 0644);
    assert_int_equal(file_check_private(path, NULL), R_DENIED);
    assert_int_equal(file_read(path, 3, &text, &len, NULL), OK);
    assert_int_equal(len, 3);
    assert_memory_equal(text, "a\0b", 4); /* and a NUL behind it */
    free(text);
    assert_int_equal(entries(), 1); /* no temporary file is left */
    (void)unlink(path);
    free(path);
}

static void reading_has_a_maximum_and_tells_what_is_missing(void **state)
{
    (void)state;
    char *path = file_join(dir, "two"), *text = NULL;
    size_t len;
    struct error err;
    assert_int_equal(file_read(path, 10, &text, &len, &err), R_NOTFOUND);
    assert_non_null(strstr(err.text, path));
    assert_int_equal(file_check_private(path, &err), R_NOTFOUND);
    assert_int_equal(file_write(path, SLICE("0123456789"), 0600, NULL), OK);
    assert_int_equal(file_read(path, 9, &text, &len, &err), R_LIMIT);
    assert_int_equal(file_read(path, 10, &text, &len, &err), OK);
    free(text);
    assert_int_equal(file_write(path, SLICE(""), 0600, NULL), OK);
    assert_int_equal(file_read(path, 0, &text, &len, &err), OK);
    assert_string_equal(text, "");
    free(text);
    assert_int_equal(file_read(dir, 10, &text, &len, &err), R_IO);
    assert_int_equal(file_write("/nonexistent/file", SLICE("x"), 0600, &err), R_NOTFOUND);
    (void)unlink(path);
    free(path);
}

static void a_folder_cannot_be_made_a_file_nor_a_file_a_folder(void **state)
{
    (void)state;
    struct error err;
    char *file = file_join(dir, "file"), *beyond = file_join(file, "below"), *new = file_join(dir, "a/b");
    assert_int_equal(file_write(file, SLICE("x"), 0600, &err), OK);
    assert_int_equal(file_can_make(file, &err), OK);
    assert_int_equal(file_can_make_dir(dir, &err), OK);
    assert_int_equal(file_can_make(dir, &err), R_IO);
    assert_non_null(strstr(err.text, "it is a folder, name a file"));
    assert_int_equal(file_can_make_dir(file, &err), R_IO);
    assert_non_null(strstr(err.text, "name a folder"));
    assert_int_equal(file_can_make(beyond, &err), R_IO);
    assert_int_equal(file_can_make_dir(beyond, &err), R_IO);
    assert_int_equal(file_can_make(new, &err), OK);
    assert_int_equal(file_can_make_dir(new, &err), OK);
    free(file);
    free(beyond);
    free(new);
}

static void folders_are_made_with_their_parents(void **state)
{
    (void)state;
    char *a = file_join(dir, "a"), *b = file_join(a, "/b/"), *file = file_join(dir, "file");
    struct error err;
    assert_int_equal(file_make_dirs(b, 0750, NULL), OK);
    assert_int_equal(file_make_dirs(b, 0700, NULL), OK);
    assert_int_equal(mode_of(b), 0750); /* what exists keeps its mode */
    assert_int_equal(file_write(file, SLICE("x"), 0600, NULL), OK);
    assert_int_equal(file_make_dirs(file, 0700, &err), R_CONFLICT);
    assert_int_not_equal(file_make_dirs("/proc/x/y", 0700, &err), OK);
    (void)rmdir(b);
    (void)rmdir(a);
    (void)unlink(file);
    free(a);
    free(b);
    free(file);
}

static void a_path_becomes_absolute_and_its_links_stay(void **state)
{
    (void)state;
    char here[4096], *link = file_join(dir, "link"), *within = file_join(link, "x");
    assert_int_equal(symlink("/", link), 0);
    assert_non_null(getcwd(here, sizeof here));
    assert_int_equal(chdir(dir), 0);
    static const char *const given[] = {"link/x", "./link/x", "././link/x"};
    for (size_t i = 0; i < ARRAY_LEN(given); i++) {
        char *path = file_absolute(given[i]);
        assert_string_equal(path, within);
        free(path);
    }
    assert_int_equal(chdir(here), 0);
    char *path = file_absolute(within);
    assert_string_equal(path, within);
    (void)unlink(link);
    free(path);
    free(link);
    free(within);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_folder_has_room_when_it_is_there_and_takes_files),
        cmocka_unit_test(a_file_is_written_whole_with_its_mode_and_replaced),
        cmocka_unit_test(reading_has_a_maximum_and_tells_what_is_missing),
        cmocka_unit_test(a_folder_cannot_be_made_a_file_nor_a_file_a_folder),
        cmocka_unit_test(folders_are_made_with_their_parents),
        cmocka_unit_test(a_path_becomes_absolute_and_its_links_stay),
    };
    return cmocka_run_group_tests(tests, make_dir, remove_dir);
}
