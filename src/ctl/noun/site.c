/* SPDX-License-Identifier: Apache-2.0 */
/* cmg status, bundle show, enrollment: the site as a whole. */
#include <stdlib.h>
#include <time.h>
#include <unistd.h>

#include "base/clock.h"
#include "ctl/command.h"
#include "ctl/request.h"
#include "ctl/secret.h"

enum { WIDTH = 110 };

/* --- status --- */

static const struct ctl_column site_columns[] = {{"Site", "site", CTL_TEXT, NULL},
                                                 {"Pin", "pin", CTL_TEXT, NULL},
                                                 {"Version", "version", CTL_TEXT, NULL},
                                                 {NULL, NULL, CTL_TEXT, NULL}};
static const struct ctl_column mp_columns[] = {{"MANAGEMENT POINT", "id", CTL_TEXT, NULL},
                                               {"MODE", "mode", CTL_TEXT, NULL},
                                               {"URL", "url", CTL_TEXT, NULL},
                                               {"CLIENTS", "clients", CTL_LIST, NULL},
                                               {NULL, NULL, CTL_TEXT, NULL}};
static const struct ctl_column gateway_columns[] = {{"GATEWAY", "id", CTL_TEXT, NULL},
                                                    {"HOST", "host", CTL_TEXT, NULL},
                                                    {"PORT", "port", CTL_NUMBER, NULL},
                                                    {"LAST SEEN", "seen", CTL_TIME, "never"},
                                                    {"BUNDLE", "bundle", CTL_NUMBER, "?"},
                                                    {"TUNNELS", "tunnels", CTL_NUMBER, "?"},
                                                    {"CONNECTIONS", "connections", CTL_NUMBER, "?"},
                                                    {NULL, NULL, CTL_TEXT, NULL}};
static const struct ctl_column connector_columns[] = {{"CONNECTOR", "id", CTL_TEXT, NULL},
                                                      {"LAST SEEN", "seen", CTL_TIME, "never"},
                                                      {"GATEWAYS", "gateways", CTL_LIST, NULL},
                                                      {NULL, NULL, CTL_TEXT, NULL}};
static const struct ctl_column certificate_columns[] = {{"CERTIFICATE", "what", CTL_TEXT, NULL},
                                                        {"UNTIL", "not_after", CTL_TIME, NULL},
                                                        {"LEFT", "not_after", CTL_LEFT, NULL},
                                                        {NULL, NULL, CTL_TEXT, NULL}};

static const struct ctl_column source_columns[] = {
    {"GATEWAY", "gateway", CTL_TEXT, NULL},    {"SOURCE", "id", CTL_TEXT, NULL},      {"KIND", "kind", CTL_TEXT, NULL},
    {"FETCHED", "fetched", CTL_TIME, "never"}, {"UNTIL", "until", CTL_TIME, "?"},     {"NEXT", "next", CTL_TIME, NULL},
    {"FAILED", "failures", CTL_NUMBER, NULL},  {"LAST ERROR", "error", CTL_TEXT, ""}, {NULL, NULL, CTL_TEXT, NULL}};

/* What each gateway last told of the named sources. */
static void print_sources(const json_t *status)
{
    json_t *rows = json_array();
    const json_t *gateway, *source;
    size_t i, k;
    json_array_foreach(json_object_get(status, "gateways"), i, gateway) {
        json_array_foreach(json_object_get(gateway, "sources"), k, source) {
            json_t *row = json_copy((json_t *)(uintptr_t)source);
            (void)json_object_set(row, "gateway", json_object_get(gateway, "id"));
            if (json_opt_bool(row, "pointed", false)) /* by a certificate: nobody gave it a name */
                (void)json_object_set(row, "id", json_object_get(row, "url"));
            (void)json_array_append_new(rows, row);
        }
    }
    if (json_array_size(rows)) {
        (void)putchar('\n');
        ctl_table(stdout, rows, source_columns, "");
    }
    json_decref(rows);
}

