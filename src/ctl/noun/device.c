/* SPDX-License-Identifier: Apache-2.0 */
/* cmg device list|show|approve|block|unblock|remove */
#include <stdlib.h>
#include <unistd.h>

#include "base/mem.h"
#include "ctl/api.h"
#include "ctl/command.h"
#include "ctl/pages.h"
#include "json/json.h"

static const struct ctl_column columns[] = {{"NAME", "name", CTL_TEXT, NULL},
                                            {"GUID", "guid", CTL_TEXT, NULL},
                                            {"METHOD", "method", CTL_TEXT, NULL},
                                            {"STATE", "state", CTL_STATE, NULL},
                                            {"WAITS BECAUSE", "reason", CTL_TEXT, ""},
                                            {"REGISTERED", "registered", CTL_TIME, NULL},
                                            {"LAST SEEN", "last_seen", CTL_TIME, "never"},
                                            {NULL, NULL, CTL_TEXT, NULL}};
static const struct ctl_column details[] = {
    {"Name", "name", CTL_TEXT, NULL},
    {"GUID", "guid", CTL_TEXT, NULL},
    {"Method", "method", CTL_TEXT, NULL},
    {"State", "state", CTL_STATE, NULL},
    {"Waits because", "reason", CTL_TEXT, "it does not wait"},
    {"Let in by", "registration", CTL_TEXT, NULL},
    {"Name for rules", "name_for_rules", CTL_TEXT, "none: the device alone says how it is called"},
    {"Hardware id", "hardware_id", CTL_TEXT, NULL},
    {"Hardware id by", "hardware_id_by", CTL_TEXT, "the device alone"},
    {"Other hardware", "other_hardware", CTL_TEXT, "none was seen with its key"},
    {"Entra device", "entra_device", CTL_TEXT, NULL},
    {"Registered", "registered", CTL_TIME, NULL},
    {"Registered from", "registered_from", CTL_TEXT, "not told"},
    {"Last seen", "last_seen", CTL_TIME, "never"},
    {"Client version", "client_version", CTL_TEXT, NULL},
    {"Listens", "listens", CTL_TEXT, NULL},
    {"Told last", "taken_at", CTL_TIME, "nothing yet"},
    {"To be told", "queued", CTL_NUMBER, NULL},
    {"Certificates", "certificates", CTL_LIST, NULL},
    {NULL, NULL, CTL_TEXT, NULL}};

struct options {
    struct ctl_common common;
    bool all_pending, forget, yes;
    const char *older_than, *name, *anchor, *where;
    uint64_t limit;
};

/* --- list --- */

static const struct ctl_request
    list = {.member = "devices",
            .columns = columns,
            .empty = "no devices yet: cmg token new makes a token to register one with"},
    anchored = {.member = "devices",
                .columns = columns,
                .empty = "no device is known to have registered by a certificate of this anchor"},
    meeting = {.member = "devices",
               .columns = columns,
               .empty = "no device meets these conditions; what is not known of a device meets none"};

/* malloc'ed */
static char *path_of(const struct options *o)
{
    char *anchor = api_escape(o->anchor ? o->anchor : ""), *where = api_escape(o->where ? o->where : "");
    size_t size = strlen(anchor) + strlen(where) + 64;
    char *ret = mem_array(size, 1);
    (void)snprintf(ret, size, "/v1/devices%s%s%s%s%s", *anchor || *where ? "?" : "", *anchor ? "anchor=" : "", anchor,
                   *where ? (*anchor ? "&where=" : "where=") : "", where);
    free(anchor);
    free(where);
    return ret;
}

static const struct opt list_devices_opts[] = {
    {.name = "anchor",
     .kind = OPT_TEXT,
     .offset = offsetof(struct options, anchor),
     .value = "ID",
     .help = "those alone whose machines registered by a certificate of this anchor, "
             "trusted still or no longer (cmg trust list)"},
    {.name = "where",
     .kind = OPT_TEXT,
     .offset = offsetof(struct options, where),
     .value = "CONDITIONS",
     .help = "those alone that meet them, as a rule of a collection has them: os.version<13,disk.free<5%"},
    CTL_OPT_LIMIT(struct options),
    CTL_OPT_JSON(struct options),
    CTL_OPT_SOCKET(struct options),
    CTL_OPT_END};
static const struct options list_defaults = {.limit = UINT64_MAX};

