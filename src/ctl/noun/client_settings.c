/* SPDX-License-Identifier: Apache-2.0 */
/* cmg settings client set|list|remove, cmg settings resultant: what devices get, unlike the site's own settings of
 * settings.c. */
#include <stdlib.h>

#include "ctl/command.h"
#include "ctl/request.h"

enum { WIDTH = 100 };

struct options {
    struct ctl_common common;
    const char *collection;
    uint64_t priority;
};

static const struct opt set_opts[] = {
    {.name = "collection",
     .kind = OPT_TEXT,
     .offset = offsetof(struct options, collection),
     .value = "NAME",
     .help = "the devices that get them (custom settings only)"},
    {.name = "priority",
     .kind = OPT_NUMBER,
     .offset = offsetof(struct options, priority),
     .value = "N",
     .help = "1 wins over 2; the default settings come last",
     .min = 1,
     .max = 9999},
    CTL_OPT_JSON(struct options),
    CTL_OPT_SOCKET(struct options),
    CTL_OPT_END,
};
static const struct opt opts[] = {CTL_OPT_JSON(struct options), CTL_OPT_SOCKET(struct options), CTL_OPT_END};

static const struct ctl_column columns[] = {{"PRIORITY", "priority", CTL_NUMBER, NULL},
                                            {"NAME", "name", CTL_TEXT, NULL},
                                            {"COLLECTION", "collection", CTL_TEXT, "(every device)"},
                                            {"SETTINGS", "settings", CTL_TEXT, NULL},
                                            {NULL, NULL, CTL_TEXT, NULL}};

/* NAME=VALUE; nothing behind = takes it out. */
static bool add_setting(json_t *settings, const char *text)
{
    struct slice value = slice_of(text), name = slice_cut(&value, '=');
    if (!value.ptr || !name.len)
        return false;
    json_t *v = value.len ? json_stringn(value.ptr, value.len) : json_null();
    char *key = slice_dup(name);
    bool good = v && json_object_set_new(settings, key, v) == 0;
    free(key);
    return good;
}

static int set_client_settings(const void *options, const char **args, size_t n)
{
    const struct options *o = options;
    json_t *settings = json_object();
    for (size_t i = 1; i < n; i++) {
        if (!add_setting(settings, args[i])) {
            json_decref(settings);
            return ctl_usage("'%s': write SETTING=VALUE, as allow_cmg=no", args[i]);
        }
    }
    json_t *body = json_pack("{s:s, s:o, s:s*}", "name", args[0], "settings", settings, "collection", o->collection);
    if (!body)
        return ctl_usage("names must be UTF-8 text");
    if (o->priority)
        (void)json_object_set_new(body, "priority", json_integer((json_int_t)o->priority));
    json_t *answer;
    int code = ctl_send(&o->common, "POST", "/v1/client-settings", body, &answer);
    return code == CTL_DONE ? ctl_tell_row(&o->common, answer, "client_settings", columns) : code;
}

/* --- resultant --- */

static void print_candidate(const char *what, const json_t *c)
{
    char *value = ctl_cell_text(json_object_get(c, "value"), CTL_LIST, NULL);
    const char *from = json_opt_str(c, "from", ""), *collection = json_opt_str(c, "collection", NULL);
    char where[128] = "", line[1024];
    if (collection)
        (void)snprintf(where, sizeof where, " (priority %lld, collection %s)",
                       (long long)json_opt_int(c, "priority", 0), collection);
    (void)snprintf(line, sizeof line, "%s by %s%s: %s", value, from, where, json_opt_str(c, "why", ""));
    (void)printf("  %-6s ", what);
    ctl_wrap(stdout, line, 9, WIDTH);
    free(value);
}

static void print_resultant(const json_t *answer)
{
    const json_t *has = json_object_get(answer, "device_has");
    json_t *s, *loser;
    size_t i, j;
    char *collections = ctl_cell_text(json_object_get(answer, "collections"), CTL_LIST, "none");
    (void)printf("device %s (%s), collections: %s\n", json_opt_str(answer, "name", ""),
                 json_opt_str(answer, "device", ""), collections);
    free(collections);
    json_array_foreach(json_object_get(answer, "settings"), i, s) {
        (void)printf("%s%s%s\n", term_on(stdout, TERM_BOLD), json_opt_str(s, "name", ""), term_off(stdout));
        print_candidate("wins", json_object_get(s, "winner"));
        json_array_foreach(json_object_get(s, "losers"), j, loser)
            print_candidate("loses", loser);
    }
    (void)printf("on the device: %s\n  ", json_opt_str(has, "state", "unknown"));
    ctl_wrap(stdout, json_opt_str(has, "explanation", ""), 2, WIDTH);
}

static int resultant(const void *options, const char **args, size_t n UNUSED)
{
    const struct options *o = options;
    json_t *answer;
    char *path = ctl_request_path("/v1/devices/%s/settings", args[0]);
    int code = ctl_send(&o->common, "GET", path, NULL, &answer);
    free(path);
    if (code != CTL_DONE)
        return code;
    if (o->common.json)
        ctl_print_answer(answer);
    else
        print_resultant(answer);
    json_decref(answer);
    return CTL_DONE;
}

const struct ctl_command ctl_client_settings_commands[] = {
    {"settings client set", "Change default or custom client settings",
     CTL_RUN(set_client_settings, struct options, "cmg settings client set default|NAME [SETTING=VALUE…] [options]",
             "Change the default client settings, or custom ones for a collection: allow_cmg=yes|no, "
             "policy_interval=TIME, notification_wait=TIME, allowed_methods=pki,entra,token; nothing behind = takes a "
             "setting out.",
             set_opts, 1, 32)},
    {"settings client list", "List the client settings, the first wins", NULL,
     CTL_ROWS("/v1/client-settings", "client_settings", columns,
              "no client settings yet, so what is built in holds: "
              "cmg settings client set default allow_cmg=yes")},
    {"settings client remove", "Remove custom client settings", NULL,
     CTL_DO("DELETE", "/v1/client-settings/%s", "NAME", "client settings %s removed")},
    {"settings resultant", "Show a device's resultant client settings",
     CTL_RUN(resultant, struct options, "cmg settings resultant DEVICE [options]",
             "Show each client setting of a device: who wins, who loses and why, and what the device really has.", opts,
             1, 1)},
    {NULL, NULL, NULL, NULL},
};
