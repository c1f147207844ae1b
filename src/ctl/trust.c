/* SPDX-License-Identifier: Apache-2.0 */
/* cmg trust add|list|remove: the PKI that device certificates are judged by. */
#include <stdlib.h>

#include "ctl/api.h"
#include "ctl/request.h"
#include "ctl/secret.h"
#include "ctl/source.h"
#include "ctl/trust_check.h"

struct add_options {
    struct ctl_common common;
    struct opt_list anchors, intermediates, crls, fetch_hosts;
    const char *crl_source, *ocsp_source, *url, *via, *refresh, *source_ca;
};

#define FILES(word, member_, help_)                                                                                    \
    {                                                                                                                  \
        .name = (word), .kind = OPT_LIST, .offset = offsetof(struct add_options, member_), .value = "FILE",            \
        .help = (help_)                                                                                                \
    }

#define TEXT(word, member_, value_, help_)                                                                             \
    {                                                                                                                  \
        .name = (word), .kind = OPT_TEXT, .offset = offsetof(struct add_options, member_), .value = (value_),          \
        .help = (help_)                                                                                                \
    }

static const struct opt add_opts[] = {
    FILES("anchor", anchors, "a root certificate, PEM or DER; may repeat"),
    FILES("intermediate", intermediates, "an intermediate certificate, PEM or DER; may repeat"),
    FILES("crl", crls, "a certificate revocation list, PEM or DER; may repeat"),
    {.name = "fetch-host",
     .kind = OPT_LIST,
     .offset = offsetof(struct add_options, fetch_hosts),
     .value = "HOST[:PORT]",
     .help = "with --anchor: gateways fetch lists from there that certificates below it point to; may repeat"},
    TEXT("crl-source", crl_source, "ID", "instead: fetch a revocation list from --url, under this name"),
    TEXT("ocsp-source", ocsp_source, "ID", "instead: ask the OCSP responder at --url, under this name"),
    TEXT("url", url, "URL", "of the source: http, https; via connector also ldap, ldaps, file"),
    {.name = "via",
     .kind = OPT_CHOICE,
     .offset = offsetof(struct add_options, via),
     .value = "internet|connector",
     .choices = "internet|connector",
     .help = "who fetches it: the gateway itself (default for http and https), or a connector from inside"},
    TEXT("source-ca", source_ca, "FILE", "the CA of the source's server, PEM or DER (default: the system's CAs)"),
    TEXT("refresh", refresh, "TIME", "fetch the list this often at least (default 1h)"),
    CTL_OPT_JSON(struct add_options),
    CTL_OPT_SOCKET(struct add_options),
    CTL_OPT_END,
};

/* Sends one file; its answer is appended to `answers`. */
static int add_file(const struct add_options *o, const char *kind, const char *path, json_t *answers)
{
    const struct ctl_common *common = &o->common;
    char *data, *text = NULL;
    size_t len;
    struct error err;
    if (!ctl_read_file(common, path, &data, &len))
        return CTL_FAILED;
    bool is_crl = strcmp(kind, "crl") == 0;
    enum result r = is_crl ? ctl_crl_base64(slice_make(data, len), &text, &err)
                           : ctl_certificates_pem(slice_make(data, len), &text, &err);
    free(data);
    if (r != OK)
        return ctl_fail_error(common, &err, path,
                              is_crl ? "give the CA's list, PEM or DER; a certificate is added with --anchor FILE or "
                                       "--intermediate FILE"
                                     : "give a CA's certificate, PEM or DER; a CRL is added with --crl FILE");
    json_t *body = json_pack("{s:s, s:s}", "kind", kind, "data", text), *answer = NULL;
    free(text);
    if (strcmp(kind, "anchor") == 0 && o->fetch_hosts.count)
        (void)json_object_set_new(body, "fetch_hosts", ctl_words(&o->fetch_hosts));
    struct ctl_fault fault;
    r = api_call(api_socket(common), "POST", "/v1/trust", body, &answer, &fault);
    json_decref(body);
    if (r != OK) {
        size_t at = strlen(fault.where);
        (void)snprintf(fault.where + at, sizeof fault.where - at, " (%s)", path);
        return ctl_fail(common, &fault);
    }
    (void)json_array_append_new(answers, answer);
    return CTL_DONE;
}

static const struct ctl_column columns[] = {{"ID", "id", CTL_TEXT, NULL},
                                            {"KIND", "kind", CTL_TEXT, NULL},
                                            {"SUBJECT", "subject", CTL_TEXT, NULL},
                                            {"UNTIL", "not_after", CTL_TIME, NULL},
                                            {"LISTS FROM", "fetch_hosts", CTL_LIST, "-"},
                                            {NULL, NULL, CTL_TEXT, NULL}};

