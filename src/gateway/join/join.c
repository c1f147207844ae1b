/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The gateway's side of joining (docs/protocol/wire.md 11). It can reach nothing inside: it shows its signed request to
 * whoever comes, until one of the site's connectors has brought the site's answer.
 */
#include "gateway/join/join.h"

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/clock.h"
#include "base/host/file.h"
#include "base/mem.h"
#include "bundle/join/answer.h"
#include "bundle/join/request.h"
#include "gateway/join/listener.h"
#include "gateway/join/look.h"
#include "gateway/obtain/certificate.h"
#include "join/command.h"
#include "join/place.h"
#include "join/text.h"

enum { HINT_MS = 30 * 1000, TOLD_MS = 2000, LISTEN_SIZE = 32 };

struct options {
    struct join_options common;
    const char *certificate, *key, *password_file, *directory, *email;
    bool acme, agree_terms;
    struct opt_list listen;
    uint64_t wait_s;
};

static const struct opt opts[] = {
    {.name = "certificate",
     .kind = OPT_TEXT,
     .offset = offsetof(struct options, certificate),
     .value = "FILE",
     .help = "the server certificate that devices will see, with its intermediates (PEM), or PKCS#12 with its key"},
    {.name = "key",
     .kind = OPT_TEXT,
     .offset = offsetof(struct options, key),
     .value = "FILE",
     .help = "its private key (PEM, mode 0600); not with PKCS#12"},
    {.name = "password-file",
     .kind = OPT_TEXT,
     .offset = offsetof(struct options, password_file),
     .value = "FILE",
     .help = "of the PKCS#12: its first line is the password"},
    {.name = "acme",
     .kind = OPT_FLAG,
     .offset = offsetof(struct options, acme),
     .help = "instead: have one issued by a public CA, now and before each ends, as cmg-gateway certificate does"},
    {.name = "directory",
     .kind = OPT_TEXT,
     .offset = offsetof(struct options, directory),
     .value = "URL",
     .help = "with --acme: letsencrypt, or another CA's directory"},
    {.name = "email",
     .kind = OPT_TEXT,
     .offset = offsetof(struct options, email),
     .value = "ADDRESS",
     .help = "with --acme: to whom the CA writes"},
    {.name = "agree-terms",
     .kind = OPT_FLAG,
     .offset = offsetof(struct options, agree_terms),
     .help = "with --acme: you agree to the CA's terms of service"},
    {.name = "listen",
     .kind = OPT_LIST,
     .offset = offsetof(struct options, listen),
     .value = "ADDRESS",
     .help = "where devices and connectors come to (default: the port in the string, at every address)"},
    {.name = "wait",
     .kind = OPT_NUMBER,
     .offset = offsetof(struct options, wait_s),
     .value = "S",
     .help = "seconds to wait for a connector of the site (default: until the string expires)",
     .min = 1,
     .max = 604800},
    JOIN_OPTS(struct options, common),
    {0}};

struct joining {
    struct join_report *report;
    struct join_string string;
    struct join_place place;
    EVP_PKEY *key;
    char *request;
    struct loop *loop;
    struct loop_timer *hint, *end;
    char *bootstrap; /* a secret; NULL: not answered yet */
    struct error refused;
    bool visited, stopped;
    enum result ended; /* R_TIMEOUT: nobody brought an answer */
};

/* --- what the listener asks --- */

static struct slice on_get(void *owner)
{
    struct joining *j = owner;
    if (!j->visited)
        join_did(j->report,
                 "Somebody came for the request: a connector of the site, or a stranger, who gets nothing by it");
    j->visited = true;
    return slice_of(j->request);
}

/* Whoever brought it: what the site did not sign for this very key is nothing. */
static bool on_answer(void *owner, struct slice text)
{
    struct joining *j = owner;
    return join_answer_read(text, &j->string, j->key, clock_wall_s(), &j->bootstrap, &j->refused) == OK;
}

static void on_told(void *owner)
{
    loop_stop(((struct joining *)owner)->loop);
}

static const struct join_listener_events listener_events = {on_get, on_answer, on_told};

/* --- waiting --- */

static void on_hint(void *arg)
{
    const struct joining *j = arg;
    if (!j->visited)
        join_todo(j->report,
                  "no connector of the site has come yet: does %s lead to this machine, is TCP port %u open to it, and "
                  "does a cmg-connector run inside (cmg status)?",
                  j->string.host, (unsigned)j->string.port);
}

static void on_end(void *arg)
{
    struct joining *j = arg;
    j->ended = R_TIMEOUT;
    loop_stop(j->loop);
}

static void on_signal(void *arg)
{
    struct joining *j = arg;
    j->stopped = true;
    on_end(arg);
}

static uint64_t wait_ms(const struct joining *j, const struct options *o)
{
    int64_t left = j->string.expires - clock_wall_s();
    uint64_t most = left > 0 ? (uint64_t)left : 1;
    return (o->wait_s && o->wait_s < most ? o->wait_s : most) * 1000;
}