static int list_devices(const void *options, const char **args UNUSED, size_t n UNUSED)
{
    const struct options *o = options;
    char *path = path_of(o);
    int code = ctl_pages_print(&o->common, o->where ? &meeting : o->anchor ? &anchored : &list, path, o->limit);
    free(path);
    return code;
}

/* --- show: who stands for what --- */

static const struct opt show_opts[] = {CTL_OPT_JSON(struct options), CTL_OPT_SOCKET(struct options), CTL_OPT_END};

/* What lies deeper in the answer, where ctl_details finds it. */
static void lift(json_t *device)
{
    const json_t *vouched = json_object_get(device, "vouched");
    const char *name = json_opt_str(vouched, "name", "");
    json_t *text = json_sprintf("%s, by %s", name, json_opt_str(vouched, "name_by", ""));
    if (*name)
        (void)json_object_set(device, "name_for_rules", text);
    json_decref(text);
    const json_t *notifications = json_object_get(device, "notifications");
    bool listens = json_opt_bool(notifications, "listens", false);
    (void)json_object_set_new(
        device, "listens",
        json_string(listens ? "yes, it can be told at once (cmg device wake)" : "not at this management point now"));
    (void)json_object_set(device, "taken_at", json_object_get(notifications, "taken_at"));
    (void)json_object_set(device, "queued", json_object_get(notifications, "queued"));
    (void)json_object_set(device, "registration", json_object_get(vouched, "registration"));
    (void)json_object_set(device, "hardware_id_by", json_object_get(vouched, "hardware_id_by"));
}

/* What became of what it was given; nothing for a device that told nothing. */
static void show_states(const json_t *states)
{
    static const struct ctl_column told[] = {{"KIND", "kind", CTL_TEXT, NULL},
                                             {"OF", "subject", CTL_TEXT, NULL},
                                             {"VERSION", "version", CTL_NUMBER, NULL},
                                             {"STATE", "state", CTL_STATE, NULL},
                                             {"AT", "at", CTL_TIME, NULL},
                                             {"DETAIL", "detail", CTL_TEXT, ""},
                                             {NULL, NULL, CTL_TEXT, NULL}};
    if (!json_array_size(states))
        return;
    (void)puts("");
    ctl_table(stdout, states, told, "");
}

static int show_device(const void *options, const char **args, size_t n UNUSED)
{
    const struct options *o = options;
    json_t *answer;
    char *path = ctl_request_path("/v1/devices/%s", args[0]);
    int code = ctl_send(&o->common, "GET", path, NULL, &answer);
    free(path);
    if (code != CTL_DONE)
        return code;
    if (o->common.json)
        return ctl_tell(&o->common, answer, "%s", "");
    lift(json_object_get(answer, "device"));
    ctl_details(stdout, json_object_get(answer, "device"), details);
    show_states(json_object_get(json_object_get(answer, "device"), "states"));
    json_decref(answer);
    return CTL_DONE;
}

/* --- approve: one, several, or all that wait --- */

enum { APPROVED_AT_ONCE = 10000 };

static int approve_one(const struct options *o, const char *device, json_t *done)
{
    json_t *answer;
    char *path = ctl_request_path("/v1/devices/%s/approve", device);
    int code = ctl_send(&o->common, "POST", path, NULL, &answer);
    free(path);
    if (code != CTL_DONE)
        return code;
    if (!o->common.json)
        (void)printf(json_object_get(answer, "readmitted") ? "device %s was removed; what it held may register again\n"
                                                           : "device %s approved\n",
                     device);
    json_t *record = json_object_get(answer, "device");
    (void)json_array_append(done, record ? record : answer);
    json_decref(answer);
    return CTL_DONE;
}

/* Those that were removed or blocked before wait for a word of their own. */
static bool is_ordinary(const json_t *device)
{
    return strcmp(json_opt_str(device, "state", ""), "pending") == 0 && !json_opt_bool(device, "shut_out", false);
}

struct approving {
    const struct options *o;
    json_t *done;
    int code;
};

static enum result approve_page(void *arg, const json_t *answer, struct ctl_fault *fault)
{
    struct approving *all = arg;
    json_t *device;
    size_t i;
    (void)fault;
    json_array_foreach(json_object_get(answer, "devices"), i, device) {
        const char *guid = json_opt_str(device, "guid", "");
        if (all->code == CTL_DONE && is_ordinary(device))
            all->code = approve_one(all->o, guid, all->done);
        else if (strcmp(json_opt_str(device, "state", ""), "pending") == 0 && !all->o->common.json)
            (void)printf("device %s still waits: %s\n", guid, json_opt_str(device, "reason", ""));
    }
    return all->code == CTL_DONE ? OK : R_EOF; /* that fault was told */
}

