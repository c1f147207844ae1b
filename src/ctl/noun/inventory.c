/* SPDX-License-Identifier: Apache-2.0 */
/* cmg inventory: what devices told of themselves, and of what they were given. */
#include <stdio.h>
#include <stdlib.h>

#include "base/mem.h"
#include "base/utf8.h"
#include "ctl/api.h"
#include "ctl/command.h"
#include "ctl/pages.h"

enum { CELL_MAX = 4096 };

struct options {
    struct ctl_common common;
    const char *where;
    bool as_csv;
};

/* --- messages --- */

static const struct ctl_column messages[] = {{"RECEIVED", "received", CTL_TIME, NULL},
                                             {"KIND", "kind", CTL_TEXT, NULL},
                                             {"OF", "subject", CTL_TEXT, NULL},
                                             {"VERSION", "version", CTL_NUMBER, NULL},
                                             {"STATE", "state", CTL_STATE, NULL},
                                             {"DETAIL", "detail", CTL_TEXT, ""},
                                             {NULL, NULL, CTL_TEXT, NULL}};

/* --- show, changes: facts of one device --- */

static void print_cell(const json_t *value)
{
    char *text = ctl_cell_text(value, json_is_array(value) ? CTL_LIST : CTL_TEXT, "gone");
    (void)fputs(text, stdout);
    free(text);
}

/* A line each, indented by how deep it lies. */
static void print_facts(const json_t *facts, int depth)
{
    const char *name;
    json_t *value;
    json_object_foreach((json_t *)(uintptr_t)facts, name, value) {
        json_t *shown = json_string(name);
        (void)printf("%*s", 2 * depth, "");
        print_cell(shown);
        (void)fputs(json_is_object(value) ? ":\n" : ": ", stdout);
        if (json_is_object(value)) {
            print_facts(value, depth + 1);
        } else {
            print_cell(value);
            (void)puts("");
        }
        json_decref(shown);
    }
}

static void print_time(const char *before, const json_t *o)
{
    char *time = ctl_cell_text(json_object_get(o, "taken"), CTL_TIME, NULL);
    (void)printf("%s %s\n", before, time);
    free(time);
}

static const struct opt one_opts[] = {CTL_OPT_JSON(struct options), CTL_OPT_SOCKET(struct options), CTL_OPT_END};

/* CTL_DONE with *ret, unless it was printed as JSON: NULL. */
static int ask(const struct options *o, const char *path, const char *device, json_t **ret)
{
    char *whole = ctl_request_path(path, device);
    int code = ctl_send(&o->common, "GET", whole, NULL, ret);
    free(whole);
    if (code != CTL_DONE || !o->common.json)
        return code;
    code = ctl_tell(&o->common, *ret, "%s", "");
    *ret = NULL;
    return code;
}

static int show(const void *options, const char **args, size_t n UNUSED)
{
    json_t *answer = NULL;
    int code = ask(options, "/v1/devices/%s/inventory", args[0], &answer);
    if (code != CTL_DONE || !answer)
        return code;
    print_time("Taken", answer);
    print_facts(json_object_get(answer, "facts"), 0);
    json_decref(answer);
    return CTL_DONE;
}

static int show_changes(const void *options, const char **args, size_t n UNUSED)
{
    json_t *answer = NULL, *one;
    size_t i;
    int code = ask(options, "/v1/devices/%s/changes", args[0], &answer);
    if (code != CTL_DONE || !answer)
        return code;
    json_array_foreach(json_object_get(answer, "changes"), i, one) {
        print_time("Changed, seen", one);
        print_facts(json_object_get(one, "change"), 1);
    }
    if (!json_array_size(json_object_get(answer, "changes")))
        (void)puts("nothing of the device changed since its first report");
    json_decref(answer);
    return CTL_DONE;
}

/* --- export --- */

/* Of the record, then of its facts. */
static const char *const record[] = {"guid", "name", "method", "state", "last_seen"};
static const char *const facts[] = {"os.id",           "os.name",      "os.version",     "os.kernel",
                                    "system.vendor",   "system.model", "system.machine", "system.processors",
                                    "system.memory",   "disk.free",    "tpm.present",    "tpm.version",
                                    "certificate.ends"};

