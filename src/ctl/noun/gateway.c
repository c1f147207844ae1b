/* SPDX-License-Identifier: Apache-2.0 */
/* cmg gateway add|list|remove */
#include "ctl/command.h"
#include "ctl/request.h"
#include "ctl/secret.h"

enum { PORT_DEFAULT = 443 };

struct add_options {
    struct ctl_common common;
    const char *host, *out;
    uint64_t port;
    bool renew, revoke_old;
    struct ctl_join join;
};

static const struct opt add_opts[] = {
    {.name = "host",
     .kind = OPT_TEXT,
     .offset = offsetof(struct add_options, host),
     .value = "NAME",
     .help = "the gateway's public name; with --renew: another one than before"},
    {.name = "port",
     .kind = OPT_NUMBER,
     .offset = offsetof(struct add_options, port),
     .value = "N",
     .help = "its port (default 443; with --renew: as before)",
     .min = 1,
     .max = 65535},
    {.name = "out",
     .kind = OPT_TEXT,
     .offset = offsetof(struct add_options, out),
     .value = "FILE",
     .help = "write the bootstrap file (or join string) there, mode 0600, instead of standard output"},
    {.name = "renew",
     .kind = OPT_FLAG,
     .offset = offsetof(struct add_options, renew),
     .help = "it is known already: write another bootstrap file with a new role certificate; the old one counts "
             "until it expires"},
    {.name = "revoke-old",
     .kind = OPT_FLAG,
     .offset = offsetof(struct add_options, revoke_old),
     .help =
         "with --renew, after a theft: what was issued before is withdrawn everywhere at once, the running gateway's "
         "too: give it the new file and restart it"},
    CTL_OPT_JOIN(struct add_options, join,
                 "print a join string instead of a bootstrap file: its machine makes its own key and needs no more"),
    CTL_OPT_JSON(struct add_options),
    CTL_OPT_SOCKET(struct add_options),
    CTL_OPT_END,
};

static int add_gateway(const void *options, const char **args, size_t n UNUSED)
{
    const struct add_options *o = options;
    if (o->revoke_old && !o->renew)
        return ctl_usage("--revoke-old goes with --renew");
    if (!o->host && !o->renew && !o->join.join)
        return ctl_usage("--host NAME is missing: the name under which clients reach the gateway");
    json_t *body = json_pack("{s:s, s:s*, s:b, s:b}", "id", args[0], "host", o->host, "renew", (int)o->renew,
                             "revoke_old", (int)o->revoke_old);
    if (!body)
        return ctl_usage("the arguments must be UTF-8 text");
    if (o->port || (!o->renew && !o->join.join))
        (void)json_object_set_new(body, "port", json_integer((json_int_t)(o->port ? o->port : PORT_DEFAULT)));
    if (!ctl_put_join(&o->join, body)) {
        json_decref(body);
        return CTL_USAGE;
    }
    if (o->join.join)
        return ctl_post_for_join(&o->common, "/v1/gateways", body, "cmg-gateway join", o->out);
    const struct ctl_role role = {"gateway", args[0], o->renew ? "renewed" : "added"};
    return ctl_add_with_bootstrap(&o->common, "/v1/gateways", body, &role, o->out);
}

static const struct ctl_column columns[] = {{"ID", "id", CTL_TEXT, NULL},
                                            {"HOST", "host", CTL_TEXT, NULL},
                                            {"PORT", "port", CTL_NUMBER, NULL},
                                            {"CERTIFICATE UNTIL", "not_after", CTL_TIME, NULL},
                                            {"JOIN STRING UNTIL", "joining", CTL_TIME, NULL},
                                            {NULL, NULL, CTL_TEXT, NULL}};

const struct ctl_command ctl_gateway_commands[] = {
    {"gateway add", "Make a gateway known and write its bootstrap file",
     CTL_RUN(add_gateway, struct add_options, "cmg gateway add ID --host NAME [options]",
             "Make a gateway known and write its bootstrap file.", add_opts, 1, 1)},
    {"gateway list", "List the gateways", NULL,
     CTL_ROWS("/v1/gateways", "gateways", columns, "no gateways yet: cmg gateway add ID --host NAME")},
    {"gateway remove", "Remove a gateway and withdraw its certificate", NULL,
     CTL_DO("DELETE", "/v1/gateways/%s", "ID", "gateway %s removed; its certificate is withdrawn everywhere")},
    {NULL, NULL, NULL, NULL},
};
