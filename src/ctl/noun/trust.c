/* SPDX-License-Identifier: Apache-2.0 */
/* cmg trust add|list|remove: the PKI that device certificates are judged by. */
#include <stdlib.h>

#include "base/host/file.h"
#include "base/mem.h"
#include "base/text/encode.h"
#include "ctl/api.h"
#include "ctl/check/trust_check.h"
#include "ctl/command.h"
#include "ctl/files.h"
#include "ctl/noun/source.h"
#include "ctl/request.h"
#include "ctl/secret.h"
#include "pki/list/read.h"

enum { LISTS_MAX = 256 };

struct add_options {
    struct ctl_common common;
    struct opt_list anchors, intermediates, crls, fetch_hosts;
    const char *crl_source, *ocsp_source, *url, *via, *refresh, *source_ca;
};

#define FILES(word, member_, help_)                                                                                    \
    {                                                                                                                  \
        .name = (word), .kind = OPT_LIST, .offset = offsetof(struct add_options, member_), .value = "FILE|DIR",        \
        .help = (help_)                                                                                                \
    }

#define TEXT(word, member_, value_, help_)                                                                             \
    {                                                                                                                  \
        .name = (word), .kind = OPT_TEXT, .offset = offsetof(struct add_options, member_), .value = (value_),          \
        .help = (help_)                                                                                                \
    }

