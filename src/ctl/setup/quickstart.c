/* SPDX-License-Identifier: Apache-2.0 */
/*
 * cmg quickstart: runs the three programs of an evaluation site. A table of steps, one after the other, driven by a
 * timer, so that signals and the end of a program are seen between them:
 *
 *     make the site → start cmg-mp → wait → configure → start gateway and connector → wait → announce → (until a
 * signal)
 */
#include "ctl/setup/quickstart.h"

#include <errno.h>
#include <limits.h>
#include <signal.h>
#include <stdlib.h>

#include "base/clock.h"
#include "base/host/file.h"
#include "base/mem.h"
#include "ctl/api.h"
#include "ctl/setup/quick.h"

enum { TICK_MS = 50, HURRY_AFTER_MS = 500, KILL_AFTER_MS = 8000, ATTEMPTS = 3 };

/* --- the end --- */

static bool all_ended(const struct quick *q)
{
    for (size_t i = 0; i < QUICK_PROGRAMS; i++) {
        if (q->programs[i].child && !q->programs[i].ended)
            return false;
    }
    return true;
}

static void signal_all(struct quick *q, int signo)
{
    for (size_t i = 0; i < QUICK_PROGRAMS; i++) {
        if (q->programs[i].child && !q->programs[i].ended)
            loop_child_kill(q->programs[i].child, signo);
    }
}

static void end(struct quick *q, int exit_code)
{
    if (q->ending)
        return;
    q->ending = true;
    q->exit_code = exit_code;
    signal_all(q, SIGTERM);
    loop_timer_start(q->kill_timer, HURRY_AFTER_MS, 0);
}

/* A second SIGTERM ends a program that still drains: nobody waits for an evaluation site. Then there is SIGKILL. */
static void on_kill(void *arg)
{
    struct quick *q = arg;
    signal_all(q, q->hurried ? SIGKILL : SIGTERM);
    if (!q->hurried)
        loop_timer_start(q->kill_timer, KILL_AFTER_MS, 0);
    q->hurried = true;
}

static void on_signal(void *arg)
{
    end(arg, CTL_DONE);
}

static void on_exit_of(void *arg, int code)
{
    struct quick_program *p = arg;
    p->ended = true;
    p->code = code;
}

/* A program that ended by itself ends everything. Judged in the tick, when a signal to the whole group has arrived here
 * as well. */
static void check_programs(struct quick *q)
{
    for (size_t i = 0; i < QUICK_PROGRAMS && !q->ending; i++) {
        struct quick_program *p = &q->programs[i];
        if (!p->child || !p->ended)
            continue;
        struct ctl_fault fault = {0};
        bool in_use = quick_log_tail(q, p);
        if (in_use && !q->ready && !q->resumed) {
            q->retry = true;
            end(q, CTL_FAILED);
            return;
        }
        (void)error_set(&fault.what, R_IO, "%s ended with code %d", p->name, p->code);
        (void)snprintf(fault.where, sizeof fault.where, "%s/%s", q->dir, p->log);
        (void)snprintf(fault.remedy, sizeof fault.remedy, "%s",
                       in_use ? "another program listens there: end it, or use another folder" : "see its log above");
        end(q, ctl_fail(q->common, &fault));
    }
}

/* --- the steps --- */

static enum result start(struct quick *q, enum quick_program_id id, struct ctl_fault *fault)
{
    struct quick_program *p = &q->programs[id];
    char *program = file_join(q->bin, p->name), *config = quick_path(q, p->config), *log = quick_path(q, p->log);
    const char *const argv[] = {program, "--config", config, NULL};
    enum result r = OK;
    if (access(program, X_OK) != 0) {
        (void)snprintf(fault->where, sizeof fault->where, "%s", program);
        (void)snprintf(fault->remedy, sizeof fault->remedy, "name the folder of the programs with --bin DIR");
        r = error_set(&fault->what, R_NOTFOUND, "%s can't be run: %s", p->name, strerror(errno));
    } else {
        r = loop_child_start(q->loop, argv, log, on_exit_of, p, &p->child, &fault->what);
    }
    free(program);
    free(config);
    free(log);
    return r;
}

static enum result start_mp(struct quick *q, struct ctl_fault *fault)
{
    port_release(&q->ports[PORT_HTTPS]);
    port_release(&q->ports[PORT_EHTTP]);
    return start(q, QUICK_MP, fault);
}

