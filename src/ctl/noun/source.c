/* SPDX-License-Identifier: Apache-2.0 */
/* cmg source add|list|remove: where gateways get revocation lists and other people's keys, by name (PROTOCOL 3). */
#include "ctl/noun/source.h"

#include "ctl/command.h"
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
     .help = "http://, https://; through a connector also ldap://, ldaps:// and file:///; ldap:///NAME is asked of the "
             "servers that connector.yaml names (directory)"},
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
     .help = "how often at least (default 1h); a list is always fetched again before it expires"},
    {.name = "source-ca",
     .kind = OPT_TEXT,
     .offset = offsetof(struct add_options, ca),
     .value = "FILE",
     .help = "https, ldaps: the CA of the source's server, PEM or DER (default: the CAs of the system that fetches)"},
    CTL_OPT_JSON(struct add_options),
    CTL_OPT_SOCKET(struct add_options),
    CTL_OPT_END,
};

static const struct ctl_column columns[] = {
    {"ID", "id", CTL_TEXT, NULL},   {"KIND", "kind", CTL_TEXT, NULL},
    {"VIA", "via", CTL_TEXT, NULL}, {"REFRESH", "refresh_s", CTL_DURATION, "default"},
    {"URL", "url", CTL_TEXT, NULL}, {NULL, NULL, CTL_TEXT, NULL}};

static const char *default_via(const char *url)
{
    struct slice u = slice_of(url);
    return slice_starts_nocase(u, SLICE("http://")) || slice_starts_nocase(u, SLICE("https://")) ? "internet"
                                                                                                 : "connector";
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
    if (s->ca &&
        !ctl_put_certificates(common, s->ca, "--source-ca names CA certificates, PEM or DER", body, "ca_pem")) {
        json_decref(body);
        return CTL_FAILED;
    }
    json_t *answer;
    int code = ctl_send(common, "POST", "/v1/sources", body, &answer);
    return code == CTL_DONE ? ctl_tell_row(common, answer, "source", columns) : code;
}

static int add_source(const void *options, const char **args, size_t n UNUSED)
{
    const struct add_options *o = options;
    struct ctl_source s = {args[0], o->kind ? o->kind : "crl", o->url, o->via, o->refresh, o->ca};
    return ctl_source_add(&o->common, &s);
}

const struct ctl_command ctl_source_commands[] = {
    {"source add", "Name where a CRL or an OpenID provider's keys come from",
     CTL_RUN(add_source, struct add_options, "cmg source add ID --url URL [options]",
             "Name where a revocation list or an OpenID provider's keys come from.", add_opts, 1, 1)},
    {"source list", "List the named sources", NULL,
     CTL_ROWS("/v1/sources", "sources", columns, "no sources yet: cmg trust add --crl-source ID --url URL")},
    {"source remove", "Fetch one of them no longer", NULL,
     CTL_DO("DELETE", "/v1/sources/%s", "ID", "source %s is used no longer")},
    {NULL, NULL, NULL, NULL},
};
