/* SPDX-License-Identifier: Apache-2.0 */
/* Programs that are run for an administrator: no shell, bounded in what they say and in time. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/clock.h"
#include "base/host/program.h"
#include "scratch.h"

enum { OUTPUT_MAX = 64 };

static enum result run(const char *dir, const char *script, const char *argument, size_t output_max, unsigned limit_s,
                       char **ret, struct error *err)
{
    char *program = file_join(dir, "program");
    scratch_put(dir, "program", script, 0700);
    struct program c = {program, argument, limit_s, output_max};
    enum result r = program_run(&c, ret, err);
    free(program);
    return r;
}

static void the_program_gets_its_argument_as_it_is_and_no_shell(void **state)
{
    struct error err;
    char *out = file_join(*state, "out"), script[512], *strange = file_join(*state, "a b;$(touch x)");
    (void)snprintf(script, sizeof script, "#!/bin/sh\nprintf '%%s|%%s' \"$#\" \"$1\" > '%s'\n", out);
    char *nothing, *text, want[512];
    size_t len;
    if (run(*state, script, strange, 0, 10, &nothing, &err) != OK)
        fail_msg("%s", err.text);
    assert_null(nothing);
    assert_int_equal(file_read(out, 4096, &text, &len, &err), OK);
    (void)snprintf(want, sizeof want, "1|%s", strange);
    assert_string_equal(text, want);
    free(text);
    free(strange);
    free(out);
}

static void what_it_prints_is_given_back_whole(void **state)
{
    struct error err;
    char *text;
    if (run(*state, "#!/bin/sh\nprintf 'to'\nsleep 0.05\nprintf 'ken\\n'\n", NULL, OUTPUT_MAX, 10, &text, &err) != OK)
        fail_msg("%s", err.text);
    assert_string_equal(text, "token\n");
    free(text);
}

static void one_that_fails_or_is_missing_is_told(void **state)
{
    struct error err;
    char *text;
    struct program missing = {"/nowhere/program", NULL, 10, 0};
    assert_int_equal(program_run(&missing, &text, &err), R_IO);
    assert_int_equal(run(*state, "#!/bin/sh\necho secret\nexit 7\n", NULL, OUTPUT_MAX, 10, &text, &err), R_IO);
    assert_null(text);
    assert_non_null(strstr(err.text, "exit code 7"));
    assert_null(strstr(err.text, "secret"));
}

static void one_that_says_too_much_is_ended(void **state)
{
    struct error err;
    char *text;
    uint64_t begun = clock_mono_ms();
    assert_int_equal(run(*state, "#!/bin/sh\nwhile :; do echo aaaaaaaaaaaaaaaaaaaaaaaaaaa; done\n", NULL, OUTPUT_MAX,
                         30, &text, &err),
                     R_LIMIT);
    assert_null(text);
    assert_true(clock_mono_ms() - begun < 10000);
}

static void one_that_does_not_end_is_ended_with_what_it_started(void **state)
{
    struct error err;
    char *text, *mark = file_join(*state, "mark"), script[512];
    (void)snprintf(script, sizeof script, "#!/bin/sh\n(sleep 2; echo late > '%s') &\nsleep 60\n", mark);
    assert_int_equal(run(*state, script, NULL, OUTPUT_MAX, 1, &text, &err), R_TIMEOUT);
    assert_null(text);
    assert_non_null(strstr(err.text, "within 1 s"));
    (void)usleep(1500 * 1000); /* past the moment at which the child would have written */
    assert_false(file_exists(mark));
    free(mark);
}

static void it_gets_none_of_our_descriptors(void **state)
{
    struct error err;
    char *text;
    int ours = dup(STDERR_FILENO), more = dup(STDERR_FILENO); /* without close-on-exec */
    if (run(*state, "#!/bin/sh\nls /proc/self/fd | wc -l\n", NULL, OUTPUT_MAX, 10, &text, &err) != OK)
        fail_msg("%s", err.text);
    assert_string_equal(text, "4\n"); /* 0, 1, 2 and the folder that ls reads */
    free(text);
    (void)close(ours);
    (void)close(more);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(the_program_gets_its_argument_as_it_is_and_no_shell, scratch_make,
                                        scratch_drop),
        cmocka_unit_test_setup_teardown(what_it_prints_is_given_back_whole, scratch_make, scratch_drop),
        cmocka_unit_test_setup_teardown(one_that_fails_or_is_missing_is_told, scratch_make, scratch_drop),
        cmocka_unit_test_setup_teardown(one_that_says_too_much_is_ended, scratch_make, scratch_drop),
        cmocka_unit_test_setup_teardown(one_that_does_not_end_is_ended_with_what_it_started, scratch_make,
                                        scratch_drop),
        cmocka_unit_test_setup_teardown(it_gets_none_of_our_descriptors, scratch_make, scratch_drop),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
