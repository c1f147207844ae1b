/* SPDX-License-Identifier: Apache-2.0 */
/* cmg-gateway: the CMG service. Reads its configuration, starts the workers, and waits for signals. */
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/host/log.h"
#include "base/host/process.h"
#include "base/mem.h"
#include "conf/daemon.h"
#include "gateway/admin.h"
#include "gateway/client/certificate_watch.h"
#include "gateway/join/join.h"
#include "gateway/obtain/certificate.h"
#include "gateway/obtain/csr.h"
#include "gateway/obtain/hook.h"
#include "gateway/start.h"
#include "loop/service.h"
#include "json/json.h"

enum {
    DRAIN_TICK_MS = 50,
    HANDSHAKES_MS = 1000, /* of the time to drain: who says nothing keeps nobody waiting longer */
};

static struct gateway_config config;

struct process {
    struct gateway gateway;
    struct loop *loop;
    struct metrics_listener *admin;
    struct loop_timer *tick, *gather, *watchdog;
    struct certificate_watch *watch;
    uint64_t drains_ms, give_up_ms;
};

static void drain_tick(void *arg)
{
    struct process *p = arg;
    uint64_t now = loop_now_ms(p->loop);
    if (gateway_idle(&p->gateway, now - p->drains_ms < HANDSHAKES_MS) || now >= p->give_up_ms)
        loop_stop(p->loop);
}

static void on_hangup(void *arg)
{
    struct process *p = arg;
    loop_service_reloading();
    conf_daemon_hangup("gateway");
    certificate_watch_reload(p->watch);
    loop_service_reloaded();
}

static void on_terminate(void *arg)
{
    struct process *p = arg;
    if (p->give_up_ms) { /* the second time: at once */
        loop_stop(p->loop);
        return;
    }
    log_msg(LOG_INFO, "gateway", "draining");
    loop_service_stopping("draining: requests under way end first");
    p->drains_ms = loop_now_ms(p->loop);
    p->give_up_ms = p->drains_ms + p->gateway.config->drain_s * 1000;
    gateway_drain(&p->gateway);
    loop_timer_start(p->tick, DRAIN_TICK_MS, DRAIN_TICK_MS);
}

static int run_gateway(void)
{
    static struct process p;
    struct error err;
    p.loop = loop_new();
    p.tick = loop_timer_new(p.loop, drain_tick, &p);
    p.gather = loop_log_gather(p.loop);
    if (gateway_start(&p.gateway, &config, p.loop, &err) != OK ||
        gateway_admin_listen(&p.gateway, &p.admin, &err) != OK)
        return conf_daemon_failed("gateway", &err);
    p.watch = certificate_watch_new(p.loop, &config, &p.gateway.shown);
    loop_on_signal(p.loop, SIGHUP, on_hangup, &p);
    loop_on_signal(p.loop, SIGUSR1, conf_daemon_toggle_debug, NULL);
    loop_on_signal(p.loop, SIGTERM, on_terminate, &p);
    loop_on_signal(p.loop, SIGINT, on_terminate, &p);
    for (size_t i = 0; i < p.gateway.listen_count; i++) {
        char at[NET_ADDRESS_TEXT];
        net_address_format(&p.gateway.listen[i], at);
        LOG_EVENT(LOG_INFO, "gateway", "listening", LOG_T("address", at), LOG_N("workers", p.gateway.worker_count),
                  LOG_T("version", CMG_VERSION));
    }
    p.watchdog = loop_service_ready(p.loop, "listening");
    loop_run(p.loop);
    loop_timer_free(p.watchdog);
    certificate_watch_free(p.watch);
    gateway_stop(&p.gateway);
    log_msg(LOG_INFO, "gateway", "stopped");
    return EXIT_SUCCESS;
}

static enum result load_config(const char *path, struct conf_faults *faults)
{
    json_wipe_freed(true); /* the bootstrap file holds a key; later every token is read as JSON, and none of ours */
    enum result r = gateway_config_load(path, &config, faults);
    json_wipe_freed(false);
    if (faults->unread)
        return r;
    certificates_check(&config, faults);
    return faults->count ? R_INVALID : OK;
}

static void check_config(struct conf_faults *faults)
{
    gateway_config_check(&config, faults);
}

static enum result fits(uint64_t descriptors, struct error *err)
{
    return gateway_places_check(&config, descriptors, err);
}

static void needs(struct sandbox *s)
{
    gateway_config_needs(&config, s);
}

static const struct conf_log *log_keys(void)
{
    return &config.log;
}

static const struct conf_daemon_word words[] = {
    {"join", "join STRING   (joins a site: join --help)", gateway_join},
    {"certificate", "certificate --acme   (has a public CA issue the server certificate: certificate --help)",
     gateway_certificate},
    {"csr", "csr   (makes the request for a CA of one's own: csr --help)", gateway_csr},
    {"begin", NULL, hook_begin},
    {"done", NULL, hook_end},
    {"failed", NULL, hook_end},
    {0},
};

static const struct conf_daemon program = {
    .name = "cmg-gateway",
    .summary = "The cloud management gateway: lets in the devices that prove who they are.",
    .default_config = "/etc/opencmg/gateway.yaml",
    .load = load_config,
    .check = check_config,
    .fits = fits,
    .reference = gateway_config_reference,
    .log = log_keys,
    .sandboxed = &config.sandbox,
    .needs = needs,
    .run = run_gateway,
    .words = words,
};

int main(int argc, char **argv)
{
    mem_tune(argv);
    process_end(conf_daemon_main(&program, argc, argv));
}
