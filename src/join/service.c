/* SPDX-License-Identifier: Apache-2.0 */
/* systemctl, as root, where systemd is what runs the machine (sd_booted(3)). */
#include "join/service.h"

#include <errno.h>
#include <fcntl.h>
#include <spawn.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/mem.h"

static bool systemd_runs(void)
{
    struct stat s;
    return geteuid() == 0 && lstat("/run/systemd/system", &s) == 0 && S_ISDIR(s.st_mode);
}

/* Its output would stand between ours: it goes nowhere, what it says is in the journal. */
static bool run(const char *const *arguments)
{
    posix_spawn_file_actions_t files;
    pid_t child;
    int status;
    if (posix_spawn_file_actions_init(&files) != 0)
        return false;
    bool ok = posix_spawn_file_actions_addopen(&files, STDOUT_FILENO, "/dev/null", O_WRONLY, 0) == 0 &&
              posix_spawn_file_actions_addopen(&files, STDERR_FILENO, "/dev/null", O_WRONLY, 0) == 0 &&
              posix_spawnp(&child, arguments[0], &files, NULL, (char *const *)(uintptr_t)arguments, environ) == 0;
    (void)posix_spawn_file_actions_destroy(&files);
    if (!ok)
        return false;
    while (waitpid(child, &status, 0) < 0) {
        if (errno != EINTR)
            return false;
    }
    return WIFEXITED(status) && WEXITSTATUS(status) == 0;
}

/* --- the process that waits --- */

struct join_starter {
    const char *unit;
    int channel;
    pid_t child;
};

enum outcome { NONE_THERE = 'n', STARTED = 's', FAILED = 'f' };

static enum outcome start_unit(const char *unit)
{
    const char *const there[] = {"systemctl", "cat", unit, NULL};
    const char *const start[] = {"systemctl", "enable", "--now", unit, NULL};
    if (!systemd_runs() || !run(there))
        return NONE_THERE;
    return run(start) ? STARTED : FAILED;
}

_Noreturn static void serve(int channel, const char *unit)
{
    char told;
    if (read(channel, &told, 1) == 1) {
        told = (char)start_unit(unit);
        (void)!write(channel, &told, 1);
    }
    _exit(0);
}

struct join_starter *join_starter_new(const char *unit)
{
    int ends[2];
    if (geteuid() != 0 || socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends) != 0)
        return NULL;
    pid_t child = fork();
    if (child == 0) {
        (void)close(ends[0]);
        serve(ends[1], unit);
    }
    (void)close(ends[1]);
    if (child < 0) {
        (void)close(ends[0]);
        return NULL;
    }
    struct join_starter *s = mem_zalloc(sizeof *s);
    *s = (struct join_starter){unit, ends[0], child};
    return s;
}

void join_starter_free(struct join_starter *s)
{
    if (!s)
        return;
    (void)close(s->channel); /* who was not told ends by it */
    (void)waitpid(s->child, NULL, 0);
    free(s);
}

bool join_starter_start(struct join_starter *s, struct join_report *report, const char *by_hand)
{
    char told = 'g';
    if (!s || write(s->channel, &told, 1) != 1 || read(s->channel, &told, 1) != 1 || told == NONE_THERE) {
        join_todo(report, "start it: %s", by_hand);
        return true;
    }
    if (told == STARTED) {
        join_did(report, "Started the service %s, which starts with the machine from now on", s->unit);
        return true;
    }
    join_todo(report, "the service %s did not start; see why: systemctl status %s", s->unit, s->unit);
    return false;
}