static enum result gave_up(const struct joining *j, struct error *err)
{
    if (j->stopped)
        return error_set(err, R_TIMEOUT, "stopped before the site answered; the string still counts: join again");
    if (j->refused.code != OK)
        (void)error_set(err, R_DENIED, "what was brought is not the site's answer to this gateway: %.300s",
                        j->refused.text);
    else if (j->visited)
        (void)error_set(
            err, R_TIMEOUT,
            "somebody took the request, and the site gave no answer: no connector of it came, the string was "
            "used by another machine, it expired, or another one was made in its place");
    else
        (void)error_set(err, R_TIMEOUT, "no connector of the site came to %s port %u", j->string.host,
                        (unsigned)j->string.port);
    error_remedy(
        err,
        j->refused.code != OK ? "compare the clocks of this machine and of the site (date -u); if they agree, somebody "
                                "stands in between, or another server has this gateway's name"
        : j->visited ? "see the log of cmg-mp, and make another string: cmg gateway add ID --join (with --renew "
                       "where it has joined)"
                     : "see that the name leads here, that the port is open, and that a connector runs inside (cmg "
                       "status says what it found); then join again: the string still counts");
    return err->code;
}

static enum result wait_for_answer(struct joining *j, const struct options *o, struct join_listener *l,
                                   struct error *err)
{
    char until[CLOCK_TEXT_SIZE];
    clock_rfc3339(clock_wall_s() + (int64_t)(wait_ms(j, o) / 1000), until);
    join_did(j->report, "Waiting for a connector of the site %s to come to %s port %u, until %s", j->string.site,
             j->string.host, (unsigned)j->string.port, until);
    j->hint = loop_timer_new(j->loop, on_hint, j);
    j->end = loop_timer_new(j->loop, on_end, j);
    loop_timer_start(j->hint, HINT_MS, 0);
    loop_timer_start(j->end, wait_ms(j, o), 0);
    loop_on_signal(j->loop, SIGTERM, on_signal, j);
    loop_on_signal(j->loop, SIGINT, on_signal, j);
    loop_run(j->loop);
    join_listener_free(l);
    loop_timer_free(j->hint);
    loop_timer_free(j->end);
    return j->bootstrap ? OK : gave_up(j, err);
}

static enum result listen_and_wait(struct joining *j, const struct options *o, struct error *err)
{
    char usual[LISTEN_SIZE];
    const char *one = usual;
    struct join_listener *l;
    (void)snprintf(usual, sizeof usual, ":%u", (unsigned)j->string.port);
    j->loop = loop_new();
    enum result r =
        join_listener_new(j->loop, o->listen.count ? o->listen.items : &one, o->listen.count ? o->listen.count : 1,
                          j->key, j->string.host, &listener_events, j, &l, err);
    if (r == OK)
        r = wait_for_answer(j, o, l, err);
    else
        error_remedy(err, "end what listens there already (an old gateway: systemctl stop cmg-gateway); a port below "
                          "1024 wants root; another address: --listen");
    loop_free(j->loop);
    return r;
}

/* --- files --- */

/* A path as the configuration has it; of a file that is not there yet, where it is to be put. */
static char *certificate_path(const struct joining *j, const char *given, const char *end)
{
    char name[64];
    (void)snprintf(name, sizeof name, "gateway.%s", end);
    return given ? file_absolute(given) : file_join(j->place.dir, name);
}

static enum result write_certificates(const struct joining *j, const struct options *o, struct buf *text)
{
    char *certificate = certificate_path(j, o->certificate, "pem"), *key = certificate_path(j, o->key, "key");
    char *password = o->password_file ? certificate_path(j, o->password_file, "password") : NULL;
    bool has_key = o->key || !o->certificate;
    enum result r = buf_printf(text, "server_certificates:\n  - certificate: \"%s\"\n", certificate);
    if (r == OK && has_key)
        r = buf_printf(text, "    key: \"%s\"\n", key);
    if (r == OK && password)
        r = buf_printf(text, "    password_file: \"%s\"\n", password);
    if (!o->certificate && !o->acme)
        join_todo(j->report,
                  "put the server certificate that devices will see, for the name %s, at %s (PEM, with its "
                  "intermediates) and its key at %s (mode 0600); or have a public CA issue it: cmg-gateway certificate "
                  "--help; or ask your own: cmg-gateway csr --help",
                  j->string.host, certificate, key);
    else if (!o->acme)
        (void)(join_place_readable(j->report, &j->place, certificate) &&
               (!has_key || join_place_readable(j->report, &j->place, key)));
    free(certificate);
    free(key);
    free(password);
    return r;
}

static enum result write_listen(const struct joining *j, const struct options *o, struct buf *text)
{
    if (!o->listen.count)
        return buf_printf(text, "listen: [\":%u\"]\n", (unsigned)j->string.port);
    enum result r = buf_append_str(text, "listen: [");
    for (size_t i = 0; r == OK && i < o->listen.count; i++)
        r = buf_printf(text, "%s\"%s\"", i ? ", " : "", o->listen.items[i]);
    return r == OK ? buf_append_str(text, "]\n") : r;
}

