/* SPDX-License-Identifier: Apache-2.0 */
/* Configuration Manager sites whose own tokens open endpoints that were published here. */

#include <stdlib.h>

#include "ctl/command.h"
#include "ctl/request.h"
#include "ctl/secret.h"
#include "jose/foreign.h"

struct add_options {
    struct ctl_common common;
    const char *issuer, *audience, *key, *header;
    struct opt_list endpoints;
};

#define TEXT(word, member_, value_, help_, required_)                                                                  \
    {                                                                                                                  \
        .name = (word), .kind = OPT_TEXT, .offset = offsetof(struct add_options, member_), .value = (value_),          \
        .help = (help_), .required = (required_)                                                                       \
    }

static const struct opt add_opts[] = {
    TEXT("issuer", issuer, "TEXT", "what `iss` says: urn:sccm:oauth2:<hierarchy's GUID>", true),
    TEXT("key", key, "FILE", "the SMS Token Signing Certificate (PEM or DER); with --header …=VALUE also a public key",
         true),
    TEXT("header", header, "x5t|NAME=VALUE",
         "what names the key in a token's header: x5t, made of the certificate (default), x5t=VALUE or kid=VALUE",
         false),
    TEXT("audience", audience, "TEXT", "what `aud` says (default " FOREIGN_AUDIENCE ")", false),
    {.name = "endpoints",
     .kind = OPT_LIST,
     .offset = offsetof(struct add_options, endpoints),
     .value = "IDS",
     .help = "the published endpoints that its tokens open, and no other; by commas or repeated"},
    CTL_OPT_JSON(struct add_options),
    CTL_OPT_SOCKET(struct add_options),
    CTL_OPT_END,
};

/* PEM as it is, be it a certificate or a key; DER certificates as PEM. false: told. */
static bool put_key(const struct add_options *o, json_t *body)
{
    char *data, *pem = NULL;
    size_t len;
    if (!ctl_read_file(&o->common, o->key, &data, &len))
        return false;
    bool is_der = slice_find_slice(slice_make(data, len), SLICE("-----BEGIN")) == SIZE_MAX;
    if (is_der && ctl_certificates_pem(slice_make(data, len), &pem, NULL) == OK)
        free(data);
    else
        pem = data;
    (void)json_object_set_new(body, "pem", json_string(pem));
    free(pem);
    return true;
}

/* "kid=abc" → header "kid", key "abc". */
static void put_header(const char *given, json_t *body)
{
    struct slice rest = slice_of(given), name = slice_cut(&rest, '=');
    if (!given)
        return;
    (void)json_object_set_new(body, "header", json_stringn(name.ptr, name.len));
    if (rest.ptr)
        (void)json_object_set_new(body, "key", json_stringn(rest.ptr, rest.len));
}

static int add_foreign(const void *options, const char **args, size_t n UNUSED)
{
    const struct add_options *o = options;
    if (!o->endpoints.count)
        return ctl_usage("which endpoints may its tokens open? --endpoints ID,… (cmg endpoint list)");
    json_t *body =
        json_pack("{s:s, s:s, s:o}", "id", args[0], "issuer", o->issuer, "endpoints", ctl_words(&o->endpoints));
    if (!body)
        return ctl_usage("an option is not UTF-8");
    if (o->audience)
        (void)json_object_set_new(body, "audience", json_string(o->audience));
    put_header(o->header, body);
    if (!put_key(o, body)) {
        json_decref(body);
        return CTL_FAILED;
    }
    json_t *answer;
    int code = ctl_send(&o->common, "POST", "/v1/foreign-sites", body, &answer);
    return code == CTL_DONE
               ? ctl_tell(&o->common, answer,
                          "tokens of the foreign site %s open the endpoints named, for whoever holds one", args[0])
               : code;
}

static const struct ctl_column columns[] = {
    {"ID", "id", CTL_TEXT, NULL},   {"ISSUER", "issuer", CTL_TEXT, NULL},       {"HEADER", "header", CTL_TEXT, NULL},
    {"KEY", "key", CTL_TEXT, NULL}, {"ENDPOINTS", "endpoints", CTL_LIST, NULL}, {NULL, NULL, CTL_TEXT, NULL}};

const struct ctl_command ctl_foreign_commands[] = {
    {"trust add-foreign", "Take the tokens of a Configuration Manager site, knowingly",
     CTL_RUN(add_foreign, struct add_options,
             "cmg trust add-foreign ID --issuer TEXT --key FILE --endpoints IDS [options]",
             "Take the tokens of a Configuration Manager site, in its own form, on the endpoints named. Such a token "
             "is bound to no key: who holds it may use it.",
             add_opts, 1, 1)},
    {"trust list-foreign", "List the foreign sites whose tokens are taken", NULL,
     CTL_ROWS("/v1/foreign-sites", "foreign_sites", columns, "tokens of this site alone are taken")},
    {"trust remove-foreign", "Take a foreign site's tokens no longer", NULL,
     CTL_DO("DELETE", "/v1/foreign-sites/%s", "ID", "tokens of the foreign site %s open nothing from now on")},
    {NULL, NULL, NULL, NULL},
};
