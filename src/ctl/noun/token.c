/* SPDX-License-Identifier: Apache-2.0 */
/* cmg token new|list|block|unblock: bulk registration tokens (PROTOCOL 4). The site does not keep them, only their ids.
 */
#include "ctl/check/token_check.h"
#include "ctl/command.h"
#include "ctl/request.h"
#include "ctl/secret.h"

struct new_options {
    struct ctl_common common;
    const char *lifetime, *out;
    uint64_t uses;
    struct opt_list networks, names;
    const char *collection;
    bool join;
};

static const struct opt new_opts[] = {
    {.name = "lifetime",
     .kind = OPT_TEXT,
     .offset = offsetof(struct new_options, lifetime),
     .value = "TIME",
     .help = "how long it may be used: 12h, 3d (default 3d, 7d at most)"},
    {.name = "uses",
     .kind = OPT_NUMBER,
     .offset = offsetof(struct new_options, uses),
     .value = "N",
     .help = "how many devices may register with it (default 1)",
     .min = 1,
     .max = 1000000},
    {.name = "network",
     .kind = OPT_LIST,
     .offset = offsetof(struct new_options, networks),
     .value = "NETWORK",
     .help = "only devices that come from there: 203.0.113.0/24, 2001:db8::/32; by commas or repeated"},
    {.name = "name",
     .kind = OPT_LIST,
     .offset = offsetof(struct new_options, names),
     .value = "PATTERN",
     .help = "only devices called so: KIOSK-*; by commas or repeated"},
    {.name = "collection",
     .kind = OPT_TEXT,
     .offset = offsetof(struct new_options, collection),
     .value = "NAME",
     .help = "new devices are listed in this collection"},
    {.name = "join",
     .kind = OPT_FLAG,
     .offset = offsetof(struct new_options, join),
     .help = "print a join string, in which the token is, and what a device must know of the site: for cmg-client join "
             "(then 24h are the default lifetime)"},
    {.name = "out",
     .kind = OPT_TEXT,
     .offset = offsetof(struct new_options, out),
     .value = "FILE",
     .help = "write the token there, mode 0600, instead of standard output"},
    CTL_OPT_JSON(struct new_options),
    CTL_OPT_SOCKET(struct new_options),
    CTL_OPT_END,
};

static int print_token(const struct new_options *o, json_t *answer)
{
    const char *token = json_opt_str(answer, "token", NULL);
    struct error err;
    if (!token) {
        (void)error_set(&err, R_INVALID, "the answer holds no token");
        return ctl_fail_error(&o->common, &err, "POST /v1/tokens", "use cmg and cmg-mp of the same version");
    }
    if (o->out) {
        if (!ctl_write_secret(&o->common, o->out, token))
            return CTL_FAILED;
        (void)json_object_del(answer, "token");
        (void)json_object_set_new(answer, "out", json_string(o->out));
    }
    if (o->common.json)
        ctl_print_answer(answer);
    else if (o->out)
        (void)printf("token written to %s\n", o->out);
    else
        (void)printf("%s\n", token);
    return CTL_DONE;
}

static int new_token(const void *options, const char **args UNUSED, size_t n UNUSED)
{
    const struct new_options *o = options;
    int64_t lifetime = 0;
    if (o->lifetime && !ctl_duration("lifetime", o->lifetime, &lifetime))
        return CTL_USAGE;
    if (!ctl_can_write(&o->common, o->out))
        return CTL_FAILED;
    json_t *body = json_object(), *answer;
    if (o->lifetime)
        (void)json_object_set_new(body, "lifetime_s", json_integer(lifetime));
    if (o->uses > 0)
        (void)json_object_set_new(body, "uses", json_integer((json_int_t)o->uses));
    if (o->networks.count)
        (void)json_object_set_new(body, "networks", ctl_words(&o->networks));
    if (o->names.count)
        (void)json_object_set_new(body, "names", ctl_words(&o->names));
    if (o->collection)
        (void)json_object_set_new(body, "collection", json_string(o->collection));
    if (o->join) {
        (void)json_object_set_new(body, "join", json_object());
        return ctl_post_for_join(&o->common, "/v1/tokens", body, CTL_JOIN_DEVICE, o->out);
    }
    int code = ctl_send(&o->common, "POST", "/v1/tokens", body, &answer);
    if (code != CTL_DONE)
        return code;
    code = print_token(o, answer);
    json_decref(answer);
    return code;
}

static const struct ctl_column columns[] = {{"ID", "id", CTL_TEXT, NULL},
                                            {"ISSUED", "issued", CTL_TIME, NULL},
                                            {"EXPIRES", "expires", CTL_TIME, NULL},
                                            {"USES", "uses", CTL_NUMBER, NULL},
                                            {"USED", "used", CTL_NUMBER, NULL},
                                            {"STATE", "state", CTL_STATE, NULL},
                                            {"NETWORKS", "networks", CTL_LIST, "any"},
                                            {"NAMES", "names", CTL_LIST, "any"},
                                            {"COLLECTION", "collection", CTL_TEXT, NULL},
                                            {NULL, NULL, CTL_TEXT, NULL}};

const struct ctl_command ctl_token_commands[] = {
    {"token new", "Make a bulk registration token",
     CTL_RUN(new_token, struct new_options, "cmg token new [options]",
             "Make a bulk registration token; it is shown once and not kept.", new_opts, 0, 0)},
    {"token list", "List the bulk registration tokens", NULL,
     CTL_PAGES("/v1/tokens", "tokens", columns, "no bulk tokens yet: cmg token new")},
    {"token check", "Would this token be let in, and if not, why?", .form = &ctl_token_check},
    {"token block", "Block a bulk registration token", NULL,
     CTL_DO("POST", "/v1/tokens/%s/block", "ID", "token %s blocked")},
    {"token unblock", "Allow a blocked token again", NULL,
     CTL_DO("POST", "/v1/tokens/%s/unblock", "ID", "token %s unblocked")},
    {NULL, NULL, NULL, NULL},
};
