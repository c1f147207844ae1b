/* SPDX-License-Identifier: Apache-2.0 */
/* cmg-gateway: the CMG service. Reads its configuration, starts the workers, and waits for signals. */
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/log.h"
#include "base/opt.h"
#include "gateway/admin.h"
#include "gateway/start.h"

enum { DRAIN_TICK_MS = 50, USAGE = 2 };

struct options {
    const char *config;
    bool check_config, version, reference;
};

static const struct opt opts[] = {
    {.name = "config",
     .kind = OPT_TEXT,
     .offset = offsetof(struct options, config),
     .value = "FILE",
     .help = "the configuration (default: /etc/opencmg/gateway.yaml)"},
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
    "cmg-gateway [options]", "The cloud management gateway: lets in the devices that prove who they are.", opts, 0, 0};

struct process {
    struct gateway gateway;
    struct loop *loop;
    struct net_listener *admin;
    struct loop_timer *tick;
    uint64_t give_up_ms;
};

static void drain_tick(void *arg)
{
    struct process *p = arg;
    if (gateway_idle(&p->gateway) || loop_now_ms(p->loop) >= p->give_up_ms)
        loop_stop(p->loop);
}

static void on_terminate(void *arg)
{
    struct process *p = arg;
    if (p->give_up_ms) { /* the second time: at once */
        loop_stop(p->loop);
        return;
    }
    log_msg(LOG_INFO, "gateway", "draining");
    p->give_up_ms = loop_now_ms(p->loop) + p->gateway.config->drain_s * 1000;
    gateway_drain(&p->gateway);
    loop_timer_start(p->tick, DRAIN_TICK_MS, DRAIN_TICK_MS);
}

static int run(const struct gateway_config *config)
{
    static struct process p;
    struct error err;
    p.loop = loop_new();
    p.tick = loop_timer_new(p.loop, drain_tick, &p);
    if (gateway_start(&p.gateway, config, p.loop, &err) != OK ||
        gateway_admin_listen(&p.gateway, &p.admin, &err) != OK) {
        log_msg(LOG_ERROR, "gateway", "can't start: %s", err.text);
        return EXIT_FAILURE;
    }
    loop_on_signal(p.loop, SIGTERM, on_terminate, &p);
    loop_on_signal(p.loop, SIGINT, on_terminate, &p);
    for (size_t i = 0; i < p.gateway.listen_count; i++) {
        char at[NET_ADDRESS_TEXT];
        net_address_format(&p.gateway.listen[i], at);
        LOG_EVENT(LOG_INFO, "gateway", "listening", LOG_T("address", at), LOG_N("workers", p.gateway.worker_count),
                  LOG_T("version", CMG_VERSION));
    }
    loop_run(p.loop);
    gateway_stop(&p.gateway);
    log_msg(LOG_INFO, "gateway", "stopped");
    return EXIT_SUCCESS;
}

static int start(const char *path, bool check_only)
{
    static struct gateway_config config;
    struct conf_faults faults = {0};
    struct error err;
    if (gateway_config_load(path, &config, &faults) != OK) {
        conf_faults_print(&faults, path, stderr);
        return EXIT_FAILURE;
    }
    if (check_only) {
        (void)printf("%s: no fault found\n", path);
        return EXIT_SUCCESS;
    }
    if (conf_log_apply(&config.log, &err) != OK) {
        (void)fprintf(stderr, "cmg-gateway: %s\n", err.text);
        return EXIT_FAILURE;
    }
    return run(&config);
}

int main(int argc, char **argv)
{
    struct options o = {.config = "/etc/opencmg/gateway.yaml"};
    const char **args;
    size_t count;
    struct error err;
    enum result r = opt_parse(&command, argc - 1, argv + 1, &o, &args, &count, &err);
    if (r == R_EOF)
        return EXIT_SUCCESS;
    if (r != OK) {
        (void)fprintf(stderr, "cmg-gateway: %s\n", err.text);
        return USAGE;
    }
    if (o.version) {
        (void)puts("cmg-gateway " CMG_VERSION);
        return EXIT_SUCCESS;
    }
    if (o.reference) {
        gateway_config_reference(stdout);
        return EXIT_SUCCESS;
    }
    return start(o.config, o.check_config);
}
