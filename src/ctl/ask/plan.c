/* SPDX-License-Identifier: Apache-2.0 */
/* cmg plan: a fleet from a CSV file or from the site, today's set-up and a proposed one, side by side. */
#include "ctl/ask/plan.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/host/file.h"
#include "base/mem.h"
#include "ctl/command.h"
#include "ctl/out.h"

enum { HTML_MAX = 32 * 1024 * 1024, LIST_CHUNK = 1024 * 1024 };

struct setup_options {
    const char *mp, *clients, *server_cert, *crl_check, *crl_relay, *connector_cert;
};

struct plan_options {
    struct ctl_common common;
    const char *inventory, *html, *list;
    bool devices;
    struct opt_list assume;
    struct setup_options today, proposed;
};

#define CHOICE(word, member_, choices_, help_)                                                                         \
    {                                                                                                                  \
        .name = (word), .kind = OPT_CHOICE, .offset = offsetof(struct plan_options, member_), .value = (choices_),     \
        .choices = (choices_), .help = (help_)                                                                         \
    }
#define TEXT(word, member_, value_, help_)                                                                             \
    {                                                                                                                  \
        .name = (word), .kind = OPT_TEXT, .offset = offsetof(struct plan_options, member_), .value = (value_),         \
        .help = (help_)                                                                                                \
    }

static const struct opt opts[] = {
    TEXT("inventory", inventory, "FILE", "CSV: name,join,certificate,version,crl,scenario; - for standard input"),
    {.name = "devices",
     .kind = OPT_FLAG,
     .offset = offsetof(struct plan_options, devices),
     .help = "the site's own devices and set-up instead of a file"},
    {.name = "assume",
     .kind = OPT_LIST,
     .offset = offsetof(struct plan_options, assume),
     .value = "COLUMN=VALUE",
     .help = "what counts where the inventory doesn't know, e.g. crl=ad; may repeat"},
    CHOICE("mp", today.mp, "https|ehttp|both", "today: the management points behind the CMG (default https)"),
    TEXT("clients", today.clients, "LIST", "today: methods that are let in (default pki,entra,token)"),
    CHOICE("server-cert", today.server_cert, "public|internal", "today: the CMG's certificate (default public)"),
    CHOICE("crl-check", today.crl_check, "on|off", "today: is revocation checked (default on)"),
    CHOICE("crl-relay", today.crl_relay, "on|off", "today: does a connector relay the CRL (default off)"),
    CHOICE("connector-cert", today.connector_cert, "yes|no|unknown", "today: has the connector a client certificate"),
    CHOICE("to-mp", proposed.mp, "https|ehttp|both", "proposed: as --mp; what is not proposed stays as today"),
    TEXT("to-clients", proposed.clients, "LIST", "proposed: as --clients"),
    CHOICE("to-server-cert", proposed.server_cert, "public|internal", "proposed: as --server-cert"),
    CHOICE("to-crl-check", proposed.crl_check, "on|off", "proposed: as --crl-check"),
    CHOICE("to-crl-relay", proposed.crl_relay, "on|off", "proposed: as --crl-relay"),
    CHOICE("to-connector-cert", proposed.connector_cert, "yes|no|unknown", "proposed: as --connector-cert"),
    TEXT("html", html, "FILE", "write the report as one HTML page"),
    TEXT("list", list, "FILE", "write a CSV line for each device: what it uses today and then, and why not"),
    CTL_OPT_JSON(struct plan_options),
    CTL_OPT_SOCKET(struct plan_options),
    CTL_OPT_END,
};

/* --- the set-ups --- */

static bool read_clients(const char *option, const char *text, unsigned *ret)
{
    struct slice rest = slice_of(text);
    *ret = 0;
    while (rest.ptr) {
        struct slice word = slice_trim(slice_cut(&rest, ','));
        enum choice_client client;
        if (!choices_client_parse(word, &client)) {
            (void)ctl_usage("--%s: '%" PRIslice "' is none of pki, entra, token", option, SLICE_ARG(word));
            return false;
        }
        *ret |= CHOICE_BIT(client);
    }
    return true;
}

static bool is_on(const char *text)
{
    return strcmp(text, "on") == 0;
}

