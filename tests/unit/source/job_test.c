/* SPDX-License-Identifier: Apache-2.0 */
/* A document that came, from the check of it to the disk: no network, for it came through a connector. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <fcntl.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/host/file.h"
#include "base/mem.h"
#include "source/internal.h"

struct fixture {
    char folder[32];
    char *path;
    enum result says; /* what the check is to answer */
    struct source_candidate makes;
    char present[32]; /* what the check saw */
    bool saw_one;
};

static enum result check(void *owner, struct source_candidate *c, struct error *err)
{
    struct fixture *f = owner;
    f->saw_one = c->present.ptr != NULL;
    assert_true(slice_to_cstr(c->present, f->present, sizeof f->present) || !f->saw_one);
    c->keep = f->makes.keep;
    c->keep_len = f->makes.keep_len;
    c->until = f->makes.until;
    c->unchanged = f->makes.unchanged;
    return f->says == OK ? OK : error_set(err, f->says, "it is not good");
}

static const struct source_events events = {.check = check};

static int set_up(void **state)
{
    struct fixture *f = mem_zalloc(sizeof *f);
    cstr_copy(f->folder, sizeof f->folder, "/tmp/cmg-job.XXXXXX");
    assert_non_null(mkdtemp(f->folder));
    f->path = file_join(f->folder, "kept");
    *state = f;
    return 0;
}

static int tear_down(void **state)
{
    struct fixture *f = *state;
    (void)unlink(f->path);
    (void)rmdir(f->folder);
    free(f->path);
    free(f);
    return 0;
}

/* Does the work of one that brought `bytes`; the caller frees it. */
static struct source_job *come(struct fixture *f, const char *bytes, bool afresh)
{
    struct source_job *j = mem_zalloc(sizeof *j);
    j->owner = source_owner_new(&events, f);
    j->kind = BUNDLE_SOURCE_CRL;
    j->path = mem_strdup(f->path);
    j->bytes = mem_strdup(bytes);
    j->len = strlen(bytes);
    j->afresh = afresh;
    source_job_work(j);
    return j;
}

static void assert_kept(const struct fixture *f, const char *text)
{
    char *data;
    size_t len;
    assert_int_equal(file_read(f->path, 1024, &data, &len, NULL), OK);
    assert_int_equal(len, strlen(text));
    assert_memory_equal(data, text, len);
    free(data);
}

static void what_is_good_is_kept_for_its_owner_alone(void **state)
{
    struct fixture *f = *state;
    struct stat st;
    f->makes.until = 77;
    struct source_job *j = come(f, "first", false);
    assert_int_equal(j->result, OK);
    assert_int_equal(j->until, 77);
    assert_false(f->saw_one);
    assert_kept(f, "first");
    assert_int_equal(stat(f->path, &st), 0);
    assert_int_equal(st.st_mode & 0777, 0600);
    source_job_free(j);
}

static void what_is_not_good_leaves_what_was_kept(void **state)
{
    struct fixture *f = *state;
    source_job_free(come(f, "first", false));
    f->says = R_DENIED;
    struct source_job *j = come(f, "second", false);
    assert_int_equal(j->result, R_DENIED);
    assert_string_equal(j->err.text, "it is not good");
    assert_string_equal(f->present, "first");
    assert_kept(f, "first");
    source_job_free(j);
}

static void one_from_elsewhere_is_not_held_to_what_was_kept(void **state)
{
    struct fixture *f = *state;
    source_job_free(come(f, "first", false));
    source_job_free(come(f, "second", true));
    assert_false(f->saw_one);
    assert_kept(f, "second");
}

static void the_check_may_keep_something_else(void **state)
{
    struct fixture *f = *state;
    f->makes.keep = mem_strdup("normal form");
    f->makes.keep_len = strlen("normal form");
    source_job_free(come(f, "first", false));
    assert_kept(f, "normal form");
}

static void what_is_unchanged_gets_a_new_time_and_no_new_file(void **state)
{
    struct fixture *f = *state;
    struct stat before, after;
    const struct timespec old[2] = {{.tv_sec = 1000}, {.tv_sec = 1000}};
    source_job_free(come(f, "first", false));
    assert_int_equal(utimensat(AT_FDCWD, f->path, old, 0), 0);
    assert_int_equal(stat(f->path, &before), 0);
    f->makes.unchanged = true;
    struct source_job *j = come(f, "first", false);
    assert_true(j->unchanged);
    assert_int_equal(stat(f->path, &after), 0);
    assert_true(after.st_ino == before.st_ino && after.st_mtime > before.st_mtime);
    source_job_free(j);
}

static void what_is_unchanged_but_gone_is_written_again(void **state)
{
    struct fixture *f = *state;
    f->makes.unchanged = true;
    source_job_free(come(f, "first", false));
    assert_kept(f, "first");
}

static void what_can_not_be_kept_is_an_error(void **state)
{
    struct fixture *f = *state;
    free(f->path);
    f->path = file_join(f->folder, "nowhere/kept");
    struct source_job *j = come(f, "first", false);
    assert_int_not_equal(j->result, OK);
    source_job_free(j);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(what_is_good_is_kept_for_its_owner_alone),
        TEST(what_is_not_good_leaves_what_was_kept),
        TEST(one_from_elsewhere_is_not_held_to_what_was_kept),
        TEST(the_check_may_keep_something_else),
        TEST(what_is_unchanged_gets_a_new_time_and_no_new_file),
        TEST(what_is_unchanged_but_gone_is_written_again),
        TEST(what_can_not_be_kept_is_an_error),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
