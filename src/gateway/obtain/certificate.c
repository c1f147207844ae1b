/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What root must do comes first (links beside the configuration); then this process becomes the owner of the state
 * folder, as which the gateway runs. It starts with a stand-in, for it is the gateway that answers the CA.
 */
#include "gateway/obtain/certificate.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/file.h>

#include "base/clock.h"
#include "base/host/file.h"
#include "base/host/opt.h"
#include "base/host/owner.h"
#include "gateway/config.h"
#include "gateway/obtain/client.h"
#include "gateway/obtain/links.h"
#include "join/service.h"
#include "net/address.h"

enum { USAGE = 2 };

#define SERVICE "cmg-gateway.service"
#define TIMER "cmg-gateway-certificate.timer"

struct options {
    bool acme, renew, agree_terms, now, no_start, json;
    const char *config, *email, *directory;
    struct opt_list hosts;
};

#define AT(member) offsetof(struct options, member)

static const struct opt opts[] = {
    {.name = "acme",
     .kind = OPT_FLAG,
     .offset = AT(acme),
     .help = "have one issued by a CA that speaks ACME (RFC 8555), now and before each ends"},
    {.name = "renew",
     .kind = OPT_FLAG,
     .offset = AT(renew),
     .help = "have the next one issued if the one that --acme got ends within 30 days: what the timer runs"},
    {.name = "host",
     .kind = OPT_LIST,
     .offset = AT(hosts),
     .value = "NAME",
     .help = "the name that devices use; repeat it for hosts that are published. Each must lead to this machine"},
    {.name = "directory",
     .kind = OPT_TEXT,
     .offset = AT(directory),
     .value = "URL",
     .help = "the CA's directory; or letsencrypt, or letsencrypt-staging for trials (its certificates nobody trusts)"},
    {.name = "email",
     .kind = OPT_TEXT,
     .offset = AT(email),
     .value = "ADDRESS",
     .help = "to whom the CA writes when something is wrong with the certificate"},
    {.name = "agree-terms",
     .kind = OPT_FLAG,
     .offset = AT(agree_terms),
     .help = "you have read the CA's terms of service, and agree to them"},
    {.name = "now",
     .kind = OPT_FLAG,
     .offset = AT(now),
     .help = "with --renew: also within an hour of a failure (CAs count failures)"},
    {.name = "config", .kind = OPT_TEXT, .offset = AT(config), .value = "FILE", .help = "the configuration"},
    {.name = "no-start", .kind = OPT_FLAG, .offset = AT(no_start), .help = "start neither the service nor the timer"},
    {.name = "json", .kind = OPT_FLAG, .offset = AT(json), .help = "print JSON"},
    {0}};

static const struct {
    const char *word, *url;
} known_directories[] = {
    {"letsencrypt", "https://acme-v02.api.letsencrypt.org/directory"},
    {"letsencrypt-staging", "https://acme-staging-v02.api.letsencrypt.org/directory"},
};

struct obtaining {
    const struct conf_daemon *daemon;
    const char *path; /* of the configuration */
    struct join_report *report;
    struct gateway_config config;
    char state[PATH_MAX];
    struct acme_settings settings;
    struct join_starter *service, *timer;
    int lock;
};

/* --- what is asked for --- */

static struct obtain_order order_of(const struct options *o)
{
    return (struct obtain_order){o->directory, o->email, o->hosts.items, o->hosts.count, o->agree_terms};
}

static enum result settings_of(const struct obtain_order *o, struct acme_settings *ret, struct error *err)
{
    const char *directory = o->directory;
    for (size_t i = 0; i < ARRAY_LEN(known_directories); i++) {
        if (strcmp(directory, known_directories[i].word) == 0)
            directory = known_directories[i].url;
    }
    *ret = (struct acme_settings){.host_count = o->host_count};
    if (!slice_to_cstr(slice_of(directory), ret->directory, sizeof ret->directory) ||
        !slice_to_cstr(slice_of(o->email), ret->email, sizeof ret->email))
        return error_set(err, R_LIMIT, "--directory or --email is too long");
    enum result r = obtain_hosts(o->hosts, o->host_count, false, ret->hosts, err);
    return r == OK ? acme_settings_check(ret, err) : r;
}

enum result obtain_order_check(const struct obtain_order *o, struct error *err)
{
    struct acme_settings settings;
    if (!o->directory)
        return error_set(err, R_INVALID, "--directory is missing: letsencrypt, or another CA's https URL");
    if (!o->email)
        return error_set(err, R_INVALID, "--email ADDRESS is missing: to whom the CA writes");
    if (!o->agree_terms)
        return error_set(err, R_INVALID, "--agree-terms is missing: a CA wants its terms of service agreed to");
    return o->host_count ? settings_of(o, &settings, err) : OK;
}

