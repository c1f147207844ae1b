/* SPDX-License-Identifier: Apache-2.0 */
/* cmg connector add|certificate|list|remove */
#include <stdlib.h>

#include "ctl/command.h"
#include "ctl/request.h"
#include "ctl/secret.h"

struct add_options {
    struct ctl_common common;
    const char *cert, *out;
    bool renew, revoke_old;
    struct ctl_join join;
};

static const struct opt add_opts[] = {
    {.name = "cert",
     .kind = OPT_TEXT,
     .offset = offsetof(struct add_options, cert),
     .value = "FILE",
     .help = "its PKI client certificate (PEM or DER): needed when an https management point has pki clients"},
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
         "with --renew, after a theft: what was issued before is withdrawn everywhere at once, the running connector's "
         "too: give it the new file and restart it"},
    CTL_OPT_JOIN(struct add_options, join,
                 "print a join string instead of a bootstrap file: its machine makes its own key and needs no more"),
    CTL_OPT_JSON(struct add_options),
    CTL_OPT_SOCKET(struct add_options),
    CTL_OPT_END,
};

static bool set_certificate(const struct ctl_common *common, const char *path, json_t *body)
{
    return ctl_put_certificates(common, path, "give the certificate alone, without its private key", body,
                                "certificate_pem");
}

static int add_connector(const void *options, const char **args, size_t n UNUSED)
{
    const struct add_options *o = options;
    if (o->revoke_old && !o->renew)
        return ctl_usage("--revoke-old goes with --renew");
    json_t *body =
        json_pack("{s:s, s:b, s:b}", "id", args[0], "renew", (int)o->renew, "revoke_old", (int)o->revoke_old);
    if (!body)
        return ctl_usage("the arguments must be UTF-8 text");
    if (o->cert && !set_certificate(&o->common, o->cert, body)) {
        json_decref(body);
        return CTL_FAILED;
    }
    if (!ctl_put_join(&o->join, body)) {
        json_decref(body);
        return CTL_USAGE;
    }
    if (o->join.join)
        return ctl_post_for_join(&o->common, "/v1/connectors", body, "cmg-connector join", o->out);
    const struct ctl_role role = {"connector", args[0], o->renew ? "renewed" : "added"};
    return ctl_add_with_bootstrap(&o->common, "/v1/connectors", body, &role, o->out);
}

struct certificate_options {
    struct ctl_common common;
};
static const struct opt certificate_opts[] = {CTL_OPT_JSON(struct certificate_options),
                                              CTL_OPT_SOCKET(struct certificate_options), CTL_OPT_END};

static int certificate(const void *options, const char **args, size_t n UNUSED)
{
    const struct certificate_options *o = options;
    json_t *body = json_object(), *answer;
    if (!set_certificate(&o->common, args[1], body)) {
        json_decref(body);
        return CTL_FAILED;
    }
    char *path = ctl_request_path("/v1/connectors/%s/certificate", args[0]);
    int code = ctl_send(&o->common, "PUT", path, body, &answer);
    free(path);
    if (code != CTL_DONE)
        return code;
    return ctl_tell(&o->common, answer,
                    "registered; let client_certificate in the connector's connector.yaml name it too, and restart "
                    "the connector; cmg status tells whether it passes");
}

static const struct ctl_column columns[] = {{"ID", "id", CTL_TEXT, NULL},
                                            {"LAST SEEN", "seen", CTL_TIME, "never"},
                                            {"CERTIFICATE UNTIL", "not_after", CTL_TIME, NULL},
                                            {"JOIN STRING UNTIL", "joining", CTL_TIME, NULL},
                                            {NULL, NULL, CTL_TEXT, NULL}};

const struct ctl_command ctl_connector_commands[] = {
    {"connector add", "Make a connector known and write its bootstrap file",
     CTL_RUN(add_connector, struct add_options, "cmg connector add ID [options]",
             "Make a connector known and write its bootstrap file.", add_opts, 1, 1)},
    {"connector certificate", "Register a connector's PKI client certificate",
     CTL_RUN(certificate, struct certificate_options, "cmg connector certificate ID FILE [options]",
             "Register the PKI client certificate (PEM or DER) that a connector shows from now on.", certificate_opts,
             2, 2)},
    {"connector list", "List the connectors and when they were last seen", NULL,
     CTL_ROWS("/v1/connectors", "connectors", columns, "no connectors yet: cmg connector add ID")},
    {"connector remove", "Remove a connector and withdraw its certificate", NULL,
     CTL_DO("DELETE", "/v1/connectors/%s", "ID", "connector %s removed; its certificate is withdrawn everywhere")},
    {NULL, NULL, NULL, NULL},
};