/* Changes what the options name; the parser has checked the words. */
static bool read_setup(const struct setup_options *o, const char *clients_option, struct plan_setup *s)
{
    enum choice_mp mode;
    if (o->mp)
        s->modes = choices_mp_parse(slice_of(o->mp), &mode) ? PLAN_MODE(mode)
                                                            : PLAN_MODE(CHOICE_MP_HTTPS) | PLAN_MODE(CHOICE_MP_EHTTP);
    if (o->server_cert && !choices_cert_parse(slice_of(o->server_cert), &s->server_cert))
        return false;
    if (o->connector_cert && !choices_tri_parse(slice_of(o->connector_cert), &s->connector_cert))
        return false;
    s->crl_check = o->crl_check ? is_on(o->crl_check) : s->crl_check;
    s->crl_relay = o->crl_relay ? is_on(o->crl_relay) : s->crl_relay;
    return !o->clients || read_clients(clients_option, o->clients, &s->clients);
}

static bool is_proposed(const struct setup_options *o)
{
    return o->mp || o->clients || o->server_cert || o->crl_check || o->crl_relay || o->connector_cert;
}

static bool read_assumptions(const struct opt_list *list, struct plan_fleet *fleet)
{
    for (size_t i = 0; i < list->count; i++) {
        struct slice value = slice_of(list->items[i]), name = slice_cut(&value, '=');
        size_t in = 0;
        unsigned char parsed;
        while (in < PLAN_INPUTS && !slice_eq_nocase(name, slice_of(plan_input_name((enum plan_input)in))))
            in++;
        if (in == PLAN_INPUTS || !value.ptr) {
            (void)ctl_usage("--assume: '%s' is not COLUMN=VALUE with a column of the inventory, e.g. crl=ad",
                            list->items[i]);
            return false;
        }
        if (!plan_input_parse((enum plan_input)in, value, &parsed)) {
            (void)ctl_usage("--assume %s: expected %s", list->items[i], plan_input_expected((enum plan_input)in));
            return false;
        }
        if (fleet)
            plan_fleet_assume(fleet, (enum plan_input)in, parsed);
    }
    return true;
}

/* --- the fleet --- */

static enum result read_some(void *user, char *to, size_t max, size_t *ret_len, struct error *err)
{
    FILE *f = user;
    *ret_len = fread(to, 1, max, f);
    return ferror(f) ? error_set(err, R_IO, "can't read it: %s", strerror(errno)) : OK;
}

static enum result read_inventory(const char *path, struct inventory *ret, struct error *err)
{
    bool standard = strcmp(path, "-") == 0;
    FILE *f = standard ? stdin : fopen(path, "re");
    if (!f)
        return error_set(err, R_NOTFOUND, "can't open it: %s", strerror(errno));
    enum result r = inventory_read(ret, read_some, f, err);
    if (!standard)
        (void)fclose(f);
    return r;
}

/* Fills i->fleet and, from the site, *today. */
static int read_fleet(const struct plan_options *o, struct inventory *i, struct plan_setup *today)
{
    struct error err;
    struct ctl_fault fault = {0};
    if (!o->devices) {
        if (read_inventory(o->inventory, i, &err) == OK)
            return CTL_DONE;
        return ctl_fail_error(&o->common, &err, o->inventory,
                              "the file is CSV in UTF-8 with the header name,join,certificate,version,crl,scenario");
    }
    i->fleet = plan_fleet_new();
    return ctl_plan_site(&o->common, i->fleet, today, &fault) == OK ? CTL_DONE : ctl_fail(&o->common, &fault);
}

/* --- what comes out --- */

static enum result write_html(const char *path, const json_t *report, struct error *err)
{
    struct buf page;
    buf_init(&page, HTML_MAX);
    enum result r = plan_report_html(report, &page);
    r = r == OK ? file_write(path, buf_data(&page), 0644, err)
                : error_set(err, r, "the page would be larger than %d bytes", HTML_MAX);
    buf_free(&page);
    return r;
}

