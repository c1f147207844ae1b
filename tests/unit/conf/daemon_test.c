/* SPDX-License-Identifier: Apache-2.0 */
/* A daemon's command line: what each word leads to, which exit code, and what --check-config counts as a fault. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#include "../base/scratch.h"
#include "base/host/log.h"
#include "conf/daemon.h"

/* What the program of this test does, and what was asked of it. */
static struct {
    struct conf_log log;
    bool sandboxed, faulty, unread, unfit, check_finds;
    int loads, checks, runs, words;
    const char *path, *word;
    uint64_t descriptors;
} program;

static enum result load(const char *path, struct conf_faults *faults)
{
    program.loads++;
    program.path = path;
    faults->unread = program.unread;
    if (program.faulty || program.unread)
        conf_fault_add(faults, 3, "wrong");
    return faults->count ? R_INVALID : OK;
}

static void check(struct conf_faults *faults)
{
    program.checks++;
    if (program.check_finds)
        conf_fault_add(faults, 4, "looked at and wrong");
}

static enum result fits(uint64_t descriptors, struct error *err)
{
    program.descriptors = descriptors;
    return program.unfit ? error_set(err, R_LIMIT, "too many connections") : OK;
}

static void reference(FILE *out UNUSED)
{
}

static const struct conf_log *log_of(void)
{
    return &program.log;
}

static int run(void)
{
    program.runs++;
    return 42;
}

static int join_site(const struct conf_daemon *d UNUSED, int argc, char **argv)
{
    program.words++;
    program.word = argc > 0 ? argv[0] : NULL;
    return 7;
}

static const struct conf_daemon_word words[] = {{"join", "join STRING", join_site}, {0}};

static const struct conf_daemon daemon_of_test = {.name = "cmg-test",
                                                  .summary = "tests",
                                                  .default_config = "/etc/cmg/test.yaml",
                                                  .load = load,
                                                  .check = check,
                                                  .fits = fits,
                                                  .reference = reference,
                                                  .log = log_of,
                                                  .sandboxed = &program.sandboxed,
                                                  .run = run,
                                                  .words = words};

static int main_with(const char *one, const char *two, const char *three)
{
    char *argv[] = {(char *)(uintptr_t) "cmg-test", (char *)(uintptr_t)one, (char *)(uintptr_t)two,
                    (char *)(uintptr_t)three, NULL};
    return conf_daemon_main(&daemon_of_test, one ? two ? three ? 4 : 3 : 2 : 1, argv);
}

static int fresh(void **state UNUSED)
{
    memset(&program, 0, sizeof program);
    log_setup(LOG_TEXT, LOG_ERROR);
    return 0;
}

static void without_a_word_it_runs_what_its_own_file_says(void **state UNUSED)
{
    assert_int_equal(main_with(NULL, NULL, NULL), 42);
    assert_string_equal(program.path, "/etc/cmg/test.yaml");
    assert_int_equal(program.runs, 1);
    assert_int_equal(program.checks, 0); /* what --check-config looks at besides costs a start nothing */
    assert_int_equal(main_with("--config", "x.yaml", NULL), 42);
    assert_string_equal(program.path, "x.yaml");
}

static void it_does_not_run_with_a_fault(void **state UNUSED)
{
    program.faulty = true;
    assert_int_equal(main_with(NULL, NULL, NULL), EXIT_FAILURE);
    assert_int_equal(program.runs, 0);
}

static void what_does_not_fit_is_a_warning_at_the_start_and_a_fault_of_the_check(void **state UNUSED)
{
    program.unfit = true;
    assert_int_equal(main_with(NULL, NULL, NULL), 42);
    assert_int_equal(main_with("--check-config", NULL, NULL), EXIT_FAILURE);
    assert_int_equal(program.descriptors, conf_descriptors());
    assert_int_equal(program.runs, 1);
}

static void the_check_runs_nothing_and_looks_at_all(void **state UNUSED)
{
    assert_int_equal(main_with("--check-config", NULL, NULL), EXIT_SUCCESS);
    assert_int_equal(program.checks, 1);
    assert_int_equal(program.runs, 0);
    program.check_finds = true;
    assert_int_equal(main_with("--check-config", NULL, NULL), EXIT_FAILURE);
    program.check_finds = false, program.faulty = true;
    assert_int_equal(main_with("--check-config", NULL, NULL), EXIT_FAILURE);
    assert_int_equal(program.checks, 3); /* beside faults of the file, too */
}

static void of_a_file_that_could_not_be_read_nothing_else_is_checked(void **state UNUSED)
{
    program.unread = true;
    program.log.file = (char *)(uintptr_t) "/dev/null/x.log";
    assert_int_equal(main_with("--check-config", NULL, NULL), EXIT_FAILURE);
    assert_int_equal(program.checks, 0);
    struct conf_faults faults = {0};
    assert_false(conf_daemon_check(&daemon_of_test, "x.yaml", &faults));
    assert_int_equal(faults.count, 1);
}

