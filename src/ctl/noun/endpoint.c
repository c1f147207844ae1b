/* SPDX-License-Identifier: Apache-2.0 */
/* cmg endpoint add|set|list|remove: internal servers that are published through the gateway. */
#include <stdlib.h>

#include "conf/units.h"
#include "ctl/command.h"
#include "ctl/request.h"
#include "ctl/secret.h"

struct add_options {
    struct ctl_common common;
    struct opt_list auth, methods, client_anchors;
    const char *url, *role, *name, *host, *anchors, *upstream_host, *headers, *max_body;
    bool encoded_slash, websocket, keep_host, x_forwarded;
};

#define TEXT(word, member_, value_, help_)                                                                             \
    {                                                                                                                  \
        .name = (word), .kind = OPT_TEXT, .offset = offsetof(struct add_options, member_), .value = (value_),          \
        .help = (help_)                                                                                                \
    }

/* What add and set share. */
#define SHARED                                                                                                         \
    {.name = "auth",                                                                                                   \
     .kind = OPT_LIST,                                                                                                 \
     .offset = offsetof(struct add_options, auth),                                                                     \
     .value = "METHODS",                                                                                               \
     .help = "who may pass: pki, token, entra; by commas or repeated (default pki,token)"},                            \
        {.name = "method",                                                                                             \
         .kind = OPT_LIST,                                                                                             \
         .offset = offsetof(struct add_options, methods),                                                              \
         .value = "METHODS",                                                                                           \
         .help = "HTTP methods that pass, by commas or repeated (default: any)"},                                      \
        TEXT("max-body", max_body, "SIZE", "largest request body: 64KiB, 1GiB (default 1MiB)"),                        \
        {.name = "headers",                                                                                            \
         .kind = OPT_CHOICE,                                                                                           \
         .offset = offsetof(struct add_options, headers),                                                              \
         .help =                                                                                                       \
             "what the server reads of a certificate beside Client-Cert (default cmg: nothing); puppet and hawkbit "   \
             "want --client-anchors where several anchors are trusted",                                                \
         .choices = "cmg|puppet|hawkbit"},                                                                             \
        {.name = "client-anchors",                                                                                     \
         .kind = OPT_LIST,                                                                                             \
         .offset = offsetof(struct add_options, client_anchors),                                                       \
         .value = "IDS",                                                                                               \
         .help = "devices' certificates count below these anchors alone (cmg trust list); by commas or repeated"},     \
        TEXT("anchors", anchors, "FILE", "CA certificates that the server's certificate is judged by"),                \
        TEXT("upstream-host", upstream_host, "NAME", "Host header towards the server (default: that of the URL)")

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
    SHARED,
    {.name = "keep-host",
     .kind = OPT_FLAG,
     .offset = offsetof(struct add_options, keep_host),
     .help = "with --host: the Host header towards the server is the name that the client asked for"},
    {.name = "x-forwarded",
     .kind = OPT_FLAG,
     .offset = offsetof(struct add_options, x_forwarded),
     .help = "the server gets X-Forwarded-For, -Host and -Proto beside Forwarded"},
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

/* A flag of add as set has it. */
#define YES_NO(word, member_, help_)                                                                                   \
    {                                                                                                                  \
        .name = (word), .kind = OPT_CHOICE, .offset = offsetof(struct set_options, member_), .choices = "yes|no",      \
        .help = (help_)                                                                                                \
    }

struct set_options {
    struct add_options as_add; /* first: what they share has the same offsets */
    const char *keep_host, *x_forwarded, *encoded_slash, *websocket;
};

static const struct opt set_opts[] = {
    TEXT("url", url, "URL", "the internal server, as the connector reaches it"),
    TEXT("role", role, "ID", "publish it by path, under this role id"),
    TEXT("name", name, "PATH", "by path: the segments behind the role id"),
    TEXT("host", host, "NAME", "publish it by this host name"),
    SHARED,
    YES_NO("keep-host", keep_host, "with --host: the Host header is the name that the client asked for"),
    YES_NO("x-forwarded", x_forwarded, "X-Forwarded-For, -Host and -Proto beside Forwarded"),
    YES_NO("allow-encoded-slash", encoded_slash, "%2f and // in paths pass as they are"),
    YES_NO("websocket", websocket, "requests may become WebSockets; no ends those that are open"),
    CTL_OPT_JSON(struct add_options),
    CTL_OPT_SOCKET(struct add_options),
    CTL_OPT_END,
};

static void set_text(json_t *body, const char *member, const char *text)
{
    if (text)
        (void)json_object_set_new(body, member, json_string(text));
}

static void set_words(json_t *body, const char *member, const struct opt_list *list)
{
    bool any = list->count == 1 && strcmp(list->items[0], "any") == 0;
    if (list->count)
        (void)json_object_set_new(body, member, any ? json_null() : ctl_words(list));
}