static enum result configure(const struct joining *j, const struct options *o, struct error *err)
{
    enum { CONFIG_MAX = 64 * 1024 };
    struct buf text;
    buf_init(&text, CONFIG_MAX);
    enum result r = buf_append_str(&text, "# Written by cmg-gateway join. All keys: cmg-gateway --reference\n");
    if (r == OK)
        r = write_listen(j, o, &text);
    if (r == OK)
        r = write_certificates(j, o, &text);
    if (r == OK)
        r = buf_printf(&text, "bootstrap: \"%s\"\nstate: \"%s\"\n", j->place.bootstrap, j->place.state);
    char *whole = r == OK ? buf_take_str(&text) : NULL;
    r = whole ? join_place_configure(j->report, &j->place, whole, err)
              : error_set(err, R_LIMIT, "the configuration is longer than %d bytes", CONFIG_MAX);
    free(whole);
    buf_free(&text);
    return r;
}

/* --- */

/* `host` NULL: that of the string, which was not read yet. */
static struct obtain_order order_of(const struct options *o, const char *const *host)
{
    return (struct obtain_order){o->directory, o->email, host, host ? 1 : 0, o->agree_terms};
}

/* Before the string is used. */
static enum result check_options(const struct options *o, struct error *err)
{
    struct obtain_order order = order_of(o, NULL);
    if (!o->acme)
        return OK;
    if (o->certificate || o->key || o->password_file)
        return error_set(err, R_INVALID, "either --acme or --certificate: whose certificate is it to be?");
    return obtain_order_check(&order, err);
}

/* A name that no CA takes is told before a string is used. */
static enum result check_host(const struct joining *j, const struct options *o, struct error *err)
{
    const char *host = j->string.host;
    struct obtain_order order = order_of(o, &host);
    return obtain_order_check(&order, err);
}

/* It starts the gateway, which must run to answer the CA. What fails here can be done again without a string. */
static enum result obtain(struct joining *j, const struct options *o, const struct conf_daemon *daemon,
                          struct error *err)
{
    const char *host = j->string.host;
    struct obtain_order order = order_of(o, &host);
    enum result r = obtain_first(daemon, j->place.config, &order, !o->common.no_start, j->report, err);
    return r == OK ? OK : error_prefix(err, "this machine has joined, and has no server certificate yet");
}

static enum result prepare(struct joining *j, const struct options *o, const char *argument, struct error *err)
{
    const struct tls_identity_files brought = {o->certificate, o->key, o->password_file};
    enum result r = join_text_read(j->report, argument, o->common.file, JOIN_GATEWAY, clock_wall_s(), &j->string, err);
    if (r == OK && o->acme)
        r = check_host(j, o, err);
    if (r == OK)
        r = join_place_open(j->report, "gateway", o->common.dir, &j->place, err);
    if (r == OK)
        r = join_place_key(&j->place, &j->key, err);
    if (r == OK)
        r = join_request_sign(&j->string, j->key, clock_wall_s(), &j->request, err);
    if (r == OK)
        gateway_join_look(j->report, &j->string, &brought);
    return r;
}

static enum result join(struct joining *j, const struct options *o, const char *argument,
                        const struct conf_daemon *daemon, struct error *err)
{
    enum result r = prepare(j, o, argument, err);
    if (r == OK)
        r = listen_and_wait(j, o, err);
    if (r != OK)
        return r;
    join_did(j->report, "The site %s answered, signed by its pinned root", j->string.site);
    r = join_place_keep(j->report, &j->place, j->bootstrap, err);
    if (r == OK)
        r = configure(j, o, err);
    if (r == OK && o->acme)
        return obtain(j, o, daemon, err);
    if (r == OK)
        join_finish(j->report, &o->common, daemon, &j->place);
    return r;
}

static void joining_done(struct joining *j)
{
    join_place_free(&j->place);
    EVP_PKEY_free(j->key);
    free(j->request);
    if (j->bootstrap)
        mem_free_secret(j->bootstrap, strlen(j->bootstrap));
    join_string_done(&j->string);
}

int gateway_join(const struct conf_daemon *daemon, int argc, char **argv)
{
    static const struct opt_command cmd = {
        "cmg-gateway join STRING [options]   (or: join -, join @FILE)",
        "Let this machine join a site as the gateway of the string (cmg gateway add ID --host NAME --join).", opts, 0,
        1};
    static struct options o; /* lists are large */
    const char **args;
    size_t count;
    int code;
    if (!join_parse(&cmd, daemon->name, argc, argv, &o, &args, &count, &code))
        return code;
    struct join_report report;
    struct joining j = {.report = &report, .string.kind = JOIN_GATEWAY};
    struct error err;
    if (check_options(&o, &err) != OK)
        return join_usage(daemon->name, &err);
    json_wipe_freed(true);
    join_report_start(&report, daemon->name, o.common.json);
    enum result r = join(&j, &o, count ? args[0] : NULL, daemon, &err);
    code = r == OK ? join_ended(&report, json_pack("{s:s, s:s}", "site", j.string.site, "id", j.string.id))
                   : join_failed(&report, &err, NULL);
    joining_done(&j);
    return code;
}