static const struct opt add_opts[] = {
    FILES("anchor", anchors, "a root certificate, or several: PEM, DER, or a folder of such files; may repeat"),
    FILES("intermediate", intermediates, "an intermediate certificate, or several, as above; may repeat"),
    FILES("crl", crls, "a certificate revocation list, or several, as above, up to 16 MiB; may repeat"),
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

static const struct ctl_column columns[] = {{"ID", "id", CTL_TEXT, NULL},
                                            {"KIND", "kind", CTL_TEXT, NULL},
                                            {"SUBJECT", "subject", CTL_TEXT, NULL},
                                            {"SCOPE", "scope", CTL_TEXT, "-"},
                                            {"NUMBER", "number", CTL_TEXT, "-"},
                                            {"UNTIL", "not_after", CTL_TIME, NULL},
                                            {"LISTS FROM", "fetch_hosts", CTL_LIST, "-"},
                                            {NULL, NULL, CTL_TEXT, NULL}};

/* --- uploading --- */

/* What is added goes in one by one: one that is refused keeps no other one out. */
struct adding {
    const struct add_options *o;
    const char *kind;
    json_t *rows; /* one for each certificate and list */
    size_t files;
    int code;
};

static void warn(const struct adding *a, const char *path, const json_t *row)
{
    const json_t *text;
    size_t i;
    json_array_foreach(json_object_get(row, "warnings"), i, text) {
        if (json_is_string(text) && !a->o->common.json)
            (void)fprintf(stderr, "%swarning: %s, %s: %s%s\n", term_on(stderr, TERM_YELLOW), path,
                          json_opt_str(row, "subject", ""), json_string_value(text), term_off(stderr));
    }
}

/* Takes `body`. */
static void send_it(struct adding *a, const char *path, json_t *body)
{
    json_t *answer = NULL, *row;
    struct ctl_fault fault;
    size_t i;
    enum result r = api_call(api_socket(&a->o->common), "POST", "/v1/trust", body, &answer, &fault);
    json_decref(body);
    if (r != OK) {
        size_t at = strlen(fault.where);
        (void)snprintf(fault.where + at, sizeof fault.where - at, " (%s)", path);
        a->code = ctl_fail(&a->o->common, &fault);
        return;
    }
    json_array_foreach(json_object_get(answer, "added"), i, row) {
        warn(a, path, row);
        (void)json_array_append(a->rows, row);
    }
    json_decref(answer);
}

static void send_certificates(struct adding *a, const char *path, struct slice data)
{
    char *text = NULL;
    struct error err;
    if (ctl_certificates_pem(data, &text, &err) != OK) {
        a->code = ctl_fail_error(&a->o->common, &err, path,
                                 "give a CA's certificates, PEM or DER; a CRL is added with --crl FILE");
        return;
    }
    json_t *body = json_pack("{s:s, s:s}", "kind", a->kind, "data", text);
    free(text);
    if (strcmp(a->kind, "anchor") == 0 && a->o->fetch_hosts.count)
        (void)json_object_set_new(body, "fetch_hosts", ctl_words(&a->o->fetch_hosts));
    send_it(a, path, body);
}

static void send_lists(struct adding *a, const char *path, struct slice data)
{
    struct slice *list;
    size_t count;
    struct error err;
    if (pki_crls_read(data, LISTS_MAX, &list, &count, &err) != OK) {
        a->code = ctl_fail_error(&a->o->common, &err, path,
                                 "give the CA's lists, PEM or DER; a certificate is added with --anchor FILE or "
                                 "--intermediate FILE");
        return;
    }
    for (size_t i = 0; i < count; i++) {
        char *text = mem_zalloc(BASE64_SIZE(list[i].len));
        (void)encode_base64(list[i], text);
        send_it(a, path, json_pack("{s:s, s:s}", "kind", "crl", "data", text));
        free(text);
    }
    pki_crls_free(list, count);
}

static enum result add_file(void *arg, const char *path, struct error *err)
{
    struct adding *a = arg;
    bool is_list = strcmp(a->kind, "crl") == 0;
    a->files++;
    char *data;
    size_t len;
    enum result r = file_read_text(path, CTL_FILE_MAX, &data, &len, err);
    if (r != OK) {
        a->code = ctl_fail_error(&a->o->common, err, path,
                                 r != R_LIMIT ? NULL
                                 : is_list    ? "a list of more than 16 MiB is fetched from where the CA publishes it: "
                                                "cmg trust add --crl-source ID --url URL"
                                              : "give the CAs' certificates in several files");
        return OK; /* told; the others go on */
    }
    (is_list ? send_lists : send_certificates)(a, path, slice_make(data, len));
    free(data);
    return OK;
}

static int add_all(const struct add_options *o, json_t *rows)
{
    const struct {
        const char *kind;
        const struct opt_list *files;
    } kinds[] = {{"anchor", &o->anchors}, {"intermediate", &o->intermediates}, {"crl", &o->crls}};
    struct adding a = {.o = o, .rows = rows, .code = CTL_DONE};
    struct error err;
    for (size_t k = 0; k < ARRAY_LEN(kinds); k++) {
        a.kind = kinds[k].kind;
        for (size_t i = 0; i < kinds[k].files->count; i++) {
            const char *path = kinds[k].files->items[i];
            size_t before = a.files;
            enum result r = ctl_files_each(path, add_file, &a, &err);
            if (r == OK && a.files == before)
                r = error_set(&err, R_NOTFOUND, "the folder holds no file");
            if (r != OK)
                a.code = ctl_fail_error(&o->common, &err, path, "name a file, or a folder of PEM and DER files");
        }
    }
    return a.code;
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

static const char add_usage[] = "cmg trust add --anchor|--intermediate|--crl FILE|DIR … [options]";

static int add_trust(const void *options, const char **args UNUSED, size_t n UNUSED)
{
    const struct add_options *o = options;
    if (o->crl_source || o->ocsp_source)
        return add_source(o);
    if (o->anchors.count + o->intermediates.count + o->crls.count == 0)
        return ctl_usage("nothing to add; usage: %s", add_usage);
    if (o->fetch_hosts.count && !o->anchors.count)
        return ctl_usage("--fetch-host goes with --anchor; for one that is there: cmg trust fetch-hosts ID HOST…");
    json_t *rows = json_array();
    int code = add_all(o, rows);
    if (o->common.json && (code == CTL_DONE || json_array_size(rows))) {
        json_t *whole = json_pack("{s:O}", "trust", rows);
        ctl_print_answer(whole);
        json_decref(whole);
    } else if (json_array_size(rows)) {
        ctl_table(stdout, rows, columns, "");
    }
    json_decref(rows);
    return code;
}

static const struct opt fetch_hosts_opts[] = {CTL_OPT_JSON(struct add_options), CTL_OPT_SOCKET(struct add_options),
                                              CTL_OPT_END};

static int fetch_hosts(const void *options, const char **args, size_t n)
{
    const struct add_options *o = options;
    json_t *hosts = json_array(), *answer;
    for (size_t i = 1; i < n; i++)
        (void)json_array_append_new(hosts, json_string(args[i]));
    char *path = ctl_request_path("/v1/trust/%s/fetch-hosts", args[0]);
    int code = ctl_send(&o->common, "PUT", path, json_pack("{s:o}", "fetch_hosts", hosts), &answer);
    free(path);
    if (code != CTL_DONE)
        return code;
    char *text = ctl_cell_text(json_object_get(answer, "fetch_hosts"), CTL_LIST, "nowhere");
    code = ctl_tell(&o->common, answer, "lists that certificates below %.16s… point to are fetched from: %s", args[0],
                    text);
    free(text);
    return code;
}

/* Who registered by it, and is let in by another method still. */
static void print_still_let_in(const json_t *let_in, const char *anchor)
{
    long long count = (long long)json_opt_int(let_in, "count", 0),
              not_known = (long long)json_opt_int(let_in, "not_known", 0);
    json_t *device;
    size_t i;
    if (count)
        (void)printf("%lld device%s registered by its certificates and %s let in by token or Entra still:\n", count,
                     count == 1 ? "" : "s", count == 1 ? "is" : "are");
    json_array_foreach(json_object_get(let_in, "devices"), i, device) {
        char *name = ctl_cell_text(json_object_get(device, "name"), CTL_TEXT, NULL);
        (void)printf("  %s %s\n", json_opt_str(device, "guid", ""), name);
        free(name);
    }
    if (count)
        (void)printf("see all: cmg device list --anchor %s; remove them: cmg device remove --anchor %s\n", anchor,
                     anchor);
    if (not_known)
        (void)printf(
            "%lld device%s let in by token or Entra registered by a certificate, and it is not known of which anchor\n",
            not_known, not_known == 1 ? "" : "s");
}

struct remove_options {
    struct ctl_common common;
};

static const struct opt remove_trust_opts[] = {CTL_OPT_JSON(struct remove_options),
                                               CTL_OPT_SOCKET(struct remove_options), CTL_OPT_END};

static int remove_trust(const void *options, const char **args, size_t n UNUSED)
{
    const struct remove_options *o = options;
    json_t *answer;
    char *path = ctl_request_path("/v1/trust/%s", args[0]);
    int code = ctl_send(&o->common, "DELETE", path, NULL, &answer);
    free(path);
    if (code != CTL_DONE)
        return code;
    if (o->common.json) {
        ctl_print_answer(answer);
    } else {
        (void)printf("%s is trusted no longer\n", args[0]);
        print_still_let_in(json_object_get(answer, "still_let_in"), args[0]);
    }
    json_decref(answer);
    return CTL_DONE;
}

const struct ctl_command ctl_trust_commands[] = {
    {"trust add", "Trust a PKI for device certificates, or take its CRL",
     CTL_RUN(add_trust, struct add_options, add_usage,
             "Trust a PKI for device certificates, or take its revocation list.", add_opts, 0, 0)},
    {"trust check", "Is that enough for a device with this certificate?", .form = &ctl_trust_check},
    {"trust fetch-hosts", "Whence lists may come that certificates point to",
     CTL_RUN(fetch_hosts, struct add_options, "cmg trust fetch-hosts ID [HOST[:PORT]…] [options]",
             "From which hosts, and no others, gateways fetch the revocation lists that certificates below this anchor "
             "point to (http; no redirects). None named: they follow none of these pointers.",
             fetch_hosts_opts, 1, 17)},
    {"trust list", "List anchors, intermediates and CRLs", NULL,
     CTL_ROWS("/v1/trust", "trust", columns, "no PKI is trusted yet: cmg trust add --anchor FILE")},
    {"trust remove", "Trust one of them no longer",
     CTL_RUN(
         remove_trust, struct remove_options, "cmg trust remove ID [options]",
         "Trust an anchor, intermediate or CRL no longer; who registered by the anchor and is let in by another method "
         "still is told.",
         remove_trust_opts, 1, 1)},
    {NULL, NULL, NULL, NULL},
};