static int approve_waiting(const struct options *o, json_t *done)
{
    struct approving all = {.o = o, .done = done, .code = CTL_DONE};
    struct ctl_fault fault;
    enum result r = ctl_pages(&o->common, "/v1/devices", approve_page, &all, &fault);
    return r == OK ? all.code : ctl_fail(&o->common, &fault);
}

static const struct opt approve_opts[] = {
    {.name = "all-pending",
     .kind = OPT_FLAG,
     .offset = offsetof(struct options, all_pending),
     .help = "all that wait, but those that share something with a removed or blocked device"},
    CTL_OPT_JSON(struct options),
    CTL_OPT_SOCKET(struct options),
    CTL_OPT_END};

static int approve(const void *options, const char **args, size_t n)
{
    const struct options *o = options;
    if ((n > 0) == o->all_pending)
        return ctl_usage("name the devices, or give --all-pending");
    json_t *done = json_array();
    int code = o->all_pending ? approve_waiting(o, done) : CTL_DONE;
    for (size_t i = 0; i < n && code == CTL_DONE; i++)
        code = approve_one(o, args[i], done);
    json_t *answer = n == 1 && json_object_get(json_array_get(done, 0), "guid")
                         ? json_pack("{s:O}", "device", json_array_get(done, 0))
                         : json_pack("{s:O}", "devices", done);
    if (code == CTL_DONE && o->common.json)
        ctl_print_answer(answer);
    json_decref(answer);
    json_decref(done);
    return code;
}

/* --- remove --- */

/* What is removed together is asked for first, or said by --yes. */
static bool is_meant(const struct options *o, long long count, const char *which)
{
    char answer[16] = "";
    if (o->yes || count == 0)
        return true;
    if (o->common.json || isatty(STDIN_FILENO) != 1) {
        (void)ctl_usage("%lld devices %s would be removed; say so by --yes", count, which);
        return false;
    }
    (void)printf("Remove %lld devices %s? [y/N] ", count, which);
    (void)fflush(stdout);
    if (fgets(answer, sizeof answer, stdin) && (*answer == 'y' || *answer == 'Y'))
        return true;
    (void)puts("nothing was removed");
    return false;
}

static int send_sweep(const struct options *o, int64_t older_than, bool dry, json_t **ret)
{
    json_t *body = json_pack("{s:I, s:s*, s:b}", "older_than", (json_int_t)older_than, "name", o->name, "dry_run", dry);
    return ctl_send(&o->common, "POST", "/v1/devices/remove-waiting", body, ret);
}

static int remove_waiting(const struct options *o)
{
    int64_t older_than = 0;
    json_t *answer;
    if (o->older_than && !ctl_duration("older-than", o->older_than, &older_than))
        return CTL_USAGE;
    int code = send_sweep(o, older_than, true, &answer);
    if (code != CTL_DONE)
        return code;
    bool meant = is_meant(o, (long long)json_opt_int(answer, "removed", 0), "that wait");
    json_decref(answer);
    if (!meant)
        return CTL_USAGE;
    code = send_sweep(o, older_than, false, &answer);
    return code == CTL_DONE ? ctl_tell(&o->common, answer, "%lld devices removed; %lld still wait",
                                       (long long)json_opt_int(answer, "removed", 0),
                                       (long long)json_opt_int(answer, "still_waiting", 0))
                            : code;
}

static enum result gather_page(void *arg, const json_t *answer, struct ctl_fault *fault)
{
    (void)fault;
    json_t *guids = arg, *device;
    size_t i;
    json_array_foreach(json_object_get(answer, "devices"), i, device) {
        json_t *guid = json_object_get(device, "guid");
        if (json_is_string(guid) && json_array_append(guids, guid) != 0)
            fatal("out of memory (devices)");
    }
    return OK;
}

static int remove_one(const struct options *o, const char *device, json_t **ret)
{
    char *path = ctl_request_path(o->forget ? "/v1/devices/%s?forget" : "/v1/devices/%s", device);
    int code = ctl_send(&o->common, "DELETE", path, NULL, ret);
    free(path);
    return code;
}

/* One by one, each with its line in the audit. */
static int remove_all(const struct options *o, const json_t *guids)
{
    int code = CTL_DONE;
    size_t i, count = json_array_size(guids);
    for (i = 0; i < count && code == CTL_DONE; i++)
        code = remove_one(o, json_string_value(json_array_get(guids, i)), NULL);
    return code == CTL_DONE
               ? ctl_tell(&o->common, json_pack("{s:I}", "removed", (json_int_t)count), "%zu devices removed", count)
               : code;
}

