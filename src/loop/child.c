/* SPDX-License-Identifier: Apache-2.0 */
/* Children that end with us. fork and exec by hand: uv_spawn can't set PR_SET_PDEATHSIG. */
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>

#include "base/mem.h"
#include "loop/loop_internal.h"

struct loop_child {
    struct loop_child *next;
    struct loop *loop;
    pid_t pid;
    bool ended;
    void (*on_exit)(void *arg, int code);
    void *arg;
};

static void reap(struct loop_child *c)
{
    int status;
    if (c->ended || waitpid(c->pid, &status, WNOHANG) != c->pid)
        return;
    c->ended = true;
    c->on_exit(c->arg, WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status));
}

static void on_sigchld(void *arg)
{
    struct loop *loop = arg;
    for (struct loop_child *c = loop->children, *next; c; c = next) {
        next = c->next; /* on_exit may free c */
        reap(c);
    }
}

/* In the child, between fork and exec: async-signal-safe calls alone. */
static _Noreturn void become(const char *const *argv, int log_fd, pid_t parent)
{
    enum { CANT_START = 127 };
    (void)prctl(PR_SET_PDEATHSIG, SIGTERM);
    if (getppid() != parent) /* it died before prctl */
        _exit(CANT_START);
    if (log_fd >= 0) {
        (void)dup2(log_fd, STDOUT_FILENO);
        (void)dup2(log_fd, STDERR_FILENO);
    }
    (void)signal(SIGPIPE, SIG_DFL);
    (void)execv(argv[0], (char *const *)(uintptr_t)argv);
    _exit(CANT_START);
}

enum result loop_child_start(struct loop *loop, const char *const *argv, const char *log_path,
                             void (*on_exit)(void *arg, int code), void *arg, struct loop_child **ret,
                             struct error *err)
{
    int log_fd = log_path ? open(log_path, O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC, 0640) : -1;
    if (log_path && log_fd < 0)
        return error_set(err, R_IO, "log file %s: %s", log_path, strerror(errno));
    if (!loop->children)
        loop_on_signal(loop, SIGCHLD, on_sigchld, loop);
    pid_t parent = getpid(), pid = fork();
    if (pid == 0)
        become(argv, log_fd, parent);
    if (log_fd >= 0)
        (void)close(log_fd);
    if (pid < 0)
        return error_set(err, R_IO, "can't start %s: %s", argv[0], strerror(errno));
    struct loop_child *c = mem_zalloc(sizeof *c);
    *c = (struct loop_child){.next = loop->children, .loop = loop, .pid = pid, .on_exit = on_exit, .arg = arg};
    loop->children = c;
    *ret = c;
    return OK;
}

int loop_child_pid(const struct loop_child *c)
{
    return c->pid;
}

void loop_child_kill(struct loop_child *c, int signo)
{
    if (!c->ended)
        (void)kill(c->pid, signo);
}

void loop_child_free(struct loop_child *c)
{
    for (struct loop_child **at = &c->loop->children; *at; at = &(*at)->next) {
        if (*at == c) {
            *at = c->next;
            break;
        }
    }
    free(c);
}