static int add_all(const struct add_options *o, json_t *answers)
{
    const struct {
        const char *kind;
        const struct opt_list *files;
    } kinds[] = {{"anchor", &o->anchors}, {"intermediate", &o->intermediates}, {"crl", &o->crls}};
    for (size_t k = 0; k < ARRAY_LEN(kinds); k++) {
        for (size_t i = 0; i < kinds[k].files->count; i++) {
            int code = add_file(o, kinds[k].kind, kinds[k].files->items[i], answers);
            if (code != CTL_DONE)
                return code;
        }
    }
    return CTL_DONE;
}

static int add_source(const struct add_options *o)
{
    if ((o->crl_source && o->ocsp_source) || o->anchors.count + o->intermediates.count + o->crls.count > 0)
        return ctl_usage("one source at a time, and no files beside it");
    struct ctl_source s = {o->crl_source ? o->crl_source : o->ocsp_source,
                           o->crl_source ? "crl" : "ocsp",
                           o->url,
                           o->via,
                           o->refresh,
                           o->source_ca};
    return ctl_source_add(&o->common, &s);
}

static int add(int argc, char **argv)
{
    static const struct opt_command cmd = {"cmg trust add --anchor|--intermediate|--crl FILE … [options]",
                                           "Trust a PKI for device certificates, or take its revocation list.",
                                           add_opts, 0, 0};
    struct add_options o = {0};
    const char **args;
    size_t n;
    int code;
    if (!ctl_parse(&cmd, argc, argv, &o, &args, &n, &code))
        return code;
    if (o.crl_source || o.ocsp_source)
        return add_source(&o);
    if (o.anchors.count + o.intermediates.count + o.crls.count == 0)
        return ctl_usage("nothing to add; usage: %s", cmd.usage);
    if (o.fetch_hosts.count && !o.anchors.count)
        return ctl_usage("--fetch-host goes with --anchor; for one that is there: cmg trust fetch-hosts ID HOST…");
    json_t *answers = json_array();
    code = add_all(&o, answers);
    if (code == CTL_DONE && o.common.json) {
        json_t *whole = json_pack("{s:O}", "trust", answers);
        ctl_print_answer(whole);
        json_decref(whole);
    } else if (code == CTL_DONE) {
        ctl_table(stdout, answers, columns, "");
    }
    json_decref(answers);
    return code;
}

static int fetch_hosts(int argc, char **argv)
{
    static const struct opt opts[] = {CTL_OPT_JSON(struct add_options), CTL_OPT_SOCKET(struct add_options),
                                      CTL_OPT_END};
    static const struct opt_command cmd = {
        "cmg trust fetch-hosts ID [HOST[:PORT]…] [options]",
        "From which hosts, and no others, gateways fetch the revocation lists that certificates below this anchor "
        "point to (http; no redirects). None named: they follow none of these pointers.",
        opts, 1, 17};
    struct add_options o = {0};
    const char **args;
    size_t n;
    int code;
    if (!ctl_parse(&cmd, argc, argv, &o, &args, &n, &code))
        return code;
    json_t *hosts = json_array(), *answer;
    for (size_t i = 1; i < n; i++)
        (void)json_array_append_new(hosts, json_string(args[i]));
    char *path = ctl_request_path("/v1/trust/%s/fetch-hosts", args[0]);
    code = ctl_send(&o.common, "PUT", path, json_pack("{s:o}", "fetch_hosts", hosts), &answer);
    free(path);
    if (code != CTL_DONE)
        return code;
    char *text = ctl_cell_text(json_object_get(answer, "fetch_hosts"), CTL_LIST, "nowhere");
    code = ctl_tell(&o.common, answer, "lists that certificates below %.16s… point to are fetched from: %s", args[0],
                    text);
    free(text);
    return code;
}

static const struct ctl_request list = {.usage = "cmg trust list [options]",
                                        .method = "GET",
                                        .path = "/v1/trust",
                                        .member = "trust",
                                        .columns = columns,
                                        .empty = "no PKI is trusted yet: cmg trust add --anchor FILE",
                                        .is_list = true};
static const struct ctl_request remove_it = {.usage = "cmg trust remove ID [options]",
                                             .method = "DELETE",
                                             .path = "/v1/trust/%s",
                                             .done = "%s is trusted no longer"};

const struct ctl_command ctl_trust_commands[] = {
    {"trust add", "Trust a PKI for device certificates, or take its CRL", add, NULL},
    {"trust check", "Is that enough for a device with this certificate?", ctl_trust_check, NULL},
    {"trust fetch-hosts", "Whence lists may come that certificates point to", fetch_hosts, NULL},
    {"trust list", "List anchors, intermediates and CRLs", NULL, &list},
    {"trust remove", "Trust one of them no longer", NULL, &remove_it},
    {NULL, NULL, NULL, NULL},
};