/* What add and set share, in the request's body; false with *ret_exit after a fault. */
static bool put_shared(const struct add_options *o, json_t *body, int *ret_exit)
{
    uint64_t max_body = 0;
    if (o->max_body && (!conf_parse_size(slice_of(o->max_body), &max_body) || max_body > INT64_MAX)) {
        *ret_exit = ctl_usage("--max-body: '%s' is no size; write 64KiB, 30MiB or 1GiB", o->max_body);
        return false;
    }
    set_text(body, "url", o->url);
    set_text(body, "host", o->host);
    set_text(body, "role", o->role);
    set_text(body, "name", o->name);
    set_text(body, "headers", o->headers);
    set_text(body, "upstream_host", o->upstream_host);
    set_words(body, "auth", &o->auth);
    set_words(body, "methods", &o->methods);
    set_words(body, "client_anchors", &o->client_anchors);
    if (o->max_body)
        (void)json_object_set_new(body, "max_body", json_integer((json_int_t)max_body));
    *ret_exit = CTL_FAILED;
    return !o->anchors || ctl_put_certificates(&o->common, o->anchors, CTL_REMEDY_CERTIFICATE, body, "anchors_pem");
}

static void set_flag(json_t *body, const char *member, bool on)
{
    if (on)
        (void)json_object_set_new(body, member, json_true());
}

/* What the options of add say as the request's body; NULL with *ret_exit after a fault. */
static json_t *make_body(const struct add_options *o, const char *id, int *ret_exit)
{
    json_t *body = json_object();
    if (!put_shared(o, body, ret_exit)) {
        json_decref(body);
        return NULL;
    }
    set_text(body, "id", id);
    if (!o->host && !o->role)
        set_text(body, "role", id);
    if (!o->host && !o->name)
        set_text(body, "name", "");
    if (!o->auth.count)
        (void)json_object_set_new(body, "auth", json_pack("[s, s]", "pki", "token"));
    set_flag(body, "keep_host", o->keep_host);
    set_flag(body, "x_forwarded", o->x_forwarded);
    set_flag(body, "allow_encoded_slash", o->encoded_slash);
    if (o->websocket)
        set_text(body, "upgrade", "websocket");
    return body;
}

static void set_yes_no(json_t *body, const char *member, const char *word)
{
    if (word)
        (void)json_object_set_new(body, member, json_boolean(strcmp(word, "yes") == 0));
}

static int set_endpoint(const void *options, const char **args, size_t n UNUSED)
{
    const struct set_options *o = options;
    int code;
    json_t *body = json_object(), *answer;
    if (!put_shared(&o->as_add, body, &code)) {
        json_decref(body);
        return code;
    }
    set_yes_no(body, "keep_host", o->keep_host);
    set_yes_no(body, "x_forwarded", o->x_forwarded);
    set_yes_no(body, "allow_encoded_slash", o->encoded_slash);
    if (o->websocket)
        (void)json_object_set_new(body, "upgrade",
                                  strcmp(o->websocket, "yes") == 0 ? json_string("websocket") : json_null());
    if (json_object_size(body) == 0) {
        json_decref(body);
        return ctl_usage("name what is to change, such as --max-body 30MiB");
    }
    char *path = ctl_request_path("/v1/endpoints/%s", args[0]);
    code = ctl_send(&o->as_add.common, "PATCH", path, body, &answer);
    free(path);
    return code == CTL_DONE ? ctl_tell(&o->as_add.common, answer, "endpoint %s changed", args[0]) : code;
}

static int add_endpoint(const void *options, const char **args, size_t n UNUSED)
{
    const struct add_options *o = options;
    int code;
    json_t *body = make_body(o, args[0], &code), *answer;
    if (!body)
        return code;
    code = ctl_send(&o->common, "POST", "/v1/endpoints", body, &answer);
    return code == CTL_DONE ? ctl_tell(&o->common, answer, "endpoint %s published", args[0]) : code;
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

const struct ctl_command ctl_endpoint_commands[] = {
    {"endpoint add", "Publish an internal server through the gateway",
     CTL_RUN(add_endpoint, struct add_options, "cmg endpoint add ID --url URL [options]",
             "Publish an internal server through the gateway.", add_opts, 1, 1)},
    {"endpoint set", "Change a published endpoint in place",
     CTL_RUN(set_endpoint, struct set_options, "cmg endpoint set ID [options]",
             "Change a published endpoint in place; what is not named stays. --method any and "
             "--client-anchors any take a limit away.",
             set_opts, 1, 1)},
    {"endpoint list", "List the published endpoints", NULL,
     CTL_ROWS("/v1/endpoints", "endpoints", columns, "no endpoints of your own yet: cmg endpoint add ID --url URL")},
    {"endpoint remove", "Publish an endpoint no longer", NULL,
     CTL_DO("DELETE", "/v1/endpoints/%s", "ID", "endpoint %s is published no longer")},
    {NULL, NULL, NULL, NULL},
};