static const struct ctl_column refusal_columns[] = {{"GATEWAY", "gateway", CTL_TEXT, NULL},
                                                    {"REFUSED FOR", "reason", CTL_TEXT, NULL},
                                                    {"SINCE ITS START", "count", CTL_NUMBER, NULL},
                                                    {NULL, NULL, CTL_TEXT, NULL}};

/* What each gateway refused, by reason. */
static void print_refusals(const json_t *status)
{
    json_t *rows = json_array(), *gateway, *count;
    const char *reason;
    size_t i;
    json_array_foreach(json_object_get(status, "gateways"), i, gateway) {
        json_object_foreach(json_object_get(gateway, "refusals"), reason, count)
            (void)json_array_append_new(rows, json_pack("{s:O, s:s, s:O}", "gateway", json_object_get(gateway, "id"),
                                                        "reason", reason, "count", count));
    }
    if (json_array_size(rows)) {
        (void)putchar('\n');
        ctl_table(stdout, rows, refusal_columns, "");
        (void)puts("cmg explain REASON tells what it means and what to do.");
    }
    json_decref(rows);
}

static const struct ctl_column own_certificate_columns[] = {
    {"CONNECTOR", "connector", CTL_TEXT, NULL}, {"CLIENT CERTIFICATE", "state", CTL_STATE, NULL},
    {"AT STEP", "step", CTL_TEXT, NULL},        {"SUBJECT", "subject", CTL_TEXT, NULL},
    {"CHECKED", "checked", CTL_TIME, "never"},  {NULL, NULL, CTL_TEXT, NULL}};

enum { NOTE_INDENT = 2, NOTE_WIDTH = 110 };

/* Cleaned as a cell is: a connector said it. */
static void print_note(const char *label, const json_t *value)
{
    char *text = ctl_cell_text(value, CTL_TEXT, "");
    if (!*text) {
        free(text);
        return;
    }
    (void)printf("%*s%s: ", NOTE_INDENT, "", label);
    ctl_wrap(stdout, text, NOTE_INDENT, NOTE_WIDTH);
    free(text);
}

/* How it stands with each connector's PKI client certificate, where that matters; why, and what to do. */
static void print_own_certificates(const json_t *status)
{
    json_t *rows = json_array();
    const json_t *connector, *row;
    size_t i;
    json_array_foreach(json_object_get(status, "connectors"), i, connector) {
        row = json_object_get(connector, "client_certificate");
        if (!row || strcmp(json_opt_str(row, "state", ""), "not_needed") == 0)
            continue;
        json_t *copy = json_copy((json_t *)(uintptr_t)row);
        (void)json_object_set(copy, "connector", json_object_get(connector, "id"));
        (void)json_array_append_new(rows, copy);
    }
    if (json_array_size(rows)) {
        (void)putchar('\n');
        ctl_table(stdout, rows, own_certificate_columns, "");
    }
    json_array_foreach(rows, i, row) {
        if (!*json_opt_str(row, "detail", ""))
            continue;
        (void)printf("%s:\n", json_opt_str(row, "connector", "?"));
        print_note("cause", json_object_get(row, "detail"));
        print_note("remedy", json_object_get(row, "remedy"));
    }
    json_decref(rows);
}

static void print_counts(const json_t *status)
{
    const json_t *devices = json_object_get(status, "devices"), *bundle = json_object_get(status, "bundle");
    char issued[CLOCK_TEXT_SIZE];
    clock_rfc3339(json_opt_int(bundle, "issued", 0), issued);
    (void)printf("Devices: %lld approved, %lld pending, %lld blocked; %lld listen at this management point\n",
                 (long long)json_opt_int(devices, "approved", 0), (long long)json_opt_int(devices, "pending", 0),
                 (long long)json_opt_int(devices, "blocked", 0), (long long)json_opt_int(status, "listening", 0));
    (void)printf("Bundle:  sequence %lld, issued %s\n", (long long)json_opt_int(bundle, "sequence", 0), issued);
}

