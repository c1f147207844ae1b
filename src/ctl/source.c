/* SPDX-License-Identifier: Apache-2.0 */
/* cmg source add|list|remove: where gateways get revocation lists and other people's keys, by name (PROTOCOL 3). */
#include "ctl/source.h"

#include <stdlib.h>

#include "ctl/api.h"
#include "ctl/request.h"
#include "ctl/secret.h"

struct add_options {
    struct ctl_common common;
    const char *kind, *url, *via, *refresh, *ca;
};

static const struct opt add_opts[] = {
    {.name = "kind",
     .kind = OPT_CHOICE,
     .offset = offsetof(struct add_options, kind),
     .value = "crl|ocsp|jwks|oidc",
     .choices = "crl|ocsp|jwks|oidc",
     .help = "what it gives (default crl)"},
    {.name = "url",
     .kind = OPT_TEXT,
     .offset = offsetof(struct add_options, url),
     .value = "URL",
     .help = "http://, https://; through a connector also ldap://, ldaps:// and file:///"},
    {.name = "via",
     .kind = OPT_CHOICE,
     .offset = offsetof(struct add_options, via),
     .value = "internet|connector",
     .choices = "internet|connector",
     .help = "who fetches it: the gateway itself (default for http and https), or a connector from inside"},
    {.name = "refresh",
     .kind = OPT_TEXT,
     .offset = offsetof(struct add_options, refresh),
     .value = "TIME",
     .help = "how often at least (default 1h); a list is always fetched again before it ends"},
    {.name = "source-ca",
     .kind = OPT_TEXT,
     .offset = offsetof(struct add_options, ca),
     .value = "FILE",
     .help = "https, ldaps: the CA of the source's server, PEM or DER (default: the CAs of the system that fetches)"},
    CTL_OPT_JSON(struct add_options),
    CTL_OPT_SOCKET(struct add_options),
    CTL_OPT_END,
};

static const struct ctl_column columns[] = {{"ID", "id", CTL_TEXT, NULL},   {"KIND", "kind", CTL_TEXT, NULL},
                                            {"VIA", "via", CTL_TEXT, NULL}, {"REFRESH", "refresh_s", CTL_NUMBER, NULL},
                                            {"URL", "url", CTL_TEXT, NULL}, {NULL, NULL, CTL_TEXT, NULL}};

static const char *default_via(const char *url)
{
    struct slice u = slice_of(url);
    return slice_starts_nocase(u, SLICE("http://")) || slice_starts_nocase(u, SLICE("https://")) ? "internet"
                                                                                                 : "connector";
}

static int send_it(const struct ctl_common *common, const json_t *body)
{
    struct ctl_fault fault;
    json_t *answer = NULL;
    if (api_call(api_socket(common), "POST", "/v1/sources", body, &answer, &fault) != OK)
        return ctl_fail(common, &fault);
    if (common->json) {
        ctl_print_answer(answer);
    } else {
        json_t *list = json_pack("[O]", json_object_get(answer, "source"));
        ctl_table(stdout, list, columns, "");
        json_decref(list);
    }
    json_decref(answer);
    return CTL_DONE;
}

static bool put_ca(const struct ctl_common *common, const char *path, json_t *body)
{
    char *data, *pem = NULL;
    size_t len;
    struct error err;
    if (!ctl_read_file(common, path, &data, &len))
        return false;
    enum result r = ctl_certificates_pem(slice_make(data, len), &pem, &err);
    free(data);
    if (r != OK) {
        (void)ctl_fail_error(common, &err, path, "--source-ca names CA certificates, PEM or DER");
        return false;
    }
    (void)json_object_set_new(body, "ca_pem", json_string(pem));
    free(pem);
    return true;
}

int ctl_source_add(const struct ctl_common *common, const struct ctl_source *s)
{
    int64_t refresh = 0;
    if (!s->url)
        return ctl_usage("source %s: where is it? --url URL", s->id);
    if (s->refresh && !ctl_duration("refresh", s->refresh, &refresh))
        return CTL_USAGE;
    json_t *body = json_pack("{s:s, s:s, s:s, s:s, s:I}", "id", s->id, "kind", s->kind, "url", s->url, "via",
                             s->via ? s->via : default_via(s->url), "refresh_s", (json_int_t)refresh);
    if (!body)
        return ctl_usage("source %s: the name or the URL is not UTF-8", s->id);
    int code = !s->ca || put_ca(common, s->ca, body) ? send_it(common, body) : CTL_FAILED;
    json_decref(body);
    return code;
}

static int add(int argc, char **argv)
{
    static const struct opt_command cmd = {"cmg source add ID --url URL [options]",
                                           "Name where a revocation list or an OpenID provider's keys come from.",
                                           add_opts, 1, 1};
    struct add_options o = {0};
    const char **args;
    size_t n;
    int code;
    if (!ctl_parse(&cmd, argc, argv, &o, &args, &n, &code))
        return code;
    struct ctl_source s = {args[0], o.kind ? o.kind : "crl", o.url, o.via, o.refresh, o.ca};
    return ctl_source_add(&o.common, &s);
}

static const struct ctl_request list = {.usage = "cmg source list [options]",
                                        .method = "GET",
                                        .path = "/v1/sources",
                                        .member = "sources",
                                        .columns = columns,
                                        .empty = "no sources yet: cmg trust add --crl-source ID --url URL",
                                        .is_list = true};
static const struct ctl_request remove_it = {.usage = "cmg source remove ID [options]",
                                             .method = "DELETE",
                                             .path = "/v1/sources/%s",
                                             .done = "source %s is used no longer"};

const struct ctl_command ctl_source_commands[] = {
    {"source add", "Name where a CRL or an OpenID provider's keys come from", add, NULL},
    {"source list", "List the named sources", NULL, &list},
    {"source remove", "Fetch one of them no longer", NULL, &remove_it},
    {NULL, NULL, NULL, NULL},
};