static enum result wait_mp(struct quick *q, struct ctl_fault *fault)
{
    enum result r = api_call(quick_report_text(q, "admin_socket"), "GET", "/v1/status", NULL, NULL, fault);
    return r == R_IO ? R_AGAIN : r;
}

static enum result start_others(struct quick *q, struct ctl_fault *fault)
{
    port_release(&q->ports[PORT_GATEWAY]);
    port_release(&q->ports[PORT_ADMIN]);
    enum result r = start(q, QUICK_GATEWAY, fault);
    return r == OK ? start(q, QUICK_CONNECTOR, fault) : r;
}

static enum result wait_ready(struct quick *q, struct ctl_fault *fault)
{
    long status;
    (void)snprintf(fault->where, sizeof fault->where, "%s/readyz", quick_report_text(q, "gateway_admin"));
    return api_probe(fault->where, &status, &fault->what) == OK ? OK : R_AGAIN;
}

static enum result announce(struct quick *q, struct ctl_fault *fault)
{
    (void)fault;
    q->ready = true;
    quick_announce(q);
    return OK;
}

static const struct {
    const char *what;
    enum result (*run)(struct quick *q, struct ctl_fault *fault);
    unsigned limit_s; /* how long R_AGAIN is taken */
} steps[] = {
    {"making the site", quick_make_site, 0},
    {"starting cmg-mp", start_mp, 0},
    {"waiting for cmg-mp", wait_mp, 60},
    {"configuring the site", quick_configure_site, 0},
    {"making a bulk token", quick_make_token, 0},
    {"starting cmg-gateway and cmg-connector", start_others, 0},
    {"waiting for the gateway to be ready", wait_ready, 90},
    {"announcing", announce, 0},
};

static void step_failed(struct quick *q, struct ctl_fault *fault, bool timeout)
{
    (void)error_prefix(&fault->what, "%s%s", timeout ? "took too long: " : "", steps[q->step].what);
    if (!fault->remedy[0])
        (void)snprintf(fault->remedy, sizeof fault->remedy, "see the logs in %s", q->dir);
    for (size_t i = 0; i < QUICK_PROGRAMS; i++) {
        if (q->programs[i].child)
            (void)quick_log_tail(q, &q->programs[i]);
    }
    end(q, ctl_fail(q->common, fault));
}

static void run_step(struct quick *q)
{
    struct ctl_fault fault = {0};
    if (q->step_until_ms == 0)
        q->step_until_ms = clock_mono_ms() + steps[q->step].limit_s * UINT64_C(1000);
    enum result r = steps[q->step].run(q, &fault);
    if (r == R_AGAIN && clock_mono_ms() < q->step_until_ms)
        return;
    if (r != OK) {
        step_failed(q, &fault, r == R_AGAIN);
        return;
    }
    q->step++;
    q->step_until_ms = 0;
}

static void on_tick(void *arg)
{
    struct quick *q = arg;
    if (!q->ending)
        check_programs(q);
    if (!q->ending && q->step < ARRAY_LEN(steps))
        run_step(q);
    if (q->ending && all_ended(q))
        loop_stop(q->loop);
}

/* --- one run --- */

static void run_site(struct quick *q)
{
    static const int signals[] = {SIGINT, SIGTERM, SIGHUP};
    q->loop = loop_new();
    for (size_t i = 0; i < ARRAY_LEN(signals); i++)
        loop_on_signal(q->loop, signals[i], on_signal, q);
    q->tick = loop_timer_new(q->loop, on_tick, q);
    q->kill_timer = loop_timer_new(q->loop, on_kill, q);
    loop_timer_start(q->tick, 0, TICK_MS);
    loop_run(q->loop);
    loop_timer_free(q->tick);
    loop_timer_free(q->kill_timer);
    for (size_t i = 0; i < QUICK_PROGRAMS; i++) {
        if (q->programs[i].child)
            loop_child_free(q->programs[i].child);
        q->programs[i].child = NULL;
    }
    loop_free(q->loop);
}

static void remove_made(const struct quick *q)
{
    for (size_t i = 0; quick_names[i]; i++) {
        char *path = quick_path(q, quick_names[i]);
        file_remove_tree(path);
        free(path);
    }
}

