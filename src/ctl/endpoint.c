/* SPDX-License-Identifier: Apache-2.0 */
/* cmg endpoint add|list|remove: internal servers that are published through the gateway. */
#include "conf/units.h"
#include "ctl/request.h"
#include "ctl/secret.h"

struct add_options {
    struct ctl_common common;
    struct opt_list auth, methods, client_anchors;
    const char *url, *role, *name, *host, *anchors, *upstream_host, *headers, *max_body;
    bool encoded_slash, websocket;
};

#define TEXT(word, member_, value_, help_)                                                                             \
    {                                                                                                                  \
        .name = (word), .kind = OPT_TEXT, .offset = offsetof(struct add_options, member_), .value = (value_),          \
        .help = (help_)                                                                                                \
    }

static const struct opt add_opts[] = {
    {.name = "url",
     .kind = OPT_TEXT,
     .offset = offsetof(struct add_options, url),
     .value = "URL",
     .help = "the internal server, as the connector reaches it",
     .required = true},
    TEXT("role", role, "ID", "publish it by path, under this role id (default: the endpoint's id, unless --host)"),
    TEXT("name", name, "PATH", "by path: the segments behind the role id (default: everything under it)"),
    TEXT("host", host, "NAME", "publish it by this host name"),
    {.name = "auth",
     .kind = OPT_LIST,
     .offset = offsetof(struct add_options, auth),
     .value = "METHODS",
     .help = "who may pass: pki, token, entra; by commas or repeated (default pki,token)"},
    {.name = "method",
     .kind = OPT_LIST,
     .offset = offsetof(struct add_options, methods),
     .value = "METHODS",
     .help = "HTTP methods that pass, by commas or repeated (default: any)"},
    TEXT("max-body", max_body, "SIZE", "largest request body: 64KiB, 1GiB"),
    {.name = "headers",
     .kind = OPT_CHOICE,
     .offset = offsetof(struct add_options, headers),
     .help = "the form in which the server gets the device's identity",
     .choices = "cmg|puppet|hawkbit"},
    {.name = "client-anchors",
     .kind = OPT_LIST,
     .offset = offsetof(struct add_options, client_anchors),
     .value = "IDS",
     .help = "devices' certificates count below these anchors alone (cmg trust list); by commas or repeated"},
    TEXT("anchors", anchors, "FILE", "CA certificates that the server's certificate is judged by"),
    TEXT("upstream-host", upstream_host, "NAME", "Host header towards the server (default: that of the URL)"),
    {.name = "allow-encoded-slash",
     .kind = OPT_FLAG,
     .offset = offsetof(struct add_options, encoded_slash),
     .help = "%2f and // in paths pass as they are, for a server that means something by them"},
    {.name = "websocket",
     .kind = OPT_FLAG,
     .offset = offsetof(struct add_options, websocket),
     .help = "requests may become WebSockets (else an Upgrade is left out)"},
    CTL_OPT_JSON(struct add_options),
    CTL_OPT_SOCKET(struct add_options),
    CTL_OPT_END,
};

static void set_text(json_t *body, const char *member, const char *text)
{
    if (text)
        (void)json_object_set_new(body, member, json_string(text));
}

/* What the options say as the request's body; NULL with *ret_exit after a fault. */
static json_t *make_body(const struct add_options *o, const char *id, int *ret_exit)
{
    uint64_t max_body = 0;
    if (o->max_body && (!conf_parse_size(slice_of(o->max_body), &max_body) || max_body > INT64_MAX)) {
        *ret_exit = ctl_usage("--max-body: '%s' is no size; write 64KiB, 30MiB or 1GiB", o->max_body);
        return NULL;
    }
    json_t *body = json_object();
    set_text(body, "id", id);
    set_text(body, "url", o->url);
    set_text(body, "host", o->host);
    if (!o->host || o->role)
        set_text(body, "role", o->role ? o->role : id);
    if (!o->host || o->name)
        set_text(body, "name", o->name ? o->name : "");
    set_text(body, "headers", o->headers);
    set_text(body, "upstream_host", o->upstream_host);
    json_t *auth = o->auth.count ? ctl_words(&o->auth) : NULL,
           *methods = o->methods.count ? ctl_words(&o->methods) : NULL;
    (void)json_object_set_new(body, "auth", auth ? auth : json_pack("[s, s]", "pki", "token"));
    if (methods)
        (void)json_object_set_new(body, "methods", methods);
    if (o->encoded_slash)
        (void)json_object_set_new(body, "allow_encoded_slash", json_true());
    if (o->websocket)
        set_text(body, "upgrade", "websocket");
    if (o->client_anchors.count)
        (void)json_object_set_new(body, "client_anchors", ctl_words(&o->client_anchors));
    if (o->max_body)
        (void)json_object_set_new(body, "max_body", json_integer((json_int_t)max_body));
    *ret_exit = CTL_FAILED;
    if (o->anchors && !ctl_put_certificates(&o->common, o->anchors, CTL_REMEDY_CERTIFICATE, body, "anchors_pem")) {
        json_decref(body);
        return NULL;
    }
    return body;
}

static int add(int argc, char **argv)
{
    static const struct opt_command cmd = {"cmg endpoint add ID --url URL [options]",
                                           "Publish an internal server through the gateway.", add_opts, 1, 1};
    struct add_options o = {0};
    const char **args;
    size_t n;
    int code;
    if (!ctl_parse(&cmd, argc, argv, &o, &args, &n, &code))
        return code;
    json_t *body = make_body(&o, args[0], &code), *answer;
    if (!body)
        return code;
    code = ctl_send(&o.common, "POST", "/v1/endpoints", body, &answer);
    return code == CTL_DONE ? ctl_tell(&o.common, answer, "endpoint %s published", args[0]) : code;
}

static const struct ctl_column columns[] = {{"ID", "id", CTL_TEXT, NULL},
                                            {"ROLE", "role", CTL_TEXT, NULL},
                                            {"NAME", "name", CTL_TEXT, NULL},
                                            {"HOST", "host", CTL_TEXT, NULL},
                                            {"AUTH", "auth", CTL_LIST, NULL},
                                            {"METHODS", "methods", CTL_LIST, "any"},
                                            {"MAX BODY", "max_body", CTL_NUMBER, NULL},
                                            {"URL", "url", CTL_TEXT, NULL},
                                            {NULL, NULL, CTL_TEXT, NULL}};
static const struct ctl_request list = {.usage = "cmg endpoint list [options]",
                                        .method = "GET",
                                        .path = "/v1/endpoints",
                                        .member = "endpoints",
                                        .columns = columns,
                                        .empty = "no endpoints of your own yet: cmg endpoint add ID --url URL",
                                        .is_list = true};
static const struct ctl_request remove_it = {.usage = "cmg endpoint remove ID [options]",
                                             .method = "DELETE",
                                             .path = "/v1/endpoints/%s",
                                             .done = "endpoint %s is published no longer"};

const struct ctl_command ctl_endpoint_commands[] = {
    {"endpoint add", "Publish an internal server through the gateway", add, NULL},
    {"endpoint list", "List the published endpoints", NULL, &list},
    {"endpoint remove", "Publish an endpoint no longer", NULL, &remove_it},
    {NULL, NULL, NULL, NULL},
};
