/* SPDX-License-Identifier: Apache-2.0 */
/* cmg-connector: the CMG connection point. Dials out, listens to nothing. */
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/log.h"
#include "base/opt.h"
#include "connector/connector.h"

enum { USAGE = 2, DRAIN_MS = 5000 };

struct options {
    const char *config;
    bool check_config, version, reference;
};

static const struct opt opts[] = {
    {.name = "config",
     .kind = OPT_TEXT,
     .offset = offsetof(struct options, config),
     .value = "FILE",
     .help = "the configuration (default: /etc/opencmg/connector.yaml)"},
    {.name = "check-config",
     .kind = OPT_FLAG,
     .offset = offsetof(struct options, check_config),
     .help = "list every fault of the configuration and exit"},
    {.name = "reference",
     .kind = OPT_FLAG,
     .offset = offsetof(struct options, reference),
     .help = "print the keys of the configuration file and exit"},
    {.name = "version", .kind = OPT_FLAG, .offset = offsetof(struct options, version), .help = "print the version"},
    {0},
};
static const struct opt_command command = {
    "cmg-connector [options]", "The connection point: dials the gateways and carries requests inside.", opts, 0, 0};

struct process {
    struct connector connector;
    struct loop *loop;
    struct loop_timer *give_up;
};

static void stop_now(void *arg)
{
    struct process *p = arg;
    loop_stop(p->loop);
}

/* The gateways are told at once and send nothing more; what is under way has some seconds to end. */
static void on_terminate(void *arg)
{
    struct process *p = arg;
    if (loop_timer_active(p->give_up)) {
        loop_stop(p->loop);
        return;
    }
    log_msg(LOG_INFO, "connector", "draining");
    connector_drain(&p->connector);
    loop_timer_start(p->give_up, DRAIN_MS, 0);
}

static int run(const struct connector_config *config)
{
    static struct process p;
    struct error err;
    p.loop = loop_new();
    p.give_up = loop_timer_new(p.loop, stop_now, &p);
    if (connector_start(&p.connector, config, p.loop, &err) != OK) {
        log_msg(LOG_ERROR, "connector", "can't start: %s", err.text);
        return EXIT_FAILURE;
    }
    loop_on_signal(p.loop, SIGTERM, on_terminate, &p);
    loop_on_signal(p.loop, SIGINT, on_terminate, &p);
    LOG_EVENT(LOG_INFO, "connector", "started", LOG_T("id", config->bootstrap.id), LOG_T("version", CMG_VERSION));
    loop_run(p.loop);
    connector_stop(&p.connector);
    log_msg(LOG_INFO, "connector", "stopped");
    return p.connector.exit_code;
}

static int start(const char *path, bool check_only)
{
    static struct connector_config config;
    struct conf_faults faults = {0};
    struct error err;
    if (connector_config_load(path, &config, &faults) != OK) {
        conf_faults_print(&faults, path, stderr);
        return EXIT_FAILURE;
    }
    if (check_only) {
        (void)printf("%s: no fault found\n", path);
        return EXIT_SUCCESS;
    }
    if (conf_log_apply(&config.log, &err) != OK) {
        (void)fprintf(stderr, "cmg-connector: %s\n", err.text);
        return EXIT_FAILURE;
    }
    return run(&config);
}

int main(int argc, char **argv)
{
    struct options o = {.config = "/etc/opencmg/connector.yaml"};
    const char **args;
    size_t count;
    struct error err;
    enum result r = opt_parse(&command, argc - 1, argv + 1, &o, &args, &count, &err);
    if (r == R_EOF)
        return EXIT_SUCCESS;
    if (r != OK) {
        (void)fprintf(stderr, "cmg-connector: %s\n", err.text);
        return USAGE;
    }
    if (o.version)
        (void)puts("cmg-connector " CMG_VERSION);
    else if (o.reference)
        connector_config_reference(stdout);
    else
        return start(o.config, o.check_config);
    return EXIT_SUCCESS;
}
