/* SPDX-License-Identifier: Apache-2.0 */
/* Starts a program in a process group of its own, reads what it says, and ends it when it takes too long. */
#include "base/host/program.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <spawn.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/clock.h"

enum { POLL_MS = 20, FIRST_FD = 3 };

struct run {
    const struct program *program;
    pid_t pid;
    int output[2]; /* read end, write end; -1: none */
    struct buf said;
};

/* Nothing of ours but stderr is open in it; what it started ends with it, by its process group. */
static enum result start(struct run *run, struct error *err)
{
    const struct program *p = run->program;
    char *argv[] = {(char *)(uintptr_t)p->path, (char *)(uintptr_t)p->argument, NULL};
    char *env[] = {(char *)(uintptr_t) "PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin",
                   (char *)(uintptr_t) "LANG=C.UTF-8", NULL};
    int out = run->output[1] >= 0 ? run->output[1] : STDERR_FILENO;
    posix_spawnattr_t attr;
    posix_spawn_file_actions_t files;
    sigset_t none, defaults;
    (void)sigemptyset(&none);
    (void)sigemptyset(&defaults);
    (void)sigaddset(&defaults, SIGPIPE); /* we ignore it, it need not */
    if (posix_spawnattr_init(&attr) != 0 || posix_spawn_file_actions_init(&files) != 0 ||
        posix_spawnattr_setflags(&attr, POSIX_SPAWN_SETPGROUP | POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETSIGDEF) != 0 ||
        posix_spawnattr_setsigmask(&attr, &none) != 0 || posix_spawnattr_setsigdefault(&attr, &defaults) != 0 ||
        posix_spawn_file_actions_addopen(&files, STDIN_FILENO, "/dev/null", O_RDONLY, 0) != 0 ||
        posix_spawn_file_actions_adddup2(&files, out, STDOUT_FILENO) != 0 ||
        posix_spawn_file_actions_adddup2(&files, p->tail ? out : STDERR_FILENO, STDERR_FILENO) != 0 ||
        posix_spawn_file_actions_addclosefrom_np(&files, FIRST_FD) != 0)
        fatal("a process can't be prepared");
    int e = posix_spawn(&run->pid, p->path, &files, &attr, argv, env);
    (void)posix_spawn_file_actions_destroy(&files);
    (void)posix_spawnattr_destroy(&attr);
    return e == 0 ? OK : error_set(err, R_IO, "%s: %s", p->path, strerror(e));
}

static void close_fd(int *fd)
{
    if (*fd >= 0)
        (void)close(*fd);
    *fd = -1;
}

static enum result judge(const char *program, int status, struct error *err)
{
    if (WIFEXITED(status) && WEXITSTATUS(status) == 0)
        return OK;
    if (WIFEXITED(status))
        return error_set(err, R_IO, "%s ended with exit code %d", program, WEXITSTATUS(status));
    return error_set(err, R_IO, "%s was ended by signal %d", program, WTERMSIG(status));
}

/* Of a tail: on to where it would have gone, and the oldest makes room. */
static void keep_tail(struct run *run, char *part, size_t n)
{
    size_t max = run->program->output_max, len = buf_len(&run->said);
    (void)!write(STDERR_FILENO, part, n);
    for (size_t i = 0; i < n; i++)
        part[i] = part[i] ? part[i] : ' ';
    if (n > max) {
        part += n - max;
        n = max;
    }
    if (len + n > max)
        buf_consume(&run->said, len + n - max);
    if (buf_append(&run->said, slice_make(part, n)) != OK)
        fatal("a tail is longer than it may be");
}

/* What is there to be read now; never waits. */
static enum result take_output(struct run *run, struct error *err)
{
    for (;;) {
        char part[4096];
        ssize_t n = run->output[0] >= 0 ? read(run->output[0], part, sizeof part) : -1;
        if (n <= 0)
            return OK;
        enum result r = OK;
        if (run->program->tail)
            keep_tail(run, part, (size_t)n);
        else
            r = buf_append(&run->said, slice_make(part, (size_t)n));
        explicit_bzero(part, sizeof part);
        if (r != OK)
            return error_set(err, R_LIMIT, "%s printed more than %zu bytes", run->program->path,
                             run->program->output_max);
    }
}

static void pause_a_little(const struct run *run)
{
    struct pollfd p = {.fd = run->output[0], .events = POLLIN};
    (void)poll(&p, 1, POLL_MS); /* a negative descriptor is passed over */
    if (p.revents & POLLHUP && !(p.revents & POLLIN))
        (void)poll(NULL, 0, POLL_MS); /* it closed its output and goes on */
}

static enum result wait_for(struct run *run, struct error *err)
{
    const struct program *p = run->program;
    uint64_t until = clock_mono_ms() + (uint64_t)p->limit_s * 1000;
    enum result r;
    for (;;) {
        int status;
        pid_t ended = waitpid(run->pid, &status, WNOHANG);
        if ((r = take_output(run, err)) != OK)
            break;
        if (ended == run->pid)
            return judge(p->path, status, err);
        if (ended < 0 && errno != EINTR)
            return error_set(err, R_IO, "%s: %s", p->path, strerror(errno));
        if (clock_mono_ms() > until || (p->stopped && p->stopped())) {
            r = error_set(err, R_TIMEOUT, "%s did not end within %u s, or was stopped with us", p->path, p->limit_s);
            break;
        }
        pause_a_little(run);
    }
    (void)kill(-run->pid, SIGKILL);
    (void)waitpid(run->pid, NULL, 0);
    return r;
}

enum result program_run(const struct program *p, char **ret_output, struct error *err)
{
    struct run run = {.program = p, .output = {-1, -1}};
    enum result r = OK;
    *ret_output = NULL;
    buf_init_secret(&run.said, p->output_max);
    if (p->output_max && (pipe2(run.output, O_CLOEXEC) != 0 || fcntl(run.output[0], F_SETFL, O_NONBLOCK) != 0))
        r = error_set(err, R_IO, "a pipe for %s: %s", p->path, strerror(errno));
    if (r == OK)
        r = start(&run, err);
    close_fd(&run.output[1]);
    if (r == OK)
        r = wait_for(&run, err);
    if ((r == OK || p->tail) && p->output_max)
        *ret_output = slice_dup(buf_data(&run.said));
    buf_free(&run.said);
    close_fd(&run.output[0]);
    return r;
}