/* The first one first: the others may be gone once it is. */
static void print_problems(const json_t *status)
{
    const json_t *list = json_object_get(status, "problems"), *p;
    size_t i;
    (void)printf("\n%s\n", json_array_size(list) ? "NEEDS ATTENTION" : "Nothing needs attention.");
    json_array_foreach(list, i, p) {
        char *found = ctl_cell_text(json_object_get(p, "found"), CTL_TEXT, NULL);
        (void)printf("  %s%s%s: ", term_on(stdout, TERM_RED), json_opt_str(p, "cause", ""), term_off(stdout));
        ctl_wrap(stdout, found, 4, WIDTH);
        (void)printf("    what to do: ");
        ctl_wrap(stdout, json_opt_str(p, "remedy", ""), 16, WIDTH);
        free(found);
    }
}

static void print_status(const json_t *status)
{
    static const struct {
        const char *member;
        const struct ctl_column *columns;
        const char *empty;
    } sections[] = {
        {"management_points", mp_columns, "no management points"},
        {"gateways", gateway_columns, "no gateways yet: cmg gateway add ID --host NAME"},
        {"connectors", connector_columns, "no connectors yet: cmg connector add ID"},
        {"certificates", certificate_columns, "no certificates"},
    };
    ctl_details(stdout, status, site_columns);
    print_counts(status);
    print_problems(status);
    for (size_t i = 0; i < ARRAY_LEN(sections); i++) {
        (void)putchar('\n');
        ctl_table(stdout, json_object_get(status, sections[i].member), sections[i].columns, sections[i].empty);
    }
    print_own_certificates(status);
    print_sources(status);
    print_refusals(status);
}

struct status_options {
    struct ctl_common common;
    uint64_t watch; /* seconds; 0: once */
};
static const struct opt status_opts[] = {{.name = "watch",
                                          .kind = OPT_NUMBER,
                                          .offset = offsetof(struct status_options, watch),
                                          .value = "SECONDS",
                                          .help = "again and again, so often, until it is interrupted",
                                          .min = 1,
                                          .max = 3600},
                                         CTL_OPT_JSON(struct status_options),
                                         CTL_OPT_SOCKET(struct status_options),
                                         CTL_OPT_END};

struct options {
    struct ctl_common common;
};
static const struct opt opts[] = {CTL_OPT_JSON(struct options), CTL_OPT_SOCKET(struct options), CTL_OPT_END};

/* What is there; NULL with *ret_exit when it was not told. */
static json_t *fetch_part(const struct ctl_common *common, const char *path, int *ret_exit)
{
    json_t *answer;
    *ret_exit = ctl_send(common, "GET", path, NULL, &answer);
    return answer || *ret_exit != CTL_DONE ? answer : json_object();
}

static int show_status(const struct status_options *o)
{
    int code;
    json_t *answer = fetch_part(&o->common, "/v1/status", &code);
    if (!answer)
        return code;
    if (o->common.json)
        ctl_print_answer(answer);
    else
        print_status(answer);
    json_decref(answer);
    return CTL_DONE;
}

/* While the site can't be asked, that is what is shown: it may come back. */
static int status(const void *options, const char **args UNUSED, size_t n UNUSED)
{
    static const char clear[] = "\033[H\033[2J";
    const struct status_options *o = options;
    const struct timespec pause = {.tv_sec = (time_t)o->watch};
    if (!o->watch)
        return show_status(o);
    for (;;) {
        if (isatty(STDOUT_FILENO))
            (void)fputs(clear, stdout);
        (void)show_status(o);
        if (fflush(stdout) != 0)
            return CTL_FAILED; /* whoever read it is gone */
        (void)nanosleep(&pause, NULL);
    }
}

static int bundle_show(const void *options, const char **args UNUSED, size_t n UNUSED)
{
    const struct options *o = options;
    int code;
    json_t *answer = fetch_part(&o->common, "/v1/bundle", &code);
    if (!answer)
        return code;
    ctl_print_json(stdout, answer, !o->common.json);
    json_decref(answer);
    return CTL_DONE;
}

/* --- enrollment --- */

