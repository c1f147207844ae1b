/* SPDX-License-Identifier: Apache-2.0 */
/* cmg collection add|list|show|remove|add-device|remove-device */
#include <stdlib.h>

#include "base/mem.h"
#include "ctl/api.h"
#include "ctl/command.h"
#include "ctl/pages.h"

struct options {
    struct ctl_common common;
    struct opt_list rules, devices;
};

static const struct opt add_opts[] = {
    {.name = "rule",
     .kind = OPT_LIST,
     .offset = offsetof(struct options, rules),
     .value = "RULE",
     .help = "the devices that meet it: name=LAB-*, method=token, join=entra, version>=2002; commas: all of them; "
             "repeated: any rule; '' for no rule. Names count as a certificate, a token made for such names or cmg "
             "device approve says them"},
    {.name = "device",
     .kind = OPT_LIST,
     .offset = offsetof(struct options, devices),
     .value = "GUIDS|NAMES",
     .help = "devices of the list; by commas or repeated"},
    CTL_OPT_JSON(struct options),
    CTL_OPT_SOCKET(struct options),
    CTL_OPT_END,
};
static const struct opt opts[] = {CTL_OPT_JSON(struct options), CTL_OPT_SOCKET(struct options), CTL_OPT_END};

static json_t *rules_of(const struct opt_list *list)
{
    json_t *ret = json_array();
    for (size_t i = 0; i < list->count; i++) {
        if (*list->items[i])
            (void)json_array_append_new(ret, json_string(list->items[i]));
    }
    return ret;
}

/* The answer has the first page of its devices alone. */
static int send_it(const struct options *o, const char *method, const char *path, json_t *body, const char *name)
{
    json_t *answer;
    int code = ctl_send(&o->common, method, path, body, &answer);
    size_t count = json_array_size(json_object_get(json_object_get(answer, "collection"), "devices"));
    if (code != CTL_DONE)
        return code;
    bool more = json_opt_str(answer, "next", NULL) != NULL;
    return ctl_tell(&o->common, answer, "%s: %zu device%s%s", name, count, count == 1 ? "" : "s",
                    more ? " among the site's first ones; cmg collection show has all" : "");
}

static int add_collection(const void *options, const char **args, size_t n UNUSED)
{
    const struct options *o = options;
    json_t *body = json_pack("{s:s, s:o}", "name", args[0], "devices", ctl_words(&o->devices));
    if (!body)
        return ctl_usage("a collection's name must be UTF-8 text");
    if (o->rules.count)
        (void)json_object_set_new(body, "rules", rules_of(&o->rules));
    return send_it(o, "POST", "/v1/collections", body, args[0]);
}

/* Of args: the collection, the device. */
static int change_member(const struct options *o, const char *method, const char **args)
{
    char *named = ctl_request_path("/v1/collections/%s/devices/", args[0]), *device = api_escape(args[1]);
    size_t size = strlen(named) + strlen(device) + 1;
    char *path = mem_array(size, 1);
    (void)snprintf(path, size, "%s%s", named, device);
    int code = send_it(o, method, path, NULL, args[0]);
    free(path);
    free(device);
    free(named);
    return code;
}

static int add_device(const void *options, const char **args, size_t n UNUSED)
{
    return change_member(options, "PUT", args);
}

static int remove_device(const void *options, const char **args, size_t n UNUSED)
{
    return change_member(options, "DELETE", args);
}

static const struct ctl_column columns[] = {{"NAME", "name", CTL_TEXT, NULL},
                                            {"RULES", "rules", CTL_LIST, NULL},
                                            {"LISTED", "listed", CTL_NUMBER, NULL},
                                            {NULL, NULL, CTL_TEXT, NULL}};
static const struct ctl_column details[] = {{"Name", "name", CTL_TEXT, NULL},
                                            {"Rules", "rules", CTL_LIST, NULL},
                                            {"Listed", "listed", CTL_NUMBER, NULL},
                                            {NULL, NULL, CTL_TEXT, NULL}};
