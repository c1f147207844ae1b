/* SPDX-License-Identifier: Apache-2.0 */
/* cmg tenant add|list|enable|disable|remove: the Microsoft Entra tenants, and other OpenID providers, whose tokens
 * vouch for devices and users. */
#include <stdlib.h>

#include "ctl/command.h"
#include "ctl/request.h"
#include "ctl/secret.h"
#include "jose/entra.h"

enum { JWKS_MAX = 1024 * 1024 };

struct add_options {
    struct ctl_common common;
    struct opt_list issuers, audiences;
    const char *tenant, *client_app_id, *resource, *jwks, *source, *algorithms;
    const char *tenant_claim, *device_claim, *user_claims;
};

#define TEXT(word, member_, value_, help_)                                                                             \
    {                                                                                                                  \
        .name = (word), .kind = OPT_TEXT, .offset = offsetof(struct add_options, member_), .value = (value_),          \
        .help = (help_)                                                                                                \
    }
#define LIST(word, member_, value_, help_)                                                                             \
    {                                                                                                                  \
        .name = (word), .kind = OPT_LIST, .offset = offsetof(struct add_options, member_), .value = (value_),          \
        .help = (help_)                                                                                                \
    }

static const struct opt add_opts[] = {
    TEXT("tenant", tenant, "GUID", "Microsoft's id of the tenant: what the token's tenant claim must say"),
    LIST("issuer", issuers, "URL", "what `iss` may be; may repeat (default with --tenant: Entra's, of v1 and v2)"),
    LIST("audience", audiences, "TEXT", "what `aud` may be; may repeat"),
    TEXT("jwks", jwks, "FILE", "the issuer's keys, a JWK set"),
    TEXT("source", source, "ID", "the source that gives the issuer's keys: cmg source add --kind jwks|oidc"),
    TEXT("client-app-id", client_app_id, "ID", "the application that devices ask for tokens (AADAuthInfo tells it)"),
    TEXT("resource", resource, "URI", "what they ask tokens for (AADAuthInfo tells it)"),
    TEXT("algorithms", algorithms, "LIST", "signature algorithms that are taken (default " JWT_ALGORITHMS ")"),
    TEXT("tenant-claim", tenant_claim, "NAME", "the claim that names the tenant (default " ENTRA_TENANT_CLAIM ")"),
    TEXT("device-claim", device_claim, "NAME", "the claim that names the device (default " ENTRA_DEVICE_CLAIM ")"),
    TEXT("user-claims", user_claims, "NAMES",
         "the claims that may name a user, the first one that is there counts "
         "(default " ENTRA_USER_CLAIMS ")"),
    CTL_OPT_JSON(struct add_options),
    CTL_OPT_SOCKET(struct add_options),
    CTL_OPT_END,
};

static const struct ctl_column columns[] = {{"ID", "id", CTL_TEXT, NULL},
                                            {"TENANT", "tenant", CTL_TEXT, NULL},
                                            {"ENABLED", "enabled", CTL_TEXT, NULL},
                                            {"ISSUERS", "issuers", CTL_TEXT, NULL},
                                            {"AUDIENCES", "audiences", CTL_TEXT, NULL},
                                            {NULL, NULL, CTL_TEXT, NULL}};

static json_t *words(const struct opt_list *list)
{
    json_t *array = json_array();
    for (size_t i = 0; i < list->count; i++)
        (void)json_array_append_new(array, json_string(list->items[i]));
    return array;
}

static void put_text(json_t *body, const char *name, const char *text)
{
    if (text)
        (void)json_object_set_new(body, name, json_string(text));
}

/* false: told. */
static bool put_keys(const struct add_options *o, json_t *body)
{
    char *data;
    size_t len;
    json_t *jwks;
    struct error err;
    if (!o->jwks)
        return true;
    if (!ctl_read_file(&o->common, o->jwks, &data, &len))
        return false;
    enum result r = json_parse(slice_make(data, len), JWKS_MAX, &jwks, &err);
    free(data);
    if (r != OK) {
        (void)ctl_fail_error(&o->common, &err, o->jwks, "it must be a JWK set, as an OpenID provider's jwks_uri gives");
        return false;
    }
    (void)json_object_set_new(body, "jwks", jwks);
    return true;
}

static json_t *make_body(const struct add_options *o, const char *id)
{
    json_t *body = json_pack("{s:s, s:o, s:o}", "id", id, "issuers",
                             o->issuers.count || !o->tenant ? words(&o->issuers) : entra_issuers(o->tenant),
                             "audiences", words(&o->audiences));
    const struct {
        const char *name, *text;
    } texts[] = {{"tenant", o->tenant},
                 {"source", o->source},
                 {"client_app_id", o->client_app_id},
                 {"resource", o->resource},
                 {"algorithms", o->algorithms},
                 {"tenant_claim", o->tenant_claim},
                 {"device_claim", o->device_claim},
                 {"user_claims", o->user_claims}};
    for (size_t i = 0; body && i < ARRAY_LEN(texts); i++)
        put_text(body, texts[i].name, texts[i].text);
    return body;
}

static int add_tenant(const void *options, const char **args, size_t n UNUSED)
{
    const struct add_options *o = options;
    if ((!o->issuers.count && !o->tenant) || !o->audiences.count)
        return ctl_usage("whose tokens, and for whom? --tenant GUID or --issuer URL, and --audience TEXT");
    if (!o->jwks == !o->source)
        return ctl_usage("where are its keys? either --jwks FILE or --source ID");
    json_t *body = make_body(o, args[0]);
    if (!body)
        return ctl_usage("tenant %s: an option is not UTF-8", args[0]);
    if (!put_keys(o, body)) {
        json_decref(body);
        return CTL_FAILED;
    }
    json_t *answer;
    int code = ctl_send(&o->common, "POST", "/v1/tenants", body, &answer);
    return code == CTL_DONE ? ctl_tell(&o->common, answer, "tenant %s may vouch for devices and users", args[0]) : code;
}

const struct ctl_command ctl_tenant_commands[] = {
    {"tenant add", "Take the tokens of an Entra tenant or another OpenID provider",
     CTL_RUN(add_tenant, struct add_options, "cmg tenant add ID --audience TEXT [options]",
             "Take the tokens of a Microsoft Entra tenant or another OpenID provider.", add_opts, 1, 1)},
    {"tenant list", "List the onboarded tenants", NULL,
     CTL_ROWS("/v1/tenants", "tenants", columns, "no tenant is onboarded: cmg tenant add ID --tenant GUID …")},
    {"tenant enable", "Take a tenant's tokens again", NULL,
     CTL_DO("POST", "/v1/tenants/%s/enable", "ID", "tenant %s may vouch for devices and users again")},
    {"tenant disable", "Refuse a tenant's tokens for now", NULL,
     CTL_DO("POST", "/v1/tenants/%s/disable", "ID", "tokens of tenant %s are refused from now on")},
    {"tenant remove", "Forget a tenant", NULL,
     CTL_DO("DELETE", "/v1/tenants/%s", "ID", "tenant %s is unknown from now on")},
    {NULL, NULL, NULL, NULL},
};
