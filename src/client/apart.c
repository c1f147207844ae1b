/* SPDX-License-Identifier: Apache-2.0 */
/* Two ends of a socket pair: what to run goes one way, its end and its output the other. The end that runs believes
 * nothing of what comes. */
#include "client/apart.h"

#include <errno.h>
#include <limits.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/mem.h"
#include "base/text/name.h"
#include "client/facts/collect.h"
#include "facts/facts.h"
#include "sandbox/sandbox.h"
#include "web/http.h"

enum { AGAIN = 75, LIMIT_MAX_S = 3600, OUTPUT_MAX = 64 * 1024, PROGRAMS = 5 };

static const enum client_setting programs[PROGRAMS] = {SETTING_POLICY_HANDLER, SETTING_USER_POLICY_HANDLER,
                                                       SETTING_NOTIFICATION_HANDLER, SETTING_ENTRA_COMMAND,
                                                       SETTING_PROXY_COMMAND};

struct request {
    char program[PATH_MAX], argument[PATH_MAX];
    bool facts; /* no program: what the machine is */
    bool has_argument, tail;
    unsigned limit_s;
    size_t output_max;
};
struct answer {
    enum result result;
    char text[ERROR_TEXT_MAX];
    size_t output_len; /* bytes that follow */
};

static int other = -1;                /* in the process that is locked in: the way to the other one */
static struct client_settings let_in; /* what it was let in to */

/* --- both ends --- */

static bool send_all(int fd, const void *data, size_t len)
{
    const char *at = data;
    while (len) {
        ssize_t n = send(fd, at, len, MSG_NOSIGNAL);
        if (n < 0 && errno == EINTR)
            continue;
        if (n <= 0)
            return false;
        at += n;
        len -= (size_t)n;
    }
    return true;
}

static bool receive_all(int fd, void *data, size_t len)
{
    char *at = data;
    while (len) {
        ssize_t n = recv(fd, at, len, 0);
        if (n < 0 && errno == EINTR)
            continue;
        if (n <= 0)
            return false;
        at += n;
        len -= (size_t)n;
    }
    return true;
}

/* --- the one that runs programs --- */

/* Of the folder of handlers, itself and nothing below it. */
static bool is_handler(const struct client_settings *s, const char *program)
{
    const char *folder = client_setting(s, SETTING_CONTENT_HANDLERS);
    size_t len = folder ? strlen(folder) : 0;
    return folder && strncmp(program, folder, len) == 0 && program[len] == '/' &&
           name_valid(NAME_ROLE, slice_of(program + len + 1)) && strspn(program + len + 1, ".") == 0;
}

static bool is_named(const struct client_settings *s, const char *program)
{
    if (is_handler(s, program))
        return true;
    for (size_t i = 0; i < PROGRAMS; i++) {
        const char *named = client_setting(s, programs[i]);
        if (named && strcmp(named, program) == 0)
            return true;
    }
    return false;
}

/* Who runs programs. */
struct runner {
    const char *dir; /* the state folder */
    const struct client_settings *settings;
};

static char *collect(const char *dir, const struct client_settings *s)
{
    json_t *facts = client_facts_collect(dir, s);
    char *text = facts_text(facts);
    json_decref(facts);
    return text;
}

static enum result run(const struct runner *by, struct request *q, char **ret, struct error *err)
{
    q->program[sizeof q->program - 1] = q->argument[sizeof q->argument - 1] = '\0';
    *ret = q->facts ? collect(by->dir, by->settings) : NULL;
    if (q->facts)
        return OK;
    if (q->limit_s > LIMIT_MAX_S || q->output_max > OUTPUT_MAX)
        return error_set(err, R_LIMIT, "a program is not let run for so long, or say so much");
    if (!is_named(by->settings, q->program))
        return error_set(err, R_DENIED,
                         "%s was not set when the service started: restart it (systemctl restart cmg-client)",
                         q->program);
    const struct program c = {.path = q->program,
                              .argument = q->has_argument ? q->argument : NULL,
                              .limit_s = q->limit_s,
                              .output_max = q->output_max,
                              .tail = q->tail,
                              .stopped = web_http_stopped};
    return program_run(&c, ret, err);
}