static int remove_anchored(const struct options *o)
{
    struct ctl_fault fault;
    json_t *guids = json_array();
    char *path = path_of(o);
    int code = CTL_USAGE;
    if (ctl_pages(&o->common, path, gather_page, guids, &fault) != OK)
        code = ctl_fail(&o->common, &fault);
    else if (is_meant(o, (long long)json_array_size(guids), "that registered by certificates of this anchor"))
        code = remove_all(o, guids);
    free(path);
    json_decref(guids);
    return code;
}

/* One device, or which ones; what goes together? */
static const char *find_misuse(const struct options *o, size_t named)
{
    if ((named > 0) + o->all_pending + (o->anchor != NULL) != 1)
        return "name the device, or give --pending, or --anchor ID";
    if (o->all_pending && o->forget)
        return "--forget is for one device, or for those of an anchor";
    if (!o->all_pending && (o->older_than || o->name))
        return "--older-than and --name belong to --pending";
    return named && o->yes ? "--yes belongs to --pending and --anchor" : NULL;
}

static const struct opt remove_it_opts[] = {
    {.name = "pending",
     .kind = OPT_FLAG,
     .offset = offsetof(struct options, all_pending),
     .help = "instead of one: all that wait and were never approved"},
    {.name = "older-than",
     .kind = OPT_TEXT,
     .offset = offsetof(struct options, older_than),
     .value = "DURATION",
     .help = "of those, who registered so long ago: 1h, 3d"},
    {.name = "name",
     .kind = OPT_TEXT,
     .offset = offsetof(struct options, name),
     .value = "PATTERN",
     .help = "of those, who call themselves so: LAB-*"},
    {.name = "anchor",
     .kind = OPT_TEXT,
     .offset = offsetof(struct options, anchor),
     .value = "ID",
     .help = "instead of one: those whose machines registered by a certificate of this anchor"},
    {.name = "yes", .kind = OPT_FLAG, .offset = offsetof(struct options, yes), .help = "remove them without asking"},
    {.name = "forget",
     .kind = OPT_FLAG,
     .offset = offsetof(struct options, forget),
     .help = "it may register again with the keys, certificates and the Entra device that it had"},
    CTL_OPT_JSON(struct options),
    CTL_OPT_SOCKET(struct options),
    CTL_OPT_END};

static int remove_it(const void *options, const char **args, size_t n)
{
    const struct options *o = options;
    json_t *answer;
    const char *misuse = find_misuse(o, n);
    if (misuse)
        return ctl_usage("%s", misuse);
    if (o->all_pending)
        return remove_waiting(o);
    if (o->anchor)
        return remove_anchored(o);
    int code = remove_one(o, args[0], &answer);
    return code == CTL_DONE ? ctl_tell(&o->common, answer, "device %s removed", args[0]) : code;
}

const struct ctl_command ctl_device_commands[] = {
    {"device list", "List the devices",
     CTL_RUN_FROM(&list_defaults, list_devices, struct options, "cmg device list [options]", "List the devices.",
                  list_devices_opts, 0, 0)},
    {"device show", "Show one device",
     CTL_RUN(show_device, struct options, "cmg device show GUID|NAME [options]",
             "Show one device, and who stands for what it says of itself.", show_opts, 1, 1)},
    {"device approve", "Approve pending devices",
     CTL_RUN(approve, struct options, "cmg device approve GUID|NAME... [options]",
             "Approve devices that wait, and stand for their names and hardware ids; the "
             "GUID of a removed device lets what it held register again.",
             approve_opts, 0, APPROVED_AT_ONCE)},
    {"device block", "Block a device everywhere", NULL,
     CTL_DO("POST", "/v1/devices/%s/block", "GUID|NAME", "device %s blocked; gateways refuse it within 5 s")},
    {"device unblock", "Allow a blocked device again", NULL,
     CTL_DO("POST", "/v1/devices/%s/unblock", "GUID|NAME", "device %s unblocked")},
    {"device remove", "Remove a device's record",
     CTL_RUN(remove_it, struct options, "cmg device remove GUID|NAME|--pending|--anchor ID [options]",
             "Remove a device's record; what it held stays out until cmg device approve. "
             "Or all records that wait, or those of an anchor.",
             remove_it_opts, 0, 1)},
    {NULL, NULL, NULL, NULL},
};
