/* SPDX-License-Identifier: Apache-2.0 */
/* The programs of this machine: its services; for a trial, children that end with us; and cmg-connector join. */
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <spawn.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/wait.h>

#include "base/buf.h"
#include "base/host/file.h"
#include "base/mem.h"
#include "ctl/wizard/wizard.h"
#include "join/service.h"

enum { ANSWER_MAX = 256 * 1024, PATIENCE_MS = 10 * 1000 };

static const struct {
    const char *name, *unit, *config, *log;
} programs[RUN_COUNT] = {
    [RUN_MP] = {"cmg-mp", "cmg-mp.service", "mp.yaml", "mp.log"},
    [RUN_CONNECTOR] = {"cmg-connector", "cmg-connector.service", "connector.yaml", "connector.log"}};

/* --- the loop turns between the steps --- */

static void on_signal(void *arg)
{
    struct wizard *w = arg;
    w->stopped = true;
    loop_stop(w->loop);
}

static void on_time(void *arg)
{
    loop_stop(arg);
}

static void start_loop(struct wizard *w)
{
    static const int signals[] = {SIGINT, SIGTERM, SIGHUP};
    if (w->loop)
        return;
    w->loop = loop_new();
    for (size_t i = 0; i < ARRAY_LEN(signals); i++)
        loop_on_signal(w->loop, signals[i], on_signal, w);
}

static void turn(struct wizard *w, unsigned ms)
{
    start_loop(w);
    struct loop_timer *timer = loop_timer_new(w->loop, on_time, w->loop);
    loop_timer_start(timer, ms, 0);
    loop_run(w->loop);
    loop_timer_free(timer);
}

enum result wizard_turn(struct wizard *w, unsigned ms, struct ctl_fault *fault)
{
    turn(w, ms);
    if (w->stopped || wizard_was_stopped())
        return R_EOF;
    for (size_t i = 0; i < RUN_COUNT; i++) {
        if (!w->children[i] || !w->ended[i])
            continue;
        (void)snprintf(fault->where, sizeof fault->where, "%s/%s", w->dir, programs[i].log);
        (void)snprintf(fault->remedy, sizeof fault->remedy, "its log says why; mend that, and run cmg setup again");
        return error_set(&fault->what, R_IO, "%s ended", programs[i].name);
    }
    return OK;
}

/* --- starting --- */

struct gone {
    struct wizard *w;
    enum wizard_program which;
};
static struct gone gone[RUN_COUNT]; /* of the one wizard that this process is */

static void on_exit_of(void *arg, int code)
{
    struct gone *g = arg;
    (void)code;
    g->w->ended[g->which] = true;
    loop_stop(g->w->loop);
}

static enum result start_child(struct wizard *w, enum wizard_program which, struct ctl_fault *fault)
{
    char *program = file_join(w->bin, programs[which].name), *config = file_join(w->dir, programs[which].config),
         *log = file_join(w->dir, programs[which].log);
    const char *const argv[] = {program, "--config", config, NULL};
    start_loop(w);
    gone[which] = (struct gone){w, which};
    enum result r = loop_child_start(w->loop, argv, log, on_exit_of, &gone[which], &w->children[which], &fault->what);
    if (r == OK)
        join_did(&w->report, "Started %s, which ends with this command; its log is %s", programs[which].name, log);
    free(program);
    free(config);
    free(log);
    return r;
}

enum result wizard_start(struct wizard *w, enum wizard_program which, struct ctl_fault *fault)
{
    char by_hand[4400];
    if (w->run_here)
        return start_child(w, which, fault);
    (void)snprintf(by_hand, sizeof by_hand, "%s --config %s/%s", programs[which].name, w->dir, programs[which].config);
    size_t told = json_array_size(w->report.todo);
    struct join_starter *starter = w->usual ? join_starter_new(programs[which].unit) : NULL;
    (void)join_starter_start(starter, &w->report, by_hand);
    join_starter_free(starter);
    return json_array_size(w->report.todo) == told ? OK : R_AGAIN;
}

/* --- cmg-connector join --- */

/* With both ends of its pipes at ours; -1: it did not start. */
static pid_t spawn(const char *const *argv, int in, int out)
{
    posix_spawn_file_actions_t files;
    pid_t child = -1;
    if (posix_spawn_file_actions_init(&files) != 0)
        return -1;
    if (posix_spawn_file_actions_adddup2(&files, in, STDIN_FILENO) != 0 ||
        posix_spawn_file_actions_adddup2(&files, out, STDOUT_FILENO) != 0 ||
        posix_spawn(&child, argv[0], &files, NULL, (char *const *)(uintptr_t)argv, environ) != 0)
        child = -1;
    (void)posix_spawn_file_actions_destroy(&files);
    return child;
}

