/* SPDX-License-Identifier: Apache-2.0 */
/* Runs the administrator's program after a change of policy: directly, without a shell, with a time limit. */
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <spawn.h>
#include <string.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "base/clock.h"
#include "client/client.h"

enum { LIMIT_S = 600, POLL_MS = 20 };

/* Its own process group, so that what it started ends with it; nothing of ours but stderr is open in it. */
static enum result start(const char *program, const char *argument, pid_t *ret, struct error *err)
{
    char *argv[] = {(char *)(uintptr_t)program, (char *)(uintptr_t)argument, NULL};
    char *env[] = {(char *)(uintptr_t) "PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin",
                   (char *)(uintptr_t) "LANG=C.UTF-8", NULL};
    posix_spawnattr_t attr;
    posix_spawn_file_actions_t files;
    sigset_t none;
    (void)sigemptyset(&none);
    if (posix_spawnattr_init(&attr) != 0 || posix_spawn_file_actions_init(&files) != 0 ||
        posix_spawnattr_setflags(&attr, POSIX_SPAWN_SETPGROUP | POSIX_SPAWN_SETSIGMASK) != 0 ||
        posix_spawnattr_setsigmask(&attr, &none) != 0 ||
        posix_spawn_file_actions_addopen(&files, STDIN_FILENO, "/dev/null", O_RDONLY, 0) != 0 ||
        posix_spawn_file_actions_adddup2(&files, STDERR_FILENO, STDOUT_FILENO) != 0)
        fatal("a process can't be prepared");
    int e = posix_spawn(ret, program, &files, &attr, argv, env);
    (void)posix_spawn_file_actions_destroy(&files);
    (void)posix_spawnattr_destroy(&attr);
    return e == 0 ? OK : error_set(err, R_IO, "%s: %s", program, strerror(e));
}

static enum result judge(const char *program, int status, struct error *err)
{
    if (WIFEXITED(status) && WEXITSTATUS(status) == 0)
        return OK;
    if (WIFEXITED(status))
        return error_set(err, R_IO, "%s ended with exit code %d", program, WEXITSTATUS(status));
    return error_set(err, R_IO, "%s was ended by signal %d", program, WTERMSIG(status));
}

enum result client_handler_run(const char *program, const char *argument, struct error *err)
{
    pid_t pid;
    int status;
    enum result r = start(program, argument, &pid, err);
    if (r != OK)
        return r;
    uint64_t until = clock_mono_ms() + LIMIT_S * 1000ull;
    for (;;) {
        pid_t ended = waitpid(pid, &status, WNOHANG);
        if (ended == pid)
            return judge(program, status, err);
        if (ended < 0 && errno != EINTR)
            return error_set(err, R_IO, "%s: %s", program, strerror(errno));
        if (clock_mono_ms() > until || web_http_stopped())
            break;
        (void)nanosleep(&(struct timespec){.tv_nsec = POLL_MS * 1000 * 1000}, NULL);
    }
    (void)kill(-pid, SIGKILL);
    (void)waitpid(pid, &status, 0);
    return error_set(err, R_TIMEOUT, "%s did not end within %d s, or was stopped with us", program, LIMIT_S);
}
