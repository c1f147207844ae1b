/* SPDX-License-Identifier: Apache-2.0 */
/* cmg policy add|list|resultant|remove */
#include <stdlib.h>

#include "ctl/command.h"
#include "ctl/request.h"
#include "ctl/secret.h"

struct add_options {
    struct ctl_common common;
    struct opt_list users, collections;
    const char *content, *file, *deploy, *handler;
    bool all_users, devices;
};

static const struct opt add_opts[] = {
    {.name = "file",
     .kind = OPT_TEXT,
     .offset = offsetof(struct add_options, file),
     .value = "FILE",
     .help = "the policy's text ('-': standard input)"},
    {.name = "content",
     .kind = OPT_TEXT,
     .offset = offsetof(struct add_options, content),
     .value = "TEXT",
     .help = "the policy's text itself"},
    {.name = "user",
     .kind = OPT_LIST,
     .offset = offsetof(struct add_options, users),
     .value = "NAMES",
     .help = "a policy of these users (ada@example.com); by commas or repeated"},
    {.name = "users", .kind = OPT_FLAG, .offset = offsetof(struct add_options, all_users), .help = "of every user"},
    {.name = "devices",
     .kind = OPT_FLAG,
     .offset = offsetof(struct add_options, devices),
     .help = "of every device (the default of a new policy; a known one keeps whose it is)"},
    {.name = "collection",
     .kind = OPT_LIST,
     .offset = offsetof(struct add_options, collections),
     .value = "NAMES",
     .help = "only on devices of these collections; by commas or repeated; with --user, on those"},
    {.name = "deploy",
     .kind = OPT_TEXT,
     .offset = offsetof(struct add_options, deploy),
     .value = "NAME[:VERSION]",
     .help = "content that the policy brings (cmg content add), its newest version unless one is named; '': none"},
    {.name = "handler",
     .kind = OPT_TEXT,
     .offset = offsetof(struct add_options, handler),
     .value = "PROGRAM",
     .help = "with --deploy: what runs once the content is there, a program in the device's folder ContentHandlers"},
    CTL_OPT_JSON(struct add_options),
    CTL_OPT_SOCKET(struct add_options),
    CTL_OPT_END,
};

/* NULL: nothing was said of it. */
static json_t *users_of(const struct add_options *o)
{
    if (o->all_users)
        return json_pack("[s]", "*");
    return o->users.count || o->devices ? ctl_words(&o->users) : NULL;
}

static void put_targets(const struct add_options *o, json_t *body)
{
    json_t *users = users_of(o);
    if (users)
        (void)json_object_set_new(body, "users", users);
    if (o->collections.count || o->devices)
        (void)json_object_set_new(body, "collections", ctl_words(&o->collections));
}

/* null: it is to bring nothing any more. */
static json_t *deploy_of(const struct add_options *o)
{
    struct slice version = slice_of(o->deploy), name = slice_cut(&version, ':');
    return name.len ? json_pack("{s:s%, s:s%, s:s}", "content", name.ptr, name.len, "version",
                                version.ptr ? version.ptr : "", version.len, "handler", o->handler ? o->handler : "")
                    : json_null();
}

static int add_content(const struct add_options *o, const char *name, struct slice content)
{
    json_t *body = json_pack("{s:s, s:s%}", "name", name, "content", content.ptr, content.len), *answer;
    if (!body)
        return ctl_usage("a policy's name and content must be UTF-8 text");
    put_targets(o, body);
    if (o->deploy && json_object_set_new(body, "deploy", deploy_of(o)) != 0)
        return ctl_usage("the name and version of content must be UTF-8 text");
    int code = ctl_send(&o->common, "POST", "/v1/policies", body, &answer);
    if (code != CTL_DONE)
        return code;
    char *version = ctl_cell_text(json_object_get(json_object_get(answer, "policy"), "version"), CTL_TEXT, NULL);
    code = ctl_tell(&o->common, answer, "policy %s stored, version %s", name, version);
    free(version);
    return code;
}

static int add_policy(const void *options, const char **args, size_t n)
{
    const struct add_options *o = options;
    const char *file = n == 2 ? args[1] : o->file;
    if ((n == 2 && o->file) || (file != NULL) == (o->content != NULL))
        return ctl_usage("give the policy's text once: as FILE, --file FILE or --content TEXT");
    if ((o->users.count > 0) + o->all_users + o->devices > 1 || (o->devices && o->collections.count))
        return ctl_usage("give one of --user, --users and --devices; --devices means every device, so no --collection");
    if (o->handler && !o->deploy)
        return ctl_usage("--handler is for the content that --deploy NAME names");
    if (o->content)
        return add_content(o, args[0], slice_of(o->content));
    char *data;
    size_t len;
    if (!ctl_read_file(&o->common, file, &data, &len))
        return CTL_FAILED;
    int code = add_content(o, args[0], slice_make(data, len));
    free(data);
    return code;
}

static const struct ctl_column columns[] = {
    {"NAME", "name", CTL_TEXT, NULL},      {"VERSION", "version", CTL_NUMBER, NULL},
    {"USERS", "users", CTL_LIST, "-"},     {"COLLECTIONS", "collections", CTL_LIST, "-"},
    {"SHA-256", "sha256", CTL_TEXT, NULL}, {"ID", "id", CTL_TEXT, NULL},
    {NULL, NULL, CTL_TEXT, NULL}};
static const struct ctl_column resultant_columns[] = {{"NAME", "name", CTL_TEXT, NULL},
                                                      {"VERSION", "version", CTL_NUMBER, NULL},
                                                      {"REACHES IT", "reaches", CTL_TEXT, NULL},
                                                      {"WHY", "why", CTL_TEXT, NULL},
                                                      {NULL, NULL, CTL_TEXT, NULL}};

const struct ctl_command ctl_policy_commands[] = {
    {"policy add", "Store a policy, or a new version of it",
     CTL_RUN(add_policy, struct add_options, "cmg policy add NAME [FILE] [options]",
             "Store a policy; a new version when the name exists.", add_opts, 1, 2)},
    {"policy list", "List the policies", NULL,
     CTL_PAGES("/v1/policies", "policies", columns, "no policies yet: cmg policy add NAME FILE")},
    {"policy resultant", "Show which policies reach a device, and why", NULL,
     CTL_ROWS_OF("DEVICE", "/v1/devices/%s/policies", "policies", resultant_columns,
                 "no policies yet: cmg policy add NAME FILE")},
    {"policy remove", "Remove a policy", NULL, CTL_DO("DELETE", "/v1/policies/%s", "NAME", "policy %s removed")},
    {NULL, NULL, NULL, NULL},
};