/* False: the other end is gone. */
static bool serve_one(int fd, const struct runner *by, const sigset_t *open)
{
    static struct request q;
    struct answer a = {.result = OK};
    struct error err = {0};
    char *output = NULL;
    sigset_t closed;
    if (!receive_all(fd, &q, sizeof q))
        return false;
    (void)sigprocmask(SIG_SETMASK, open, &closed); /* a signal ends what runs */
    a.result = run(by, &q, &output, &err);
    (void)sigprocmask(SIG_SETMASK, &closed, NULL);
    (void)snprintf(a.text, sizeof a.text, "%s", err.text);
    a.output_len = output ? strlen(output) : 0;
    bool ok = send_all(fd, &a, sizeof a) && send_all(fd, output, a.output_len);
    if (output)
        mem_free_secret(output, a.output_len);
    return ok;
}

/* Until the other process ends; its wait status. What ends this one is passed on to it. */
static int serve(int fd, pid_t child, const struct runner *by, const sigset_t *open)
{
    struct pollfd p = {.fd = fd, .events = POLLIN};
    bool told = false;
    int status = 0;
    do {
        if (web_http_stopped() && !told)
            told = kill(child, SIGTERM) == 0;
    } while (ppoll(&p, 1, NULL, open) < 0 || serve_one(fd, by, open));
    (void)close(fd);
    while (waitpid(child, &status, 0) < 0 && errno == EINTR)
        continue;
    return status;
}

_Noreturn static void end_as(int status)
{
    if (WIFSIGNALED(status))
        (void)fprintf(stderr, "cmg-client: the process in the sandbox was ended by signal %d\n", WTERMSIG(status));
    _exit(WIFEXITED(status) ? WEXITSTATUS(status) : EXIT_FAILURE);
}

/* --- the one that is locked in --- */

static bool is_folder(enum client_setting which)
{
    return which == SETTING_CERTIFICATE_DIR || which == SETTING_INVENTORY_SCRIPTS || which == SETTING_CONTENT_HANDLERS;
}

static void let_in_to(const char *dir, const struct client_settings *s, struct sandbox *box)
{
    sandbox_allow(box, SANDBOX_WRITE_FOLDER, dir);
    sandbox_allow(box, SANDBOX_WRITE_THERE, "/dev/tpmrm0"); /* a key may be there, as key.pem tells */
    for (size_t i = 0; i < CLIENT_SETTINGS; i++) {
        const char *path = s->values[i];
        if (path && *path == '/')
            sandbox_allow(box, is_folder((enum client_setting)i) ? SANDBOX_READ_FOLDER : SANDBOX_READ_FILE, path);
    }
}

static void lock_in(const char *dir)
{
    struct sandbox *box = sandbox_new();
    let_in_to(dir, &let_in, box);
    struct sandbox_kept kept = sandbox_enter(box);
    if (!kept.whole)
        (void)fprintf(stderr, "cmg-client: locked in by half: files: %s; calls: %s\n", kept.files, kept.calls);
}

bool client_apart_fits(const struct client_settings *s)
{
    for (size_t i = 0; other >= 0 && i < CLIENT_SETTINGS; i++) {
        const char *now = s->values[i];
        if (now && *now == '/' && (!let_in.values[i] || strcmp(let_in.values[i], now) != 0))
            return false;
    }
    return true;
}

void client_apart_again(void)
{
    (void)fflush(stdout);
    _exit(AGAIN);
}

/* `ret` NULL: its output is nobody's. `always`: it counts although the program failed. */
static enum result take_answer(const struct answer *a, bool always, char **ret, struct error *err)
{
    if (a->output_len > FACTS_MAX)
        fatal("the process that runs programs says too much");
    char *output = mem_zalloc(a->output_len + 1);
    bool whole = receive_all(other, output, a->output_len);
    if ((a->result == OK || always) && whole && ret)
        *ret = output;
    else
        mem_free_secret(output, a->output_len);
    if (!whole)
        return error_set(err, R_IO, "the process that runs programs has ended");
    return a->result == OK ? OK : error_set(err, a->result, "%s", a->text);
}

