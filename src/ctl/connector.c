/* SPDX-License-Identifier: Apache-2.0 */
/* cmg connector add|list|remove */
#include <stdlib.h>

#include "ctl/api.h"
#include "ctl/request.h"
#include "ctl/secret.h"

struct add_options {
    struct ctl_common common;
    const char *cert, *out;
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
     .help = "write the bootstrap file there, mode 0600, instead of standard output"},
    CTL_OPT_JSON(struct add_options),
    CTL_OPT_SOCKET(struct add_options),
    CTL_OPT_END,
};

/* Puts the certificate file's PEM into the body. */
static bool set_certificate(const struct add_options *o, json_t *body)
{
    char *data, *pem = NULL;
    size_t len;
    if (!ctl_read_file(&o->common, o->cert, &data, &len))
        return false;
    struct error err;
    enum result r = ctl_certificates_pem(slice_make(data, len), &pem, &err);
    free(data);
    if (r != OK) {
        (void)ctl_fail_error(&o->common, &err, o->cert, "give the certificate alone, without its private key");
        return false;
    }
    (void)json_object_set_new(body, "certificate_pem", json_string(pem));
    free(pem);
    return true;
}

static int add(int argc, char **argv)
{
    static const struct opt_command cmd = {"cmg connector add ID [options]",
                                           "Make a connector known and write its bootstrap file.", add_opts, 1, 1};
    struct add_options o = {0};
    const char **args;
    size_t n;
    int code;
    if (!ctl_parse(&cmd, argc, argv, &o, &args, &n, &code))
        return code;
    json_t *body = json_pack("{s:s}", "id", args[0]);
    if (!body)
        return ctl_usage("the arguments must be UTF-8 text");
    if (o.cert && !set_certificate(&o, body)) {
        json_decref(body);
        return CTL_FAILED;
    }
    return ctl_add_with_bootstrap(&o.common, "/v1/connectors", body, "connector", args[0], o.out);
}

static const struct ctl_column columns[] = {{"ID", "id", CTL_TEXT, NULL},
                                            {"LAST SEEN", "seen", CTL_TIME, "never"},
                                            {"CERTIFICATE UNTIL", "not_after", CTL_TIME, NULL},
                                            {NULL, NULL, CTL_TEXT, NULL}};
static const struct ctl_request list = {.usage = "cmg connector list [options]",
                                        .method = "GET",
                                        .path = "/v1/connectors",
                                        .member = "connectors",
                                        .columns = columns,
                                        .empty = "no connectors yet: cmg connector add ID",
                                        .is_list = true};
static const struct ctl_request remove_it = {.usage = "cmg connector remove ID [options]",
                                             .method = "DELETE",
                                             .path = "/v1/connectors/%s",
                                             .done = "connector %s removed; its certificate is withdrawn everywhere"};

const struct ctl_command ctl_connector_commands[] = {
    {"connector add", "Make a connector known and write its bootstrap file", add, NULL},
    {"connector list", "List the connectors and when they were last seen", NULL, &list},
    {"connector remove", "Remove a connector and withdraw its certificate", NULL, &remove_it},
    {NULL, NULL, NULL, NULL},
};
