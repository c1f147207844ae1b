/* SPDX-License-Identifier: Apache-2.0 */
/* cmg-connector: the CMG connection point. Dials out, listens to nothing. */
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/host/file.h"
#include "base/host/log.h"
#include "base/host/process.h"
#include "base/mem.h"
#include "conf/daemon.h"
#include "connector/connector.h"
#include "connector/join.h"
#include "connector/metrics.h"
#include "connector/site/certificate_watch.h"
#include "connector/site/self_check.h"
#include "loop/service.h"
#include "json/json.h"

enum { DRAIN_MS = 5000, TICK_MS = 20 };

static struct connector_config config;

struct process {
    struct connector connector;
    struct metrics_listener *metrics;
    struct loop *loop;
    struct certificate_watch *watch;
    struct loop_timer *tick, *gather, *watchdog;
    uint64_t give_up_ms; /* 0: not draining */
};

static void drain_tick(void *arg)
{
    struct process *p = arg;
    if (connector_idle(&p->connector) || loop_now_ms(p->loop) >= p->give_up_ms)
        loop_stop(p->loop);
}

/* The gateways are told at once and send nothing more; what is under way has some seconds to end. */
static void on_terminate(void *arg)
{
    struct process *p = arg;
    if (p->give_up_ms) { /* the second time: at once */
        loop_stop(p->loop);
        return;
    }
    log_msg(LOG_INFO, "connector", "draining");
    loop_service_stopping("draining: requests under way end first");
    p->give_up_ms = loop_now_ms(p->loop) + DRAIN_MS;
    connector_drain(&p->connector);
    loop_timer_start(p->tick, TICK_MS, TICK_MS);
}

static void on_hangup(void *arg)
{
    struct process *p = arg;
    loop_service_reloading();
    conf_daemon_hangup("connector");
    certificate_watch_reload(p->watch);
    loop_service_reloaded();
}

static int run(void)
{
    static struct process p;
    struct error err;
    p.loop = loop_new();
    p.tick = loop_timer_new(p.loop, drain_tick, &p);
    p.gather = loop_log_gather(p.loop);
    if (connector_start(&p.connector, &config, p.loop, &err) != OK ||
        connector_metrics_listen(&p.connector, &p.metrics, &err) != OK)
        return conf_daemon_failed("connector", &err);
    p.watch = certificate_watch_new(p.loop, &config, connector_certificate_changed, &p.connector);
    loop_on_signal(p.loop, SIGHUP, on_hangup, &p);
    loop_on_signal(p.loop, SIGUSR1, conf_daemon_toggle_debug, NULL);
    loop_on_signal(p.loop, SIGTERM, on_terminate, &p);
    loop_on_signal(p.loop, SIGINT, on_terminate, &p);
    LOG_EVENT(LOG_INFO, "connector", "started", LOG_T("id", config.bootstrap.id), LOG_T("version", CMG_VERSION));
    p.watchdog = loop_service_ready(p.loop, "dialling the gateways");
    loop_run(p.loop);
    loop_timer_free(p.watchdog);
    certificate_watch_free(p.watch);
    metrics_hang_up(p.metrics);
    connector_stop(&p.connector);
    log_msg(LOG_INFO, "connector", "stopped");
    return p.connector.exit_code;
}

static enum result load(const char *path, struct conf_faults *faults)
{
    enum result r = connector_config_load(path, &config, faults);
    directory_settings_use(&config.directory);
    return r;
}

static void check(struct conf_faults *faults)
{
    struct error err;
    if (faults->count == 0)
        self_check_print(&config, stdout, faults);
    if (config.state && file_can_make_dir(config.state, &err) != OK)
        conf_fault_of(faults, &config.state, "state: %s", err.text);
}

/* Requests that wait inside hold a connection each, tunnels one. */
static enum result fits(uint64_t descriptors, struct error *err)
{
    enum { WANTED = 4096 };
    if (descriptors >= WANTED)
        return OK;
    return error_set(err, R_LIMIT,
                     "this process may open %llu descriptors; tunnels and connections to servers want %d. Raise the "
                     "limit (LimitNOFILE= of the service, ulimit -Hn)",
                     (unsigned long long)descriptors, WANTED);
}

/* The last that is done outside of the sandbox. */
static void needs(struct sandbox *s)
{
    struct error err;
    if (connector_proxy_apart(&config.proxy, &err) != OK)
        fatal("the proxy's login: %s", err.text);
    connector_config_needs(&config, s);
}

static const struct conf_log *log_keys(void)
{
    return &config.log;
}

static const struct conf_daemon_word words[] = {
    {"join", "join STRING   (joins a site: join --help)", connector_join},
    {0},
};

static const struct conf_daemon program = {
    .name = "cmg-connector",
    .summary = "The connection point: dials the gateways and carries requests inside.",
    .default_config = "/etc/opencmg/connector.yaml",
    .load = load,
    .fits = fits,
    .check = check,
    .reference = connector_config_reference,
    .log = log_keys,
    .sandboxed = &config.sandbox,
    .needs = needs,
    .run = run,
    .words = words,
};

int main(int argc, char **argv)
{
    mem_tune(argv);
    json_wipe_freed(true);
    process_end(conf_daemon_main(&program, argc, argv));
}