static enum result ask(const struct request *q, struct answer *ret, struct error *err)
{
    if (send_all(other, q, sizeof *q) && receive_all(other, ret, sizeof *ret))
        return OK;
    return error_set(err, R_IO, "the process that runs programs has ended");
}

enum result client_apart_command(const struct program *c, char **ret_output, struct error *err)
{
    static struct request q;
    struct answer a;
    if (other < 0) {
        struct program own = *c;
        own.stopped = web_http_stopped;
        return program_run(&own, ret_output, err);
    }
    *ret_output = NULL;
    q = (struct request){
        .has_argument = c->argument, .limit_s = c->limit_s, .output_max = c->output_max, .tail = c->tail};
    if (strlen(c->path) >= sizeof q.program || (c->argument && strlen(c->argument) >= sizeof q.argument))
        return error_set(err, R_LIMIT, "%s: a path is too long", c->path);
    (void)snprintf(q.program, sizeof q.program, "%s", c->path);
    (void)snprintf(q.argument, sizeof q.argument, "%s", c->argument ? c->argument : "");
    enum result r = ask(&q, &a, err);
    return r == OK ? take_answer(&a, c->tail, c->output_max ? ret_output : NULL, err) : r;
}

enum result client_apart_facts(const char *dir, const struct client_settings *s, char **ret, struct error *err)
{
    static struct request q;
    struct answer a;
    *ret = NULL;
    q = (struct request){.facts = true};
    if (other < 0) {
        *ret = collect(dir, s);
        return OK;
    }
    enum result r = ask(&q, &a, err);
    return r == OK ? take_answer(&a, false, ret, err) : r;
}

/* --- the start of both --- */

static enum result start(pid_t *ret, int *ret_fd, struct error *err)
{
    int pair[2];
    if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair) != 0)
        return error_set(err, R_IO, "a pair of sockets: %s", strerror(errno));
    (void)fflush(NULL);
    *ret = fork();
    *ret_fd = *ret == 0 ? pair[1] : pair[0];
    (void)close(*ret == 0 ? pair[0] : pair[1]);
    if (*ret >= 0)
        return OK;
    (void)close(*ret_fd);
    return error_set(err, R_IO, "a process can't be made: %s", strerror(errno));
}

/* Once for each time that the settings name something else: OK in the process that is to be locked in. */
static enum result part(const struct runner *first, const sigset_t *open, struct error *err)
{
    pid_t child = 0, parent = getpid();
    int fd = -1, status;
    do {
        enum result r = start(&child, &fd, err);
        if (r != OK)
            return r;
        if (child == 0) {
            other = fd;
            /* it ends with the other one, also where that was killed */
            if (prctl(PR_SET_PDEATHSIG, SIGTERM) != 0 || getppid() != parent)
                _exit(EXIT_FAILURE);
            return OK;
        }
        status = serve(fd, child, first, open);
    } while (WIFEXITED(status) && WEXITSTATUS(status) == AGAIN && !web_http_stopped());
    end_as(status);
}

enum result client_apart_enter(const char *dir, struct error *err)
{
    struct client_settings first;
    sigset_t closed, open;
    enum result r = client_settings_load(dir, &first, err);
    if (r != OK || !client_setting_on(&first, SETTING_SANDBOX)) {
        client_settings_free(&first);
        return r;
    }
    (void)sigemptyset(&closed);
    (void)sigaddset(&closed, SIGTERM);
    (void)sigaddset(&closed, SIGINT);
    (void)sigprocmask(SIG_BLOCK, &closed, &open);
    r = part(&(struct runner){dir, &first}, &open, err);
    client_settings_free(&first);
    if (r == OK)
        r = client_settings_load(dir, &let_in, err);
    if (r == OK)
        lock_in(dir);
    (void)sigprocmask(SIG_SETMASK, &open, NULL);
    return r;
}
