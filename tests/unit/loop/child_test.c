/* SPDX-License-Identifier: Apache-2.0 */
/* Children: their ends, their logs, and that they do not outlive us. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>

#include "base/host/file.h"
#include "loop/loop.h"

struct end {
    struct loop *loop;
    struct loop_child *child;
    int codes[4], count, wanted;
};

static void on_exit_code(void *arg, int code)
{
    struct end *e = arg;
    e->codes[e->count++] = code;
    if (e->count == e->wanted)
        loop_stop(e->loop);
}

static struct loop_child *shell(struct end *e, const char *script, const char *log)
{
    const char *argv[] = {"/bin/sh", "-c", script, NULL};
    struct loop_child *c = NULL;
    struct error err = {OK, ""};
    if (loop_child_start(e->loop, argv, log, on_exit_code, e, &c, &err) != OK)
        fail_msg("%s", err.text);
    return c;
}

static void the_exit_code_or_the_signal_is_told_once(void **state)
{
    (void)state;
    struct end e = {.loop = loop_new(), .wanted = 1};
    struct loop_child *c = shell(&e, "exit 7", NULL);
    loop_run(e.loop);
    assert_int_equal(e.codes[0], 7);
    loop_child_kill(c, SIGKILL); /* gone: nobody else gets it */
    loop_child_free(c);
    e.wanted = 2;
    c = shell(&e, "exec sleep 100", NULL);
    assert_true(loop_child_pid(c) > 1);
    loop_child_kill(c, SIGTERM);
    loop_run(e.loop);
    assert_int_equal(e.codes[1], 128 + SIGTERM);
    loop_child_free(c);
    loop_free(e.loop);
}

static void several_children_may_end_at_once(void **state)
{
    (void)state;
    struct end e = {.loop = loop_new(), .wanted = 4};
    struct loop_child *c[4];
    for (int i = 0; i < 4; i++)
        c[i] = shell(&e, "exit 3", NULL);
    loop_run(e.loop);
    for (int i = 0; i < 4; i++) {
        assert_int_equal(e.codes[i], 3);
        loop_child_free(c[i]);
    }
    loop_free(e.loop);
}

static void a_program_that_is_not_there_is_an_error_at_once(void **state)
{
    (void)state;
    struct end e = {.loop = loop_new()};
    struct loop_child *c;
    struct error err;
    const char *argv[] = {"/nonexistent/program", NULL};
    assert_int_equal(loop_child_start(e.loop, argv, NULL, on_exit_code, &e, &c, &err), R_NOTFOUND);
    assert_non_null(strstr(err.text, "/nonexistent/program"));
    const char *folder[] = {"/tmp", NULL};
    assert_int_equal(loop_child_start(e.loop, folder, NULL, on_exit_code, &e, &c, &err), R_IO);
    assert_int_equal(loop_child_start(e.loop, argv, "/nonexistent/log", on_exit_code, &e, &c, &err), R_IO);
    assert_int_equal(waitpid(-1, NULL, WNOHANG), -1); /* nothing is left behind */
    assert_int_equal(errno, ECHILD);
    loop_free(e.loop);
}

static void output_is_appended_to_the_log_and_arguments_are_exact(void **state)
{
    (void)state;
    char dir[] = "/tmp/child-test-XXXXXX", *text;
    size_t len;
    struct stat st;
    assert_non_null(mkdtemp(dir));
    char *log = file_join(dir, "log");
    struct end e = {.loop = loop_new(), .wanted = 1};
    const char *argv[] = {"/bin/sh", "-c", "echo \"$1|$2\"; echo err >&2; cat", "sh", "a b", "$HOME;", NULL};
    for (int i = 0; i < 2; i++) {
        struct loop_child *c;
        e.wanted = i + 1;
        assert_int_equal(loop_child_start(e.loop, argv, log, on_exit_code, &e, &c, NULL), OK);
        loop_run(e.loop);
        loop_child_free(c);
    }
    assert_int_equal(file_read(log, 1000, &text, &len, NULL), OK);
    assert_string_equal(text, "a b|$HOME;\nerr\na b|$HOME;\nerr\n");
    assert_int_equal(stat(log, &st), 0);
    assert_int_equal(st.st_mode & 0777 & ~0640u, 0);
    free(text);
    (void)unlink(log);
    (void)rmdir(dir);
    free(log);
    loop_free(e.loop);
}

static void a_child_starts_with_default_signals(void **state)
{
    (void)state;
    struct end e = {.loop = loop_new(), .wanted = 1}; /* loop_new ignores SIGPIPE */
    struct loop_child *c = shell(&e, "kill -PIPE $$; exit 0", NULL);
    loop_run(e.loop);
    assert_int_equal(e.codes[0], 128 + SIGPIPE);
    loop_child_free(c);
    loop_free(e.loop);
}

/* A parent of its own that starts a child, tells its pid, and dies without a word. */
static void a_child_does_not_outlive_a_parent_that_was_killed(void **state)
{
    (void)state;
    int tell[2];
    int pid = 0;
    assert_int_equal(pipe(tell), 0);
    pid_t parent = fork();
    if (parent == 0) {
        struct end e = {.loop = loop_new()};
        pid = loop_child_pid(shell(&e, "exec sleep 100", NULL));
        (void)!write(tell[1], &pid, sizeof pid);
        (void)raise(SIGKILL);
    }
    assert_int_equal(read(tell[0], &pid, sizeof pid), sizeof pid);
    (void)waitpid(parent, NULL, 0);
    bool gone = false;
    for (int i = 0; i < 500 && !gone; i++) {
        struct timespec pause = {.tv_nsec = 10000000};
        char path[64], *text = NULL;
        size_t len;
        (void)nanosleep(&pause, NULL);
        (void)snprintf(path, sizeof path, "/proc/%d/stat", pid);
        gone = file_read(path, 4096, &text, &len, NULL) != OK || strstr(text, ") Z "); /* an orphan nobody reaped */
        free(text);
    }
    assert_true(gone);
    (void)close(tell[0]);
    (void)close(tell[1]);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_exit_code_or_the_signal_is_told_once),
        cmocka_unit_test(several_children_may_end_at_once),
        cmocka_unit_test(a_program_that_is_not_there_is_an_error_at_once),
        cmocka_unit_test(output_is_appended_to_the_log_and_arguments_are_exact),
        cmocka_unit_test(a_child_starts_with_default_signals),
        cmocka_unit_test(a_child_does_not_outlive_a_parent_that_was_killed),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
