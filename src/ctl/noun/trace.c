/* SPDX-License-Identifier: Apache-2.0 */
/* cmg trace: what each part of the site did with one request. The question is put to the site, gateways and connectors
 * fetch and answer it, and the answers are read until all have, or time is up. */
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/ascii.h"
#include "base/clock.h"
#include "base/text/encode.h"
#include "ctl/api.h"
#include "ctl/command.h"
#include "ctl/request.h"
#include "web/http.h"

enum {
    LOOK_MS = 150,
    POINTS_MS = 1500, /* other processes with management points look once a second, and tell only what they know */
    WAIT_S = 5,
    WAIT_MAX_S = 50 /* a question lives 60 s */
};

struct options {
    struct ctl_common common;
    uint64_t timeout;
};

static const struct opt opts[] = {
    {.name = "timeout",
     .kind = OPT_NUMBER,
     .offset = offsetof(struct options, timeout),
     .value = "SECONDS",
     .help = "wait so long for gateways and connectors (default 5)",
     .min = 1,
     .max = WAIT_MAX_S},
    CTL_OPT_JSON(struct options),
    CTL_OPT_SOCKET(struct options),
    CTL_OPT_END,
};

static const struct ctl_column columns[] = {
    {"AT", "at", CTL_TEXT, NULL},         {"PART", "part", CTL_TEXT, NULL},   {"WHAT", "what", CTL_TEXT, NULL},
    {"STATUS", "status", CTL_NUMBER, ""}, {"REASON", "reason", CTL_TEXT, ""}, {"ENDPOINT", "endpoint", CTL_TEXT, ""},
    {"CLIENT", "client", CTL_TEXT, ""},   {"DETAIL", "detail", CTL_TEXT, ""}, {NULL, NULL, CTL_TEXT, NULL}};

/* --- asking --- */

static bool has_answered(const json_t *answers, const char *part)
{
    const json_t *a;
    size_t i;
    json_array_foreach(answers, i, a) {
        if (strcmp(json_opt_str(a, "part", ""), part) == 0)
            return true;
    }
    return false;
}

/* Those of `parts` that have not answered: a new array. */
static json_t *silent_parts(const json_t *parts, const json_t *answers)
{
    json_t *list = json_array(), *part;
    size_t i;
    json_array_foreach(parts, i, part) {
        if (json_is_string(part) && !has_answered(answers, json_string_value(part)))
            (void)json_array_append(list, part);
    }
    return list;
}

/* CTL_DONE with the answers that came in *ret. */
static int wait_for(const struct options *o, const json_t *asked, json_t **ret)
{
    static const struct timespec pause = {.tv_nsec = LOOK_MS * 1000000L};
    uint64_t begin = clock_mono_ms(), end = begin + o->timeout * 1000;
    char path[64];
    (void)snprintf(path, sizeof path, "/v1/questions/%lld", (long long)json_opt_int(asked, "id", 0));
    for (bool done = false; !done;) {
        json_t *answer = NULL;
        int code = ctl_send(&o->common, "GET", path, NULL, &answer);
        if (code != CTL_DONE)
            return code;
        json_decref(*ret);
        *ret = json_incref(json_object_get(answer, "answers"));
        json_decref(answer);
        json_t *silent = silent_parts(json_object_get(asked, "parts"), *ret);
        uint64_t now = clock_mono_ms();
        done = now >= end || (json_array_size(silent) == 0 && now >= begin + POINTS_MS);
        json_decref(silent);
        if (!done)
            (void)nanosleep(&pause, NULL);
    }
    return CTL_DONE;
}

/* --- telling --- */

static int by_time(const void *a, const void *b)
{
    int64_t x = json_opt_int(*(json_t *const *)a, "at_ms", 0), y = json_opt_int(*(json_t *const *)b, "at_ms", 0);
    return (x > y) - (x < y);
}