static void words_and_options_end_without_a_configuration(void **state UNUSED)
{
    assert_int_equal(main_with("--version", NULL, NULL), EXIT_SUCCESS);
    assert_int_equal(main_with("--reference", NULL, NULL), EXIT_SUCCESS);
    assert_int_equal(main_with("--help", NULL, NULL), EXIT_SUCCESS);
    assert_int_equal(main_with("--nothing", NULL, NULL), 2);
    assert_int_equal(main_with("--config", NULL, NULL), 2);
    assert_int_equal(main_with("stray", NULL, NULL), 2);
    assert_int_equal(program.loads, 0);
}

static void a_first_word_gets_what_stands_behind_it(void **state UNUSED)
{
    assert_int_equal(main_with("join", "cmg-join-x", NULL), 7);
    assert_string_equal(program.word, "cmg-join-x");
    assert_int_equal(main_with("join", NULL, NULL), 7);
    assert_null(program.word);
    assert_int_equal(main_with("joins", NULL, NULL), 2);
    assert_int_equal(main_with("--check-config", "join", NULL), 2); /* not the first word */
    assert_int_equal(program.words, 2);
    assert_int_equal(program.loads, 0);
}

static void a_check_for_others_finds_what_does_not_fit_and_a_log_that_cannot_be(void **state UNUSED)
{
    struct conf_faults faults = {0};
    assert_true(conf_daemon_check(&daemon_of_test, "x.yaml", &faults));
    program.unfit = true;
    assert_false(conf_daemon_check(&daemon_of_test, "x.yaml", &faults));
    assert_int_equal(faults.count, 1);
    assert_string_equal(faults.list[0].text, "too many connections");
    program.unfit = false;
    program.log.file = (char *)(uintptr_t) "/dev/null/x.log";
    faults = (struct conf_faults){0};
    assert_false(conf_daemon_check(&daemon_of_test, "x.yaml", &faults));
    assert_true(strstr(faults.list[0].text, "log: file: ") == faults.list[0].text);
}

static void a_log_that_names_a_folder_is_a_fault_before_the_start(void **state UNUSED)
{
    struct conf_faults faults = {0};
    program.log.file = (char *)(uintptr_t) "/tmp";
    assert_false(conf_daemon_check(&daemon_of_test, "x.yaml", &faults));
    assert_non_null(strstr(faults.list[0].text, "it is a folder, name a file"));
}

/* --- the log --- */

static void a_log_of_unknown_words_is_refused(void **state UNUSED)
{
    struct error err;
    struct conf_log log = {.format = (char *)(uintptr_t) "xml"};
    assert_int_equal(conf_log_apply(&log, &err), R_INVALID);
    assert_string_equal(err.text, "log: unknown format 'xml'");
    log = (struct conf_log){.format = (char *)(uintptr_t) "json", .level = (char *)(uintptr_t) "loud"};
    assert_int_equal(conf_log_apply(&log, &err), R_INVALID);
    assert_string_equal(err.text, "log: unknown level 'loud'");
}

static void the_file_of_a_log_is_made_with_its_folder_which_others_do_not_read(void **state)
{
    struct error err;
    struct stat st;
    char *path = file_join(*state, "new/x.log"), *folder = file_join(*state, "new");
    struct conf_log log = {.file = path};
    assert_int_equal(conf_log_apply(&log, &err), OK);
    assert_true(log_is_in_file());
    assert_int_equal(stat(path, &st), 0);
    assert_int_equal(st.st_mode & 07, 0);
    assert_int_equal(stat(folder, &st), 0);
    assert_int_equal(st.st_mode & 0777 & 0027, 0);
    free(path);
    free(folder);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(without_a_word_it_runs_what_its_own_file_says, fresh),
        cmocka_unit_test_setup(it_does_not_run_with_a_fault, fresh),
        cmocka_unit_test_setup(what_does_not_fit_is_a_warning_at_the_start_and_a_fault_of_the_check, fresh),
        cmocka_unit_test_setup(the_check_runs_nothing_and_looks_at_all, fresh),
        cmocka_unit_test_setup(of_a_file_that_could_not_be_read_nothing_else_is_checked, fresh),
        cmocka_unit_test_setup(words_and_options_end_without_a_configuration, fresh),
        cmocka_unit_test_setup(a_first_word_gets_what_stands_behind_it, fresh),
        cmocka_unit_test_setup(a_check_for_others_finds_what_does_not_fit_and_a_log_that_cannot_be, fresh),
        cmocka_unit_test_setup(a_log_that_names_a_folder_is_a_fault_before_the_start, fresh),
        cmocka_unit_test_setup(a_log_of_unknown_words_is_refused, fresh),
        cmocka_unit_test_setup_teardown(the_file_of_a_log_is_made_with_its_folder_which_others_do_not_read,
                                        scratch_make, scratch_drop),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
