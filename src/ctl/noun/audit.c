/* SPDX-License-Identifier: Apache-2.0 */
/* cmg audit: who changed what, the newest first. */
#include <inttypes.h>
#include <stdlib.h>

#include "base/clock.h"
#include "base/mem.h"
#include "ctl/api.h"
#include "ctl/command.h"
#include "ctl/pages.h"

enum { SHOWN = 100, SHOWN_MAX = 1000000, A_PAGE = 500, NUMBERS_ROOM = 128 };

struct options {
    struct ctl_common common;
    const char *since, *action, *object;
    uint64_t limit;
};

static const struct opt opts[] = {
    {.name = "since",
     .kind = OPT_TEXT,
     .offset = offsetof(struct options, since),
     .value = "DURATION|TIME",
     .help = "not older than so long (30m, 12h, 3d), or than this time (2026-11-30, 2026-11-30T08:00:00Z; UTC)"},
    {.name = "action",
     .kind = OPT_TEXT,
     .offset = offsetof(struct options, action),
     .value = "ACTION",
     .help = "this action (device.block), or all of one kind (device)"},
    {.name = "object",
     .kind = OPT_TEXT,
     .offset = offsetof(struct options, object),
     .value = "OBJECT",
     .help = "what was done to this object: a device's GUID, the id of a gateway, a policy's name"},
    {.name = "limit",
     .kind = OPT_NUMBER,
     .offset = offsetof(struct options, limit),
     .value = "N",
     .help = "so many, the newest (default 100)",
     .min = 1,
     .max = SHOWN_MAX},
    CTL_OPT_JSON(struct options),
    CTL_OPT_SOCKET(struct options),
    CTL_OPT_END,
};

static const struct ctl_column columns[] = {{"AT", "at", CTL_TIME, NULL},         {"CALLER", "caller", CTL_TEXT, NULL},
                                            {"ACTION", "action", CTL_TEXT, NULL}, {"OBJECT", "object", CTL_TEXT, NULL},
                                            {"DETAIL", "detail", CTL_TEXT, ""},   {NULL, NULL, CTL_TEXT, NULL}};
static const struct ctl_request list = {
    .member = "events", .columns = columns, .empty = "nothing of that is in the audit"};

/* A day begins at midnight, UTC. */
static bool read_time(const char *text, int64_t *ret)
{
    char day[CLOCK_TEXT_SIZE];
    (void)snprintf(day, sizeof day, "%.10sT00:00:00Z", text);
    return clock_parse_rfc3339(slice_of(strlen(text) == strlen("2026-11-30") ? day : text), ret);
}

static bool read_since(const char *text, int64_t *ret)
{
    if (read_time(text, ret))
        return true;
    if (!ctl_duration("since", text, ret))
        return false;
    *ret = clock_wall_s() - *ret;
    return true;
}

/* malloc'ed */
static char *path_of(const struct options *o, int64_t since)
{
    char *action = api_escape(o->action ? o->action : ""), *object = api_escape(o->object ? o->object : "");
    size_t size = strlen(action) + strlen(object) + NUMBERS_ROOM;
    char *ret = mem_array(size, 1);
    (void)snprintf(ret, size, "/v1/audit?limit=%" PRIu64 "&since=%" PRId64 "&action=%s&object=%s",
                   o->limit < A_PAGE ? o->limit : A_PAGE, since, action, object);
    free(action);
    free(object);
    return ret;
}

static int audit(const void *options, const char **args UNUSED, size_t n UNUSED)
{
    const struct options *o = options;
    int64_t since = 0;
    if (o->since && !read_since(o->since, &since))
        return CTL_USAGE;
    char *path = path_of(o, since);
    int code = ctl_pages_print(&o->common, &list, path, o->limit);
    free(path);
    return code;
}

static const struct options audit_defaults = {.limit = SHOWN};

const struct ctl_command ctl_audit_commands[] = {
    {"audit", "Show who changed what",
     CTL_RUN_FROM(&audit_defaults, audit, struct options, "cmg audit [options]",
                  "Show who changed what, the newest first.", opts, 0, 0)},
    {NULL, NULL, NULL, NULL},
};