struct enrollment_options {
    struct ctl_common common;
    const char *out, *gateway_ca;
    struct ctl_join join;
    uint64_t uses;
};
static const struct opt enrollment_opts[] = {
    {.name = "gateway-ca",
     .kind = OPT_TEXT,
     .offset = offsetof(struct enrollment_options, gateway_ca),
     .value = "FILE",
     .help = "the root of the gateway's certificate, when it is of an internal CA"},
    {.name = "out",
     .kind = OPT_TEXT,
     .offset = offsetof(struct enrollment_options, out),
     .value = "FILE",
     .help = "write it there instead of standard output"},
    CTL_OPT_JOIN(struct enrollment_options, join,
                 "print a join string for cmg-client join instead: with a bulk token in it, so it is a secret"),
    {.name = "uses",
     .kind = OPT_NUMBER,
     .offset = offsetof(struct enrollment_options, uses),
     .value = "N",
     .help = "with --join: how many devices may join by it (default 1)",
     .min = 1,
     .max = 1000000},
    CTL_OPT_JSON(struct enrollment_options),
    CTL_OPT_SOCKET(struct enrollment_options),
    CTL_OPT_END,
};

static bool set_gateway_ca(const struct enrollment_options *o, json_t *enrollment)
{
    return !o->gateway_ca ||
           ctl_put_certificates(&o->common, o->gateway_ca, CTL_REMEDY_CERTIFICATE, enrollment, "gateway_ca_pem");
}

static int print_enrollment(const struct enrollment_options *o, json_t *enrollment)
{
    if (!set_gateway_ca(o, enrollment))
        return CTL_FAILED;
    if (!o->out) {
        ctl_print_json(stdout, enrollment, !o->common.json);
        return CTL_DONE;
    }
    char *text = json_text(enrollment);
    bool written = ctl_write_secret(&o->common, o->out, text);
    free(text);
    return written ? ctl_tell(&o->common, json_pack("{s:s}", "out", o->out), "enrolment file written to %s", o->out)
                   : CTL_FAILED;
}

static int enrollment_as_string(const struct enrollment_options *o)
{
    json_t *body = json_object();
    if (!ctl_put_join(&o->join, body)) {
        json_decref(body);
        return CTL_USAGE;
    }
    if (!set_gateway_ca(o, json_object_get(body, "join"))) {
        json_decref(body);
        return CTL_FAILED;
    }
    if (o->uses)
        (void)json_object_set_new(body, "uses", json_integer((json_int_t)o->uses));
    return ctl_post_for_join(&o->common, "/v1/tokens", body, CTL_JOIN_DEVICE, o->out);
}

static int enrollment(const void *options, const char **args UNUSED, size_t n UNUSED)
{
    const struct enrollment_options *o = options;
    if (o->join.join)
        return enrollment_as_string(o);
    if (o->join.valid_for || o->uses)
        return ctl_usage("--valid-for and --uses go with --join");
    json_t *answer;
    int code = ctl_send(&o->common, "GET", "/v1/enrollment", NULL, &answer);
    if (code != CTL_DONE)
        return code;
    code = print_enrollment(o, answer);
    json_decref(answer);
    return code;
}

const struct ctl_command ctl_site_commands[] = {
    {"status", "Show the site: roles, connectors, devices",
     CTL_RUN(status, struct status_options, "cmg status [options]", "Show the site: roles, connectors, devices.",
             status_opts, 0, 0)},
    {"bundle show", "Show what gateways are told",
     CTL_RUN(bundle_show, struct options, "cmg bundle show [options]", "Show what gateways are told, as JSON.", opts, 0,
             0)},
    {"enrollment", "Print the enrolment file for devices",
     CTL_RUN(
         enrollment, struct enrollment_options, "cmg enrollment [options]",
         "Print the enrolment file for devices, which holds no secret; or, with --join, a string that lets them join.",
         enrollment_opts, 0, 0)},
    {"restore done", "Say that what an older store lost was made again", NULL,
     CTL_DO("POST", "/v1/restore/done", NULL,
            "cmg status tells the older copy of the store no longer, unless somebody else is heard of it")},
    {NULL, NULL, NULL, NULL},
};
