/* SPDX-License-Identifier: Apache-2.0 */
/* The end of a process whose threads are still at work. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/host/process.h"

enum { CLEANED = 3, STATUS = 7 };

/* As a library would that frees what it made. */
static void clean_up(void)
{
    _exit(CLEANED);
}

/* A child writes to a stream, and ends; what came of both. */
static int end_of(void (*end)(int status), char ret_said[8])
{
    int ends[2];
    assert_int_equal(pipe(ends), 0);
    pid_t child = fork();
    if (child == 0) {
        FILE *stream = fdopen(ends[1], "w");
        (void)atexit(clean_up);
        (void)fputs("said", stream);
        end(STATUS);
    }
    (void)close(ends[1]);
    ssize_t len = read(ends[0], ret_said, 7);
    ret_said[len > 0 ? len : 0] = '\0';
    (void)close(ends[0]);
    int status;
    assert_int_equal(waitpid(child, &status, 0), child);
    assert_true(WIFEXITED(status));
    return WEXITSTATUS(status);
}

static void what_was_said_goes_out_and_no_library_cleans_up_below_threads(void **state)
{
    (void)state;
    char said[8];
    assert_int_equal(end_of(exit, said), CLEANED); /* that is how it would be seen */
    assert_int_equal(end_of(process_end, said), STATUS);
    assert_string_equal(said, "said");
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(what_was_said_goes_out_and_no_library_cleans_up_below_threads)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