/* A folder with some of a site in it, but not one of ours that is complete: touch nothing. */
static bool occupied(const struct quick *q, struct ctl_fault *fault)
{
    for (size_t i = 0; quick_names[i]; i++) {
        char *path = quick_path(q, quick_names[i]);
        bool there = file_exists(path);
        free(path);
        if (!there)
            continue;
        (void)error_set(&fault->what, R_CONFLICT, "there is a '%s' already, but no complete evaluation site",
                        quick_names[i]);
        (void)snprintf(fault->where, sizeof fault->where, "%s", q->dir);
        (void)snprintf(fault->remedy, sizeof fault->remedy, "use an empty folder, or empty this one");
        return true;
    }
    return false;
}

static int run_attempts(struct quick *q)
{
    static const struct quick_program programs[QUICK_PROGRAMS] = {
        [QUICK_MP] = {.name = "cmg-mp", .config = "mp.yaml", .log = "mp.log"},
        [QUICK_GATEWAY] = {.name = "cmg-gateway", .config = "gateway.yaml", .log = "gateway.log"},
        [QUICK_CONNECTOR] = {.name = "cmg-connector", .config = "connector.yaml", .log = "connector.log"}};
    struct ctl_fault fault = {0};
    if (!quick_resume(q, &fault) && occupied(q, &fault))
        return ctl_fail(q->common, &fault);
    for (int attempt = 0; attempt < ATTEMPTS; attempt++) {
        memcpy(q->programs, programs, sizeof programs);
        for (size_t i = 0; i < QUICK_PORTS; i++)
            q->ports[i].fd = -1;
        q->step = 0;
        q->ending = q->retry = q->hurried = false;
        run_site(q);
        for (size_t i = 0; i < QUICK_PORTS; i++)
            port_release(&q->ports[i]);
        if (!q->retry)
            break;
        remove_made(q);
        json_decref(q->report);
        q->report = NULL;
    }
    return q->exit_code;
}

/* --- the folders --- */

/* Where this program is; in a build folder the five programs are side by side in bin/, as links. */
char *quick_own_folder(void)
{
    char path[PATH_MAX];
    ssize_t n = readlink("/proc/self/exe", path, sizeof path - 1);
    path[n > 0 ? n : 0] = '\0';
    char *slash = strrchr(path, '/');
    if (!slash)
        return mem_strdup(".");
    *slash = '\0';
    char *linked = file_join(path, "../../bin"), *beside = file_join(path, "cmg-mp");
    char *bin = access(beside, X_OK) == 0 ? NULL : realpath(linked, NULL);
    free(linked);
    free(beside);
    return bin ? bin : mem_strdup(path);
}

/* The site's folder as an absolute path, made when missing. */
static enum result open_folder(const char *dir, char **ret, struct error *err)
{
    char made[] = "/tmp/opencmg-XXXXXX";
    if (dir) {
        enum result r = file_make_dirs(dir, 0700, err);
        if (r != OK)
            return r;
    } else if (!mkdtemp(made)) {
        return error_set(err, R_IO, "no temporary folder: %s", strerror(errno));
    }
    *ret = realpath(dir ? dir : made, NULL);
    return *ret ? OK : error_set(err, R_IO, "%s: %s", dir ? dir : made, strerror(errno));
}

int ctl_quickstart(const struct ctl_common *common, const char *dir, const char *bin, const char *store)
{
    struct quick q = {.common = common, .store = store};
    struct error err;
    if (open_folder(dir, &q.dir, &err) != OK)
        return ctl_fail_error(common, &err, dir, "name a folder that you may write to with --dir");
    q.bin = bin ? realpath(bin, NULL) : quick_own_folder();
    int code = CTL_FAILED;
    if (q.bin) {
        code = run_attempts(&q);
    } else {
        (void)error_set(&err, R_NOTFOUND, "%s", strerror(errno));
        code = ctl_fail_error(common, &err, bin, "--bin names the folder of cmg-mp, cmg-gateway and cmg-connector");
    }
    if (q.socket_dir)
        file_remove_tree(q.socket_dir);
    if (!dir)
        file_remove_tree(q.dir);
    json_decref(q.report);
    free(q.socket_dir);
    free(q.dir);
    free(q.bin);
    return code;
}
