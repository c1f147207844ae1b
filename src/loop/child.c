/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Child processes. Not by uv_spawn, which can't set PR_SET_PDEATHSIG: between fork and exec the child calls only what
 * is async-signal-safe, and tells a failed exec through a pipe that a good one closes.
 */
#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>

#include "base/mem.h"
#include "loop/internal.h"

struct loop_child {
    LIST_ENTRY(loop_child) others;
    pid_t pid;
    bool gone;
    void (*on_exit)(void *arg, int code);
    void *arg;
};

/* --- the end of children --- */

static struct loop_child *next_gone(struct loop *loop, int *ret_status)
{
    struct loop_child *c;
    LIST_FOREACH(c, &loop->children, others) {
        if (waitpid(c->pid, ret_status, WNOHANG) == c->pid)
            return c;
    }
    return NULL;
}

/* One signal may stand for several children. The callback may start or free some: the search begins anew each time. */
static void on_child_signal(uv_signal_t *uv, int signo)
{
    struct loop *loop = uv->data;
    int status;
    (void)signo;
    for (struct loop_child *c; (c = next_gone(loop, &status)) != NULL;) {
        LIST_REMOVE(c, others);
        c->gone = true;
        c->on_exit(c->arg, WIFSIGNALED(status) ? 128 + WTERMSIG(status) : WEXITSTATUS(status));
    }
}

static void watch_children(struct loop *loop)
{
    if (loop->has_child_signal)
        return;
    loop->has_child_signal = true;
    loop->child_signal.data = loop;
    if (uv_signal_init(&loop->uv, &loop->child_signal) != 0 ||
        uv_signal_start(&loop->child_signal, on_child_signal, SIGCHLD) != 0)
        fatal("can't watch for SIGCHLD");
}

/* --- the start of one --- */

struct start {
    const char *const *argv;
    int null_fd, log_fd, report_fd; /* log_fd -1: inherit */
    pid_t parent;
};

static void default_signals(void)
{
    sigset_t none;
    struct sigaction dfl = {.sa_handler = SIG_DFL};
    for (int signo = 1; signo < NSIG; signo++)
        (void)sigaction(signo, &dfl, NULL); /* KILL, STOP and libc's own say no: as it should be */
    (void)sigemptyset(&none);
    (void)pthread_sigmask(SIG_SETMASK, &none, NULL);
}

_Noreturn static void be_child(const struct start *s)
{
    default_signals();
    bool ok = prctl(PR_SET_PDEATHSIG, SIGTERM) == 0;
    if (getppid() != s->parent) /* it ended before prctl */
        _exit(127);
    ok = ok && dup2(s->null_fd, STDIN_FILENO) >= 0;
    if (s->log_fd >= 0)
        ok = ok && dup2(s->log_fd, STDOUT_FILENO) >= 0 && dup2(s->log_fd, STDERR_FILENO) >= 0;
    if (ok)
        (void)execv(s->argv[0], (char *const *)s->argv);
    int why = errno;
    (void)!write(s->report_fd, &why, sizeof why);
    _exit(127);
}

/* No signal may find the child while it still has our handlers. */
static pid_t fork_child(const struct start *s)
{
    sigset_t all, old;
    (void)sigfillset(&all);
    (void)pthread_sigmask(SIG_SETMASK, &all, &old);
    pid_t pid = fork();
    if (pid == 0)
        be_child(s);
    int saved = errno;
    (void)pthread_sigmask(SIG_SETMASK, &old, NULL);
    errno = saved;
    return pid;
}

/* errno of the failed start, or 0. Reads until the exec closes the other end. */
static int start_and_hear(struct start *s, pid_t *ret_pid)
{
    int report[2], why = 0;
    if (pipe2(report, O_CLOEXEC) != 0)
        return errno;
    s->report_fd = report[1];
    *ret_pid = fork_child(s);
    if (*ret_pid < 0)
        why = errno;
    (void)close(report[1]);
    ssize_t n = 0;
    while (*ret_pid > 0 && (n = read(report[0], &why, sizeof why)) < 0 && errno == EINTR)
        continue;
    (void)close(report[0]);
    if (*ret_pid > 0 && n == (ssize_t)sizeof why)
        (void)waitpid(*ret_pid, NULL, 0);
    return why;
}

enum result loop_child_start(struct loop *loop, const char *const *argv, const char *log_path,
                             void (*on_exit)(void *arg, int code), void *arg, struct loop_child **ret,
                             struct error *err)
{
    struct start s = {.argv = argv, .log_fd = -1, .parent = getpid()};
    pid_t pid = -1;
    if (log_path && (s.log_fd = open(log_path, O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC, 0640)) < 0)
        return error_set(err, R_IO, "%s: can't open the log of %s: %s", log_path, argv[0], strerror(errno));
    s.null_fd = open("/dev/null", O_RDONLY | O_CLOEXEC);
    watch_children(loop);
    int why = s.null_fd < 0 ? errno : start_and_hear(&s, &pid);
    if (s.null_fd >= 0)
        (void)close(s.null_fd);
    if (s.log_fd >= 0)
        (void)close(s.log_fd);
    if (why != 0)
        return error_set(err, why == ENOENT ? R_NOTFOUND : R_IO, "can't start %s: %s", argv[0], strerror(why));
    struct loop_child *c = mem_zalloc(sizeof *c);
    *c = (struct loop_child){.pid = pid, .on_exit = on_exit, .arg = arg};
    LIST_INSERT_HEAD(&loop->children, c, others);
    *ret = c;
    return OK;
}

int loop_child_pid(const struct loop_child *c)
{
    return (int)c->pid;
}

void loop_child_kill(struct loop_child *c, int signo)
{
    if (!c->gone) /* the number may belong to somebody else by then */
        (void)kill(c->pid, signo);
}

void loop_child_free(struct loop_child *c)
{
    if (!c->gone)
        LIST_REMOVE(c, others);
    free(c);
}