/* "2026-11-30T08:00:00.123Z"; and null for what the part does not know. */
static void complete(json_t *row)
{
    static const char *const optional[] = {"reason", "status",        "client",        "endpoint",
                                           "detail", "request_bytes", "response_bytes"};
    for (size_t i = 0; i < ARRAY_LEN(optional); i++) {
        if (!json_object_get(row, optional[i]))
            (void)json_object_set_new(row, optional[i], json_null());
    }
    char text[CLOCK_TEXT_SIZE], with_ms[CLOCK_TEXT_SIZE + 8];
    int64_t ms = json_opt_int(row, "at_ms", 0);
    clock_rfc3339(ms / 1000, text);
    (void)snprintf(with_ms, sizeof with_ms, "%.19s.%03dZ", text, (int)(ms % 1000));
    (void)json_object_set_new(row, "at", json_string(with_ms));
}

/* All steps of all parts by time: a new array. Clocks may differ by what `cmg status` tells of. */
static json_t *all_steps(const json_t *answers)
{
    const json_t *a, *step;
    json_t *list = json_array(), *sorted = json_array();
    size_t i, k;
    json_array_foreach(answers, i, a) {
        json_array_foreach(json_object_get(a, "steps"), k, step) {
            json_t *row = json_copy((json_t *)(uintptr_t)step);
            (void)json_object_set(row, "part", json_object_get(a, "part"));
            complete(row);
            (void)json_array_append_new(list, row);
        }
    }
    size_t count = json_array_size(list);
    json_t **rows = calloc(count ? count : 1, sizeof(json_t *));
    for (i = 0; rows && i < count; i++)
        rows[i] = json_array_get(list, i);
    if (rows)
        qsort(rows, count, sizeof(json_t *), by_time);
    for (i = 0; rows && i < count; i++)
        (void)json_array_append(sorted, rows[i]);
    free((void *)rows);
    json_decref(list);
    return sorted;
}

static void print_trace(const json_t *steps, const json_t *silent)
{
    const json_t *part;
    size_t i;
    ctl_table(stdout, steps, columns,
              "no part of the site remembers this request. Each keeps some hundred of those that failed, and the last "
              "that went well, until it is started again; its log may know more");
    json_array_foreach(silent, i, part)
        (void)printf("no answer from %s: cmg status tells whether it is up\n", json_string_value(part));
}

static int tell(const struct options *o, const char *id, const json_t *asked, const json_t *answers)
{
    json_t *steps = all_steps(answers), *silent = silent_parts(json_object_get(asked, "parts"), answers);
    int code = json_array_size(steps) ? CTL_DONE : CTL_FAILED;
    if (o->common.json) {
        json_t *all = json_pack("{s:s, s:O, s:O}", "request_id", id, "steps", steps, "silent", silent);
        ctl_print_answer(all);
        json_decref(all);
    } else {
        print_trace(steps, silent);
    }
    json_decref(steps);
    json_decref(silent);
    return code;
}

static bool read_id(const char *text, char ret[GUID_SIZE])
{
    size_t i = 0;
    for (; text[i] && i < GUID_SIZE - 1; i++)
        ret[i] = ascii_lower(text[i]);
    ret[i] = '\0';
    return !text[i] && guid_valid(slice_of(ret));
}

static int trace(int argc, char **argv)
{
    static const struct opt_command cmd = {
        "cmg trace REQUEST-ID [options]",
        "Show what gateways, connectors and management points did with one request, by the id that its refusal tells.",
        opts, 1, 1};
    struct options o = {.timeout = WAIT_S};
    const char **args;
    size_t n;
    int code;
    char id[GUID_SIZE];
    json_t *asked = NULL, *answers = NULL;
    if (!ctl_parse(&cmd, argc, argv, &o, &args, &n, &code))
        return code;
    if (!read_id(args[0], id))
        return ctl_usage("'%s' is no request id; expected 32 hex digits in groups (8-4-4-4-12), as the client, a "
                         "refusal's request_id and the logs show it",
                         args[0]);
    code = ctl_send(&o.common, "POST", "/v1/traces", json_pack("{s:s}", "request_id", id), &asked);
    if (code == CTL_DONE)
        code = wait_for(&o, asked, &answers);
    if (code == CTL_DONE)
        code = tell(&o, id, asked, answers);
    json_decref(asked);
    json_decref(answers);
    return code;
}

const struct ctl_command ctl_trace_commands[] = {
    {"trace", "Show what became of one request", trace, NULL},
    {NULL, NULL, NULL, NULL},
};