/* RFC 4180; what a spreadsheet would take for a formula is text by a quote before it. */
static void print_csv(const char *text, bool first)
{
    char shown[CELL_MAX];
    utf8_escape(slice_of(text), shown, sizeof shown);
    bool formula = *shown && strchr("=+-@", *shown), quoted = formula || strpbrk(shown, "\",;");
    (void)printf("%s%s%s", first ? "" : ",", quoted ? "\"" : "", formula ? "'" : "");
    for (const char *c = shown; *c; c++)
        (void)printf("%s%c", *c == '"' ? "\"" : "", *c);
    (void)fputs(quoted ? "\"" : "", stdout);
}

static void print_csv_value(const json_t *value, bool first)
{
    char number[32] = "";
    if (json_is_integer(value))
        (void)snprintf(number, sizeof number, "%lld", (long long)json_integer_value(value));
    print_csv(json_is_string(value) ? json_string_value(value) : number, first);
}

static void print_head(void)
{
    for (size_t i = 0; i < ARRAY_LEN(record); i++)
        print_csv(record[i], i == 0);
    for (size_t i = 0; i < ARRAY_LEN(facts); i++)
        print_csv(facts[i], false);
    (void)fputs("\r\n", stdout);
}

static enum result print_page(void *arg, const json_t *answer, struct ctl_fault *fault)
{
    json_t *device;
    size_t i;
    (void)fault;
    bool *headed = arg;
    if (!*headed)
        print_head();
    *headed = true;
    json_array_foreach(json_object_get(answer, "devices"), i, device) {
        for (size_t k = 0; k < ARRAY_LEN(record); k++)
            print_csv_value(json_object_get(device, record[k]), k == 0);
        for (size_t k = 0; k < ARRAY_LEN(facts); k++)
            print_csv_value(json_object_get(json_object_get(device, "facts"), facts[k]), false);
        (void)fputs("\r\n", stdout);
    }
    return OK;
}

static const struct opt export_opts[] = {{.name = "csv",
                                          .kind = OPT_FLAG,
                                          .offset = offsetof(struct options, as_csv),
                                          .help = "as CSV (RFC 4180), which it is without --json anyway"},
                                         {.name = "where",
                                          .kind = OPT_TEXT,
                                          .offset = offsetof(struct options, where),
                                          .value = "CONDITIONS",
                                          .help = "of those devices alone that meet them: os.version<13,disk.free<5%"},
                                         CTL_OPT_JSON(struct options),
                                         CTL_OPT_SOCKET(struct options),
                                         CTL_OPT_END};

static int export_all(const void *options, const char **args UNUSED, size_t n UNUSED)
{
    static const struct ctl_request devices = {.member = "devices"};
    const struct options *o = options;
    struct ctl_fault fault;
    bool headed = false;
    if (o->common.json && o->as_csv)
        return ctl_usage("give --csv or --json, not both");
    char *path = o->where ? ctl_request_path("/v1/devices?where=%s", o->where) : mem_strdup("/v1/devices");
    int code = CTL_DONE;
    if (o->common.json)
        code = ctl_pages_print(&o->common, &devices, path, UINT64_MAX);
    else if (ctl_pages(&o->common, path, print_page, &headed, &fault) != OK)
        code = ctl_fail(&o->common, &fault);
    free(path);
    return code;
}

const struct ctl_command ctl_inventory_commands[] = {
    {"inventory show", "Show what a device is, as it tells it",
     CTL_RUN(show, struct options, "cmg inventory show GUID|NAME [options]",
             "Show what a device is, as it told it last: system, network, disks, packages, certificates, scripts.",
             one_opts, 1, 1)},
    {"inventory changes", "Show what became other of a device",
     CTL_RUN(show_changes, struct options, "cmg inventory changes GUID|NAME [options]",
             "Show what became other of what a device is, the newest first.", one_opts, 1, 1)},
    {"inventory messages", "Show what a device told of what it was given", NULL,
     CTL_ROWS_OF("GUID|NAME", "/v1/devices/%s/messages", "messages", messages, "the device told nothing of late")},
    {"inventory export", "Print what devices are as CSV",
     CTL_RUN(export_all, struct options, "cmg inventory export [options]",
             "Print a line of each device and what it is, as CSV for a spreadsheet.", export_opts, 0, 0)},
    {NULL, NULL, NULL, NULL},
};