/* Writes all devices by `line`, with `between` them. */
static enum result write_devices(FILE *f, const struct plan *p, const char *between,
                                 enum result (*line)(const struct plan *p, size_t index, struct buf *out),
                                 struct error *err)
{
    struct buf text;
    buf_init(&text, LIST_CHUNK);
    size_t count = plan_fleet_count(p->fleet);
    enum result r = OK;
    for (size_t i = 0; r == OK && i <= count; i++) {
        struct slice ready = buf_data(&text);
        if (i == count || ready.len > LIST_CHUNK / 2) {
            r = fwrite(ready.ptr, 1, ready.len, f) == ready.len ? OK : R_IO;
            buf_consume(&text, ready.len);
        }
        if (r == OK && i > 0 && i < count)
            r = buf_append_str(&text, between);
        if (r == OK && i < count)
            r = line(p, i, &text);
    }
    buf_free(&text);
    return r == OK && fflush(f) == 0 ? OK : error_set(err, R_IO, "can't write it: %s", strerror(errno));
}

static enum result write_list(const char *path, const struct plan *p, struct error *err)
{
    FILE *f = fopen(path, "we");
    if (!f)
        return error_set(err, R_IO, "can't open it: %s", strerror(errno));
    (void)fputs(PLAN_REPORT_HEAD, f);
    enum result r = write_devices(f, p, "", plan_report_line, err);
    if (fclose(f) != 0 && r == OK)
        r = error_set(err, R_IO, "can't write it: %s", strerror(errno));
    return r;
}

/* The report with a member more: every device. It is written as it is made; a fleet is large. */
static enum result print_json(const struct plan *p, const json_t *report, struct error *err)
{
    char *text = json_text(report);
    (void)fwrite(text, 1, strlen(text) - 1, stdout);
    (void)fputs(",\"devices\":[", stdout);
    free(text);
    enum result r = write_devices(stdout, p, ",", plan_report_device, err);
    (void)fputs("]}\n", stdout);
    return r;
}

static int write_out(const struct plan_options *o, const struct plan *p, const json_t *report)
{
    struct error err;
    if (o->html && write_html(o->html, report, &err) != OK)
        return ctl_fail_error(&o->common, &err, o->html, NULL);
    if (o->list && write_list(o->list, p, &err) != OK)
        return ctl_fail_error(&o->common, &err, o->list, NULL);
    if (!o->common.json)
        ctl_plan_print(report);
    else if (print_json(p, report, &err) != OK)
        return ctl_fail_error(&o->common, &err, "standard output", NULL);
    return CTL_DONE;
}

static int make_plan(const struct plan_options *o, struct inventory *i)
{
    struct plan_setup today = {.modes = PLAN_MODE(CHOICE_MP_HTTPS),
                               .clients = CHOICE_BIT(CHOICE_PKI) | CHOICE_BIT(CHOICE_ENTRA) | CHOICE_BIT(CHOICE_TOKEN),
                               .crl_check = true};
    int code = read_fleet(o, i, &today);
    if (code != CTL_DONE)
        return code;
    if (!read_assumptions(&o->assume, i->fleet) || !read_setup(&o->today, "clients", &today))
        return CTL_USAGE;
    struct plan_setup proposed = today;
    if (!read_setup(&o->proposed, "to-clients", &proposed))
        return CTL_USAGE;
    struct plan *p = plan_new(i->fleet, &today, is_proposed(&o->proposed) ? &proposed : NULL);
    json_t *report = o->devices
                         ? plan_report_json(p, NULL, "the site's devices")
                         : plan_report_json(p, i, strcmp(o->inventory, "-") == 0 ? "standard input" : o->inventory);
    code = write_out(o, p, report);
    json_decref(report);
    plan_free(p);
    return code == CTL_DONE && i->bad_rows > 0 ? CTL_FAILED : code;
}

static int plan(const void *options, const char **args UNUSED, size_t n UNUSED)
{
    const struct plan_options *o = options;
    if ((o->inventory != NULL) == o->devices)
        return ctl_usage("give either --inventory FILE or --devices");
    if (!read_assumptions(&o->assume, NULL))
        return CTL_USAGE;
    struct inventory i = {0};
    int code = make_plan(o, &i);
    inventory_end(&i);
    return code;
}

const struct ctl_command ctl_plan_commands[] = {
    {"plan", "Plan a fleet and a change of set-up",
     CTL_RUN(plan, struct plan_options, "cmg plan --inventory FILE|--devices [options]",
             "Plan a fleet: which method each device uses, who is cut off by a proposed change, and what to do first. "
             "Exit code 1: rows of the inventory could not be read (the plan is without them).",
             opts, 0, 0)},
    {NULL, NULL, NULL, NULL},
};