static void read_all(int fd, struct buf *ret)
{
    for (;;) {
        char *room = buf_reserve(ret, 4096);
        ssize_t n = room ? read(fd, room, 4096) : 0;
        if (n > 0)
            buf_commit(ret, (size_t)n);
        else if (n == 0 || errno != EINTR)
            return;
    }
}

/* A file without a name that holds `input`, to be read from its beginning; -1. Not a pipe: nobody waits for the other,
 * however long the input is. */
static int open_input(const char *input)
{
    int fd = memfd_create("input", MFD_CLOEXEC);
    size_t len = strlen(input);
    if (fd >= 0 && (write(fd, input, len) != (ssize_t)len || lseek(fd, 0, SEEK_SET) != 0)) {
        (void)close(fd);
        return -1;
    }
    return fd;
}

static bool run(const char *const *argv, const char *input, struct buf *ret)
{
    int in = open_input(input), out[2], status = 1;
    if (in < 0)
        return false;
    if (pipe2(out, O_CLOEXEC) != 0) {
        (void)close(in);
        return false;
    }
    pid_t child = spawn(argv, in, out[1]);
    (void)close(in);
    (void)close(out[1]);
    if (child > 0) {
        read_all(out[0], ret);
        while (waitpid(child, &status, 0) < 0 && errno == EINTR)
            continue;
    }
    (void)close(out[0]);
    return child > 0;
}

/* Started here, it needs no start by hand. */
static void retell(struct wizard *w, const json_t *answer)
{
    const json_t *text;
    size_t i;
    json_array_foreach(json_object_get(answer, "done"), i, text) {
        if (json_is_string(text))
            join_did(&w->report, "%s", json_string_value(text));
    }
    json_array_foreach(json_object_get(answer, "todo"), i, text) {
        if (json_is_string(text) && !w->run_here)
            join_todo(&w->report, "%s", json_string_value(text));
    }
}

static enum result judge(struct wizard *w, const json_t *answer, struct ctl_fault *fault)
{
    if (json_opt_bool(answer, "ok", false)) {
        retell(w, answer);
        return OK;
    }
    (void)snprintf(fault->where, sizeof fault->where, "cmg-connector join");
    (void)snprintf(fault->remedy, sizeof fault->remedy, "%s", json_opt_str(answer, "remedy", ""));
    return error_set(&fault->what, R_IO, "%s",
                     json_opt_str(answer, "detail", "it could not be run, or ended without an answer"));
}

enum result wizard_join_connector(struct wizard *w, const char *string, struct ctl_fault *fault)
{
    char *program = file_join(w->bin, "cmg-connector");
    const char *argv[12] = {program, "join", "-", "--json"};
    size_t n = 4;
    struct buf said;
    json_t *answer = NULL;
    if (!w->usual) {
        argv[n++] = "--dir";
        argv[n++] = w->dir;
    }
    if (wizard_cert_needed(w)) {
        argv[n++] = "--certificate";
        argv[n++] = wizard_text(w, ASK_CONNECTOR_CERT);
        argv[n++] = "--key";
        argv[n++] = wizard_text(w, ASK_CONNECTOR_KEY);
    }
    buf_init(&said, ANSWER_MAX);
    if (run(argv, string, &said))
        (void)!json_parse(buf_data(&said), ANSWER_MAX, &answer, NULL);
    enum result r = judge(w, answer, fault);
    json_decref(answer);
    buf_free(&said);
    free(program);
    return r;
}

/* --- the end --- */

static bool all_ended(const struct wizard *w)
{
    for (size_t i = 0; i < RUN_COUNT; i++) {
        if (w->children[i] && !w->ended[i])
            return false;
    }
    return true;
}

int wizard_stay(struct wizard *w, int code)
{
    enum { LONG_MS = 3600 * 1000 };
    struct ctl_fault fault = {0};
    enum result r = OK;
    while (r == OK)
        r = wizard_turn(w, LONG_MS, &fault);
    return r == R_EOF ? code : ctl_fail(w->common, &fault);
}

void wizard_end_children(struct wizard *w)
{
    if (!w->loop)
        return;
    for (int signo = SIGTERM; !all_ended(w); signo = SIGKILL) {
        for (size_t i = 0; i < RUN_COUNT; i++) {
            if (w->children[i] && !w->ended[i])
                loop_child_kill(w->children[i], signo);
        }
        for (unsigned waited = 0; !all_ended(w) && waited < PATIENCE_MS; waited += 50)
            turn(w, 50);
    }
    for (size_t i = 0; i < RUN_COUNT; i++) {
        if (w->children[i])
            loop_child_free(w->children[i]);
    }
    loop_free(w->loop);
    w->loop = NULL;
}