static enum result check_options(const struct options *o, struct error *err)
{
    struct obtain_order order = order_of(o);
    order.host_count = 0; /* a host that no CA takes is no wrong use of the command */
    if (o->acme == o->renew)
        return error_set(err, R_INVALID, "say what to do: --acme (the first time) or --renew");
    if (o->acme && !o->hosts.count)
        return error_set(err, R_INVALID, "--host NAME is missing: the name that devices use");
    return o->renew ? OK : obtain_order_check(&order, err);
}

/* --- where --- */

static enum result open_place(struct obtaining *g, struct error *err)
{
    static struct conf_faults faults;
    if (gateway_config_load(g->path, &g->config, &faults) != OK) {
        (void)error_set(err, R_INVALID, "%.200s: %.250s", g->path, faults.count ? faults.list[0].text : "unread");
        error_remedy(err, "join a site first (cmg-gateway join STRING), or name its configuration: --config FILE; "
                          "cmg-gateway --check-config finds every fault");
        return R_INVALID;
    }
    enum result r = file_make_dirs(g->config.state, 0700, err);
    if (r == OK && !realpath(g->config.state, g->state))
        r = error_set(err, R_IO, "%s: %s", g->config.state, strerror(errno));
    return r;
}

/* One run at a time: the timer's, or somebody's. Held until the process ends. */
static enum result lock(struct obtaining *g, struct error *err)
{
    char path[PATH_MAX];
    if (!acme_path(g->state, "lock", path))
        return error_set(err, R_LIMIT, "the path of the state folder is too long: %.100s…", g->state);
    enum result r = file_make_parent(path, 0700, err);
    if (r != OK)
        return r;
    g->lock = open(path, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);
    if (g->lock < 0)
        return error_set(err, R_IO, "%s: %s", path, strerror(errno));
    if (flock(g->lock, LOCK_EX | LOCK_NB) != 0)
        return error_set(err, R_CONFLICT, "another run asks the CA just now");
    return OK;
}

/* --- asking --- */

static bool answers(const struct gateway_config *c)
{
    bool yes = false;
    for (size_t i = 0; !yes && i < c->listen.count; i++) {
        struct net_address at;
        if (net_address_parse(slice_of(c->listen.items[i]), &at, NULL) != OK)
            continue;
        int fd = socket(at.storage.ss_family, SOCK_STREAM | SOCK_CLOEXEC, 0);
        yes = fd >= 0 && connect(fd, (const struct sockaddr *)&at.storage, at.len) == 0;
        if (fd >= 0)
            (void)close(fd);
    }
    return yes;
}

/* The outcome is kept for cmg status: the gateway reports it. */
static enum result ask(struct obtaining *g, bool force, bool *ret_issued, struct error *err)
{
    enum result r = OK;
    if (!answers(&g->config)) {
        r = error_set(err, R_CONFLICT, "the gateway, which answers the CA, does not run: nothing listens on %s",
                      g->config.listen.items[0]);
        error_remedy(err, "start it (systemctl start cmg-gateway), then: cmg-gateway certificate --renew --now");
    }
    if (r == OK)
        r = acme_client_account(g->state, &g->settings, err);
    if (r == OK)
        r = acme_client_issue(g->state, &g->settings, force, ret_issued, err);
    acme_note_fault(g->state, r == OK ? "" : err->text);
    return r;
}

static void tell_issued(struct obtaining *g, bool issued)
{
    char path[PATH_MAX];
    if (!acme_certificate_path(g->state, g->settings.hosts[0], path))
        return;
    if (issued)
        join_did(g->report, "The CA issued a certificate: %s. A gateway that runs takes it within 10 s", path);
    else
        join_did(g->report, "The certificate %s is good for over 30 days: the CA was not asked", path);
}

/* --- the first time --- */

static void start_service(struct obtaining *g)
{
    char by_hand[PATH_MAX + 64];
    (void)snprintf(by_hand, sizeof by_hand, "%s --config %s", g->daemon->name, g->path);
    if (!answers(&g->config))
        (void)join_starter_start(g->service, g->report, by_hand);
}

static void start_timer(struct obtaining *g)
{
    char by_hand[PATH_MAX + 128];
    (void)snprintf(by_hand, sizeof by_hand, "%s certificate --renew --config %s, twice a day, from a timer of yours",
                   g->daemon->name, g->path);
    (void)join_starter_start(g->timer, g->report, by_hand);
}

/* As root, if it is. */
static enum result prepare(struct obtaining *g, bool start, struct error *err)
{
    bool usual = strcmp(g->path, g->daemon->default_config) == 0;
    enum result r = obtain_links_make(g->report, &g->config, g->state, g->settings.hosts[0], err);
    if (usual && start) {
        g->service = join_starter_new(SERVICE);
        g->timer = join_starter_new(TIMER);
    }
    return r == OK ? owner_become(g->state, err) : r;
}