static const struct ctl_column device_columns[] = {{"GUID", "guid", CTL_TEXT, NULL},
                                                   {"NAME", "name", CTL_TEXT, NULL},
                                                   {"BY", "by", CTL_TEXT, NULL},
                                                   {NULL, NULL, CTL_TEXT, NULL}};

enum { SHOWN = 100 };

struct show_options {
    struct ctl_common common;
    uint64_t limit;
};
static const struct opt show_opts[] = {
    {.name = "limit",
     .kind = OPT_NUMBER,
     .offset = offsetof(struct show_options, limit),
     .value = "N",
     .help = "list so many of its devices (default 100); --json has them all",
     .min = 1,
     .max = 100000},
    CTL_OPT_JSON(struct show_options),
    CTL_OPT_SOCKET(struct show_options),
    CTL_OPT_END,
};

static void print_collection(const json_t *collection, size_t limit)
{
    const json_t *devices = json_object_get(collection, "devices");
    size_t count = json_array_size(devices);
    json_t *shown = json_array();
    for (size_t i = 0; i < count && i < limit; i++)
        (void)json_array_append(shown, json_array_get(devices, i));
    ctl_details(stdout, collection, details);
    (void)putchar('\n');
    ctl_table(stdout, shown, device_columns, "it has no devices");
    if (count > limit)
        (void)printf("\n%zu of %zu devices are shown: --limit N shows more, --json all\n", limit, count);
    json_decref(shown);
}

/* Each page has the collection, and some of its devices: *arg becomes the first one's, with all of them. */
static enum result add_page(void *arg, const json_t *answer, struct ctl_fault *fault)
{
    json_t **all = arg, *collection = json_object_get(answer, "collection");
    (void)fault;
    if (!*all)
        *all = json_incref(collection);
    else if (json_array_extend(json_object_get(*all, "devices"), json_object_get(collection, "devices")) != 0)
        fatal("out of memory (devices of a collection)");
    return OK;
}

static int show_collection(const void *options, const char **args, size_t n UNUSED)
{
    const struct show_options *o = options;
    json_t *collection = NULL;
    struct ctl_fault fault;
    char *path = ctl_request_path("/v1/collections/%s", args[0]);
    enum result r = ctl_pages(&o->common, path, add_page, &collection, &fault);
    free(path);
    json_t *answer = json_pack("{s:O?}", "collection", collection);
    if (r == OK && o->common.json)
        ctl_print_answer(answer);
    else if (r == OK)
        print_collection(collection, (size_t)o->limit);
    json_decref(answer);
    json_decref(collection);
    return r == OK ? CTL_DONE : ctl_fail(&o->common, &fault);
}

static const struct show_options show_collection_defaults = {.limit = SHOWN};

const struct ctl_command ctl_collection_commands[] = {
    {"collection add", "Make a collection of devices, or change it",
     CTL_RUN(add_collection, struct options, "cmg collection add NAME [options]",
             "Make a collection of devices, by rules, by a list or both; or change its rules, or list more devices.",
             add_opts, 1, 1)},
    {"collection list", "List the collections", NULL,
     CTL_PAGES("/v1/collections", "collections", columns,
               "no collections yet: cmg collection add NAME --rule 'name=LAB-*'")},
    {"collection show", "Show a collection and its devices",
     CTL_RUN_FROM(&show_collection_defaults, show_collection, struct show_options, "cmg collection show NAME [options]",
                  "Show a collection and its devices.", show_opts, 1, 1)},
    {"collection remove", "Remove a collection", NULL,
     CTL_DO("DELETE", "/v1/collections/%s", "NAME", "collection %s removed")},
    {"collection add-device", "List a device in a collection",
     CTL_RUN(add_device, struct options, "cmg collection add-device NAME DEVICE [options]",
             "List a device in a collection.", opts, 2, 2)},
    {"collection remove-device", "List it there no longer",
     CTL_RUN(remove_device, struct options, "cmg collection remove-device NAME DEVICE [options]",
             "List a device in a collection no longer; a rule may still have it.", opts, 2, 2)},
    {NULL, NULL, NULL, NULL},
};
