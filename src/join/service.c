/* SPDX-License-Identifier: Apache-2.0 */
/* systemctl, as root, where systemd is what runs the machine (sd_booted(3)). */
#include "join/service.h"

#include <errno.h>
#include <fcntl.h>
#include <spawn.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

extern char **environ;

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

bool join_service_start(struct join_report *report, const char *unit, const char *by_hand)
{
    const char *const there[] = {"systemctl", "cat", unit, NULL};
    const char *const start[] = {"systemctl", "enable", "--now", unit, NULL};
    if (!systemd_runs() || !run(there)) {
        join_todo(report, "start it: %s", by_hand);
        return true;
    }
    if (run(start)) {
        join_did(report, "Started the service %s, which starts with the machine from now on", unit);
        return true;
    }
    join_todo(report, "the service %s did not start; see why: systemctl status %s", unit, unit);
    return false;
}
