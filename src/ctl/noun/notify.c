/* SPDX-License-Identifier: Apache-2.0 */
/* cmg device wake|notify */
#include <stdlib.h>

#include "ctl/command.h"
#include "ctl/request.h"
#include "json/json.h"

struct options {
    struct ctl_common common;
    bool policy, inventory, state, all;
    const char *message, *collection, *spread, *expires;
};

#define WHOM                                                                                                           \
    {.name = "collection",                                                                                             \
     .kind = OPT_TEXT,                                                                                                 \
     .offset = offsetof(struct options, collection),                                                                   \
     .value = "NAME",                                                                                                  \
     .help = "instead of one: all devices of this collection"},                                                        \
        {.name = "all", .kind = OPT_FLAG, .offset = offsetof(struct options, all), .help = "instead of one: all"},     \
        {.name = "spread",                                                                                             \
         .kind = OPT_TEXT,                                                                                             \
         .offset = offsetof(struct options, spread),                                                                   \
         .value = "DURATION",                                                                                          \
         .help = "of many, tell those that wait over this time (0: as fast as it goes)"},                              \
        {.name = "expires",                                                                                            \
         .kind = OPT_TEXT,                                                                                             \
         .offset = offsetof(struct options, expires),                                                                  \
         .value = "DURATION",                                                                                          \
         .help = "who does not come within this time is not told (1d)"},                                               \
        CTL_OPT_JSON(struct options), CTL_OPT_SOCKET(struct options), CTL_OPT_END

static const struct opt wake_opts[] = {WHOM};
static const struct opt notify_opts[] = {
    {.name = "policy",
     .kind = OPT_FLAG,
     .offset = offsetof(struct options, policy),
     .help = "fetch policy and client settings now"},
    {.name = "inventory",
     .kind = OPT_FLAG,
     .offset = offsetof(struct options, inventory),
     .help = "send the inventory now"},
    {.name = "state",
     .kind = OPT_FLAG,
     .offset = offsetof(struct options, state),
     .help = "send what is to be told now"},
    {.name = "message",
     .kind = OPT_TEXT,
     .offset = offsetof(struct options, message),
     .value = "TEXT",
     .help = "hand this to the device's NotificationHandler, and write it to its log"},
    WHOM};

/* NULL: not exactly one. */
static const char *what_of(const struct options *o)
{
    if (o->policy + o->inventory + o->state + (o->message != NULL) != 1)
        return NULL;
    return o->policy ? "policy" : o->inventory ? "inventory" : o->state ? "state" : "message";
}

static bool put_duration(json_t *body, const char *option, const char *text, const char *member)
{
    int64_t seconds;
    if (!text)
        return true;
    return ctl_duration(option, text, &seconds) &&
           json_object_set_new(body, member, json_integer((json_int_t)seconds)) == 0;
}

static int tell(const struct options *o, const char *device, json_t *answer)
{
    const json_t *n = json_object_get(answer, "notification");
    const char *whom = device ? device : o->collection ? o->collection : "all devices";
    if (!device)
        return ctl_tell(&o->common, answer, "%s%s: those that wait are told now, the others when they next ask",
                        o->collection ? "collection " : "", whom);
    return ctl_tell(&o->common, answer,
                    json_opt_bool(n, "waits", false) ? "device %s waits here and is told now"
                                                     : "device %s does not wait here now: it is told when it next asks",
                    whom);
}

static int send_it(const struct options *o, const char *what, const char *device)
{
    json_t *answer, *body = json_pack("{s:s, s:s*, s:s*, s:s*, s:b}", "what", what, "device", device, "collection",
                                      o->collection, "message", o->message, "all", (int)o->all);
    if (!put_duration(body, "spread", o->spread, "spread_s") ||
        !put_duration(body, "expires", o->expires, "expires_s")) {
        json_decref(body);
        return CTL_USAGE;
    }
    int code = ctl_send(&o->common, "POST", "/v1/notifications", body, &answer);
    return code == CTL_DONE ? tell(o, device, answer) : code;
}

static int run(const struct options *o, const char *what, const char **args, size_t n)
{
    if ((n > 0) + o->all + (o->collection != NULL) != 1)
        return ctl_usage("name the device, or give --collection NAME, or --all");
    if (n && o->spread)
        return ctl_usage("--spread belongs to --collection and --all");
    return send_it(o, what, n ? args[0] : NULL);
}

static int wake(const void *options, const char **args, size_t n)
{
    return run(options, "wake", args, n);
}

static int notify(const void *options, const char **args, size_t n)
{
    const char *what = what_of(options);
    return what ? run(options, what, args, n)
                : ctl_usage("give one of --policy, --inventory, --state and --message TEXT");
}

const struct ctl_command ctl_notify_commands[] = {
    {"device wake", "Let devices do now what is due",
     CTL_RUN(wake, struct options, "cmg device wake GUID|NAME|--collection NAME|--all [options]",
             "Let a device do now what it would do at the end of its interval. One that does not wait for it is told "
             "when it next asks.",
             wake_opts, 0, 1)},
    {"device notify", "Tell devices something at once",
     CTL_RUN(notify, struct options, "cmg device notify GUID|NAME|--collection NAME|--all --policy|--message TEXT|…",
             "Tell a device what to do at once, or hand it a message.", notify_opts, 0, 1)},
    {NULL, NULL, NULL, NULL},
};