static enum result first(struct obtaining *g, const struct obtain_order *order, bool start, struct error *err)
{
    struct acme_settings before;
    bool issued = false;
    enum result r = settings_of(order, &g->settings, err);
    if (r == OK)
        r = open_place(g, err);
    if (r == OK)
        r = prepare(g, start, err);
    if (r == OK)
        r = lock(g, err);
    if (r != OK)
        return r;
    bool other_ca =
        acme_settings_read(g->state, &before, NULL) == OK && strcmp(before.directory, g->settings.directory) != 0;
    r = acme_settings_write(g->state, &g->settings, err);
    if (r == OK)
        r = acme_stand_in(g->state, &g->settings, err);
    if (r != OK)
        return r;
    start_service(g);
    r = ask(g, other_ca, &issued, err);
    start_timer(g); /* also after a failure, which may be over by then */
    if (r == OK)
        tell_issued(g, issued);
    return r;
}

static void obtaining_done(struct obtaining *g)
{
    join_starter_free(g->service);
    join_starter_free(g->timer);
    gateway_config_free(&g->config);
}

enum result obtain_first(const struct conf_daemon *d, const char *config, const struct obtain_order *order, bool start,
                         struct join_report *report, struct error *err)
{
    static struct obtaining g;
    g = (struct obtaining){.daemon = d, .path = config, .report = report, .lock = -1};
    enum result r = first(&g, order, start, err);
    obtaining_done(&g);
    return r;
}

/* --- each time after --- */

static enum result check_pause(const struct obtaining *g, bool now, struct error *err)
{
    char fault[ERROR_TEXT_MAX], when[CLOCK_TEXT_SIZE];
    int64_t at;
    acme_fault(g->state, fault, &at);
    if (!*fault || now || clock_wall_s() >= at + ACME_PAUSE_S || clock_wall_s() < at)
        return OK;
    clock_rfc3339(at, when);
    (void)error_set(err, R_LIMIT,
                    "the last try failed at %s (%.300s); CAs count failures, so the next is an hour later", when,
                    fault);
    error_remedy(err, "mend what it says; then: cmg-gateway certificate --renew --now");
    return R_LIMIT;
}

static enum result renew_within(struct obtaining *g, bool now, struct error *err)
{
    bool issued = false;
    enum result r = open_place(g, err);
    if (r == OK)
        r = owner_become(g->state, err);
    if (r == OK)
        r = acme_settings_read(g->state, &g->settings, err);
    if (r == R_NOTFOUND)
        error_remedy(err, "get the first one: cmg-gateway certificate --acme --help");
    if (r == OK)
        r = lock(g, err);
    if (r == OK)
        r = check_pause(g, now, err);
    if (r == OK)
        r = ask(g, false, &issued, err);
    if (r == OK)
        tell_issued(g, issued);
    return r;
}

static enum result renew(const struct conf_daemon *d, const struct options *o, struct join_report *report,
                         struct error *err)
{
    static struct obtaining g;
    g = (struct obtaining){.daemon = d, .path = o->config, .report = report, .lock = -1};
    enum result r = renew_within(&g, o->now, err);
    obtaining_done(&g);
    return r;
}

/* --- */

static int usage(const struct conf_daemon *d, const struct error *err)
{
    (void)fprintf(stderr, "%s: %s\nremedy: %s certificate --help lists the options\n", d->name, err->text, d->name);
    return USAGE;
}

int gateway_certificate(const struct conf_daemon *d, int argc, char **argv)
{
    static const struct opt_command cmd = {
        "cmg-gateway certificate --acme --host NAME --directory URL --email ADDRESS --agree-terms\n"
        "       cmg-gateway certificate --renew",
        "Has a CA issue the server certificate that devices see, and keeps it young (docs/certificates.md).", opts, 0,
        0};
    static struct options o; /* lists are large */
    const char **args;
    size_t count;
    struct error err;
    o.config = d->default_config;
    enum result r = opt_parse(&cmd, argc, argv, &o, &args, &count, &err);
    if (r == R_EOF)
        return EXIT_SUCCESS;
    if (r == OK)
        r = check_options(&o, &err);
    if (r != OK)
        return usage(d, &err);
    struct join_report report;
    struct obtain_order order = order_of(&o);
    json_wipe_freed(true);
    join_report_start(&report, d->name, o.json);
    r = o.acme ? obtain_first(d, o.config, &order, !o.no_start, &report, &err) : renew(d, &o, &report, &err);
    return r == OK ? join_ended(&report, NULL) : join_failed(&report, &err, NULL);
}
