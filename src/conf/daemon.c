/* SPDX-License-Identifier: Apache-2.0 */
/* From the command line to a checked configuration and a started log, or to the exit code. What a program then does is
 * its own. */
#include "conf/daemon.h"

#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>

#include "base/host/file.h"
#include "base/host/log.h"
#include "base/host/opt.h"
#include "base/mem.h"

enum { USAGE = 2, USAGE_SIZE = 1024 };

struct options {
    const char *config;
    bool check_config, version, reference;
};

#define AT(member) offsetof(struct options, member)

static const struct opt opts[] = {
    {.name = "config", .kind = OPT_TEXT, .offset = AT(config), .value = "FILE", .help = "the configuration"},
    {.name = "check-config", .kind = OPT_FLAG, .offset = AT(check_config), .help = "list every fault of it and exit"},
    {.name = "reference",
     .kind = OPT_FLAG,
     .offset = AT(reference),
     .help = "print the keys that it may have and exit"},
    {.name = "version", .kind = OPT_FLAG, .offset = AT(version), .help = "print the version and exit"},
    {0},
};

uint64_t conf_descriptors(void)
{
    struct rlimit l;
    return getrlimit(RLIMIT_NOFILE, &l) == 0 && l.rlim_max != RLIM_INFINITY ? l.rlim_max : UINT32_MAX;
}

/* As many descriptors as the system lets us have: the usual 1024 would be a limit of connections that nobody chose. */
static void raise_descriptors(void)
{
    struct rlimit l;
    if (getrlimit(RLIMIT_NOFILE, &l) != 0 || l.rlim_cur == l.rlim_max)
        return;
    l.rlim_cur = l.rlim_max;
    (void)setrlimit(RLIMIT_NOFILE, &l);
}

int conf_daemon_failed(const char *component, const struct error *err)
{
    log_msg(LOG_ERROR, component, "can't start: %s", err->text);
    if (log_is_in_file())
        (void)fprintf(stderr, "cmg-%s: can't start: %s\nremedy: %s\n", component, err->text, result_remedy(err->code));
    return EXIT_FAILURE;
}

void conf_daemon_hangup(const char *component)
{
    struct error err;
    if (log_reopen(&err) == OK)
        log_msg(LOG_INFO, component, "hang-up: the log's file was opened anew");
    else
        log_msg(LOG_ERROR, component, "%s; the one that was open stays in use", err.text);
}

/* Told as a warning: whoever reads the log sees it whatever the level. */
void conf_daemon_toggle_debug(void *unused UNUSED)
{
    bool on = log_toggle_debug();
    log_msg(LOG_WARN, "log",
            on ? "debug lines from now on; SIGUSR1 ends them" : "the level is the configured one again");
}

static int tell(const struct conf_daemon *d, const struct conf_faults *faults, const char *path)
{
    conf_faults_print(faults, path, stderr);
    (void)fprintf(stderr,
                  "remedy: correct what is named; %s --reference lists the keys and what they hold, "
                  "%s --check-config --config %s looks again\n",
                  d->name, d->name, path);
    return EXIT_FAILURE;
}

static void check_log(const struct conf_log *log, struct conf_faults *faults)
{
    struct error err;
    if (log->file && file_can_make(log->file, &err) != OK)
        conf_fault_of(faults, &log->file, "log: file: %s", err.text);
}

bool conf_daemon_check(const struct conf_daemon *d, const char *path, struct conf_faults *faults)
{
    struct error unfit;
    bool loaded = d->load(path, faults) == OK;
    if (!faults->unread)
        check_log(d->log(), faults);
    if (loaded && d->fits(conf_descriptors(), &unfit) != OK)
        conf_fault_add(faults, 0, "%s", unfit.text);
    return faults->count == 0 && loaded;
}

/* Before anything from outside is read, and before there are threads, which it would not hold in. */
static void lock_in(const struct conf_daemon *d)
{
    if (!*d->sandboxed) {
        log_msg(LOG_WARN, "sandbox", "off, as configured: whoever breaks into this process has all that its user has");
        return;
    }
    struct sandbox *s = sandbox_new();
    d->needs(s);
    struct sandbox_kept kept = sandbox_enter(s);
    LOG_EVENT(kept.whole ? LOG_INFO : LOG_WARN, "sandbox", kept.whole ? "locked in" : "locked in by half",
              LOG_T("files", kept.files), LOG_T("calls", kept.calls));
}

static int start(const struct conf_daemon *d, const char *path, bool check_only)
{
    struct conf_faults faults = {0};
    struct error err, unfit;
    bool loaded = d->load(path, &faults) == OK;
    if (check_only && d->check && !faults.unread)
        d->check(&faults);
    if (check_only && !faults.unread)
        check_log(d->log(), &faults);
    if (!loaded)
        return tell(d, &faults, path);
    bool fits = d->fits(conf_descriptors(), &unfit) == OK;
    if (check_only && !fits)
        conf_fault_add(&faults, 0, "%s", unfit.text);
    if (check_only && faults.count)
        return tell(d, &faults, path);
    if (check_only) {
        conf_faults_print(&faults, path, stderr);
        (void)printf("%s: no fault found\n", path);
        return EXIT_SUCCESS;
    }
    if (conf_log_apply(d->log(), &err) != OK) {
        (void)fprintf(stderr, "%s: %s\nremedy: %s\n", d->name, err.text, result_remedy(err.code));
        return EXIT_FAILURE;
    }
    for (size_t i = 0; i < faults.warning_count; i++)
        log_msg(LOG_WARN, "config", "%s", faults.warnings[i].text);
    raise_descriptors();
    mem_keep_private();
    (void)signal(SIGHUP, SIG_IGN); /* until run() listens to them: they must end nobody who just starts */
    (void)signal(SIGUSR1, SIG_IGN);
    if (!fits)
        log_msg(LOG_WARN, "config", "%s", unfit.text);
    lock_in(d);
    return d->run();
}

static void write_usage(const struct conf_daemon *d, char ret[USAGE_SIZE])
{
    int at = snprintf(ret, USAGE_SIZE, "%s [options]   (without --config: %s)", d->name, d->default_config);
    for (const struct conf_daemon_word *w = d->words; w && w->name && at < USAGE_SIZE; w++) {
        if (w->usage)
            at += snprintf(ret + at, (size_t)(USAGE_SIZE - at), "\n       %s %s", d->name, w->usage);
    }
}

int conf_daemon_main(const struct conf_daemon *d, int argc, char **argv)
{
    struct options o = {.config = d->default_config};
    char usage[USAGE_SIZE];
    for (const struct conf_daemon_word *w = d->words; w && w->name && argc > 1; w++) {
        if (strcmp(argv[1], w->name) == 0)
            return w->run(d, argc - 2, argv + 2);
    }
    write_usage(d, usage);
    struct opt_command command = {usage, d->summary, opts, 0, 0};
    const char **args;
    size_t count;
    struct error err;
    enum result r = opt_parse(&command, argc - 1, argv + 1, &o, &args, &count, &err);
    if (r == R_EOF)
        return EXIT_SUCCESS;
    if (r != OK) {
        (void)fprintf(stderr, "%s: %s\nremedy: %s --help lists the options\n", d->name, err.text, d->name);
        return USAGE;
    }
    if (o.version)
        (void)printf("%s %s\n", d->name, CMG_VERSION);
    else if (o.reference)
        d->reference(stdout);
    else
        return start(d, o.config, o.check_config);
    return EXIT_SUCCESS;
}
