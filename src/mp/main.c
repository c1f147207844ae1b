/* SPDX-License-Identifier: Apache-2.0 */
/* cmg-mp: management point and site. Reads its configuration, serves, and waits for signals. */
#include <signal.h>
#include <stdlib.h>

#include "base/host/log.h"
#include "base/host/process.h"
#include "conf/daemon.h"
#include "loop/service.h"
#include "mp/assembly.h"
#include "json/json.h"

enum {
    DRAIN_MS = 5000,
    HANDSHAKES_MS = 1000, /* of the former: who says nothing keeps nobody waiting longer */
    TICK_MS = 20,
    CLOSE_MS = 100, /* connections close from the loop */
};

static struct mp_config config;

struct process {
    struct mp_site site;
    struct loop *loop;
    struct loop_timer *end, *tick, *gather, *watchdog;
    uint64_t drains_ms; /* since then; 0: it serves */
};

static void stop(void *arg)
{
    loop_stop(arg);
}

static void hang_up(struct process *p)
{
    loop_timer_stop(p->tick);
    mp_site_hang_up(&p->site);
    loop_timer_start(p->end, CLOSE_MS, 0);
}

static void drain_tick(void *arg)
{
    struct process *p = arg;
    uint64_t since = loop_now_ms(p->loop) - p->drains_ms;
    if (since >= DRAIN_MS || mp_site_idle(&p->site, since < HANDSHAKES_MS))
        hang_up(p);
}

/* Requests under way are answered, on kept connections one more each; those that are parked ask again elsewhere. */
static void on_terminate(void *arg)
{
    struct process *p = arg;
    if (p->drains_ms) { /* the second time: at once */
        hang_up(p);
        return;
    }
    log_msg(LOG_INFO, "mp", "draining");
    loop_service_stopping("draining: requests under way end first");
    p->drains_ms = loop_now_ms(p->loop);
    mp_site_drain(&p->site);
    loop_timer_start(p->tick, TICK_MS, TICK_MS);
}

static void announce(void)
{
    for (size_t i = 0; i < config.points.count; i++) {
        const struct mp_config_point *p = &mp_config_points(&config)[i];
        LOG_EVENT(LOG_INFO, "mp", "listening", LOG_T("mp", p->id), LOG_T("mode", p->mode), LOG_T("address", p->listen));
    }
    LOG_EVENT(LOG_INFO, "mp", "ready", LOG_T("site", config.site), LOG_T("admin_socket", config.admin_socket),
              LOG_T("version", CMG_VERSION));
}

static void on_hangup(void *arg)
{
    struct process *p = arg;
    loop_service_reloading();
    conf_daemon_hangup("mp");
    mp_site_reload_certificates(&p->site);
    loop_service_reloaded();
}

static int run(void)
{
    static struct process p;
    struct error err;
    p.loop = loop_new();
    p.end = loop_timer_new(p.loop, stop, p.loop);
    p.tick = loop_timer_new(p.loop, drain_tick, &p);
    p.gather = loop_log_gather(p.loop);
    if (mp_site_open(&p.site, &config, p.loop, &err) != OK)
        return conf_daemon_failed("mp", &err);
    loop_on_signal(p.loop, SIGHUP, on_hangup, &p);
    loop_on_signal(p.loop, SIGUSR1, conf_daemon_toggle_debug, NULL);
    loop_on_signal(p.loop, SIGTERM, on_terminate, &p);
    loop_on_signal(p.loop, SIGINT, on_terminate, &p);
    announce();
    p.watchdog = loop_service_ready(p.loop, "serving");
    loop_run(p.loop);
    loop_timer_free(p.watchdog);
    loop_timer_free(p.end);
    loop_timer_free(p.tick);
    loop_timer_free(p.gather);
    mp_site_close(&p.site);
    loop_free(p.loop);
    log_msg(LOG_INFO, "mp", "stopped");
    mp_config_free(&config);
    return EXIT_SUCCESS;
}

static enum result load(const char *path, struct conf_faults *faults)
{
    return mp_config_load(path, &config, faults);
}

static void check(struct conf_faults *faults)
{
    mp_config_check(&config, faults);
}

static enum result fits(uint64_t descriptors, struct error *err)
{
    return mp_config_fits(&config, descriptors, err);
}

static void needs(struct sandbox *s)
{
    mp_config_needs(&config, s);
}

static const struct conf_log *log_of(void)
{
    return &config.log;
}

int main(int argc, char **argv)
{
    static const struct conf_daemon daemon_of = {
        .name = "cmg-mp",
        .summary = "The management point and its site: registration, tokens, policy, administration.",
        .default_config = "/etc/opencmg/mp.yaml",
        .load = load,
        .check = check,
        .fits = fits,
        .reference = mp_config_reference,
        .log = log_of,
        .sandboxed = &config.sandbox,
        .needs = needs,
        .run = run,
    };
    json_wipe_freed(true);
    process_end(conf_daemon_main(&daemon_of, argc, argv));
}
