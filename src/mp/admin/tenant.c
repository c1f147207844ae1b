/* SPDX-License-Identifier: Apache-2.0 */
/* Tenants: whose tokens vouch for devices and users. What gateways would refuse to read is refused here already. */
#include <stdlib.h>

#include "bundle/bundle.h"
#include "jose/entra.h"
#include "mp/admin/admin.h"
#include "mp/content/documents.h"
#include "mp/put.h"
#include "mp/sender/tenants.h"
#include "store/site/source.h"
#include "store/site/tenant.h"

static json_t *tenant_json(const struct store_tenant *t)
{
    return json_pack("{s:s, s:s, s:o, s:o, s:s, s:s, s:s, s:b, s:b}", "id", t->id, "tenant", t->tenant, "issuers",
                     mp_content_words(t->issuers), "audiences", mp_content_words(t->audiences), "client_app_id",
                     t->client_app_id, "resource", t->resource, "source", t->source, "jwks", t->jwks[0] != '\0',
                     "enabled", (int)t->enabled);
}

/* An array of words as one text. */
static enum result join(struct arena *a, const json_t *body, const char *name, const char **ret, struct error *err)
{
    const json_t *list = json_object_get(body, name);
    struct slice words = SLICE("");
    for (size_t i = 0; i < json_array_size(list); i++) {
        const char *word = json_string_value(json_array_get(list, i));
        if (!word || !*word || strpbrk(word, " \t\r\n"))
            return error_set(err, R_INVALID, "'%s' holds what is no word", name);
        words = arena_printf(a, "%s%s%s", words.len ? words.ptr : "", words.len ? " " : "", word);
        if (!words.ptr)
            return error_set(err, R_LIMIT, "'%s' is too long", name);
    }
    *ret = words.ptr;
    return words.len ? OK : error_set(err, R_INVALID, "'%s' names none", name);
}

static enum result read_keys(struct arena *a, const json_t *body, struct store_tenant *ret, struct error *err)
{
    const json_t *jwks = json_object_get(body, "jwks");
    struct jose_keys *keys;
    ret->jwks = "";
    ret->source = json_opt_str(body, "source", "");
    if (!jwks)
        return *ret->source ? OK : error_set(err, R_INVALID, "it needs its keys: 'jwks', or the 'source' of them");
    enum result r = jose_keys_new_foreign(jwks, &keys, err);
    if (r != OK)
        return error_prefix(err, "jwks");
    size_t count = jose_keys_count(keys);
    jose_keys_free(keys);
    if (count == 0)
        return error_set(err, R_INVALID, "'jwks' holds no key that could sign a token");
    char *text = json_text(jwks);
    ret->jwks = arena_dup(a, slice_of(text)).ptr;
    free(text);
    return ret->jwks ? OK : error_set(err, R_LIMIT, "'jwks' is too large");
}

static enum result read_body(struct arena *a, const json_t *body, struct store_tenant *ret, struct error *err)
{
    enum result r = json_need_str(body, "id", &ret->id, err);
    if (r == OK)
        r = join(a, body, "issuers", &ret->issuers, err);
    if (r == OK)
        r = join(a, body, "audiences", &ret->audiences, err);
    ret->tenant = json_opt_str(body, "tenant", "");
    ret->algorithms = json_opt_str(body, "algorithms", "");
    ret->tenant_claim = json_opt_str(body, "tenant_claim", "");
    ret->device_claim = json_opt_str(body, "device_claim", "");
    ret->user_claims = json_opt_str(body, "user_claims", "");
    ret->client_app_id = json_opt_str(body, "client_app_id", "");
    ret->resource = json_opt_str(body, "resource", "");
    ret->enabled = true;
    return r == OK ? read_keys(a, body, ret, err) : r;
}

/* Two tenants of one issuer would let one vouch for the other's devices. */
static enum result check_issuers(struct mp_request *r, const struct store_tenant *t, struct error *err)
{
    struct store_tenant *list;
    size_t count;
    enum result result = store_tenant_list(r->site->store, r->arena, &list, &count, err);
    for (size_t i = 0; result == OK && i < count; i++) {
        struct slice rest = slice_of(t->issuers);
        while (rest.ptr && strcmp(list[i].id, t->id) != 0) {
            if (slice_is_word_of(slice_cut(&rest, ' '), list[i].issuers))
                return error_set(err, R_CONFLICT, "tenant %s has one of these issuers already", list[i].id);
        }
    }
    return result;
}

/* A name that nobody gave would wait for keys for ever. */
static enum result check_source(struct mp_request *r, const struct store_tenant *t, struct error *err)
{
    struct store_source *list;
    size_t count;
    if (!*t->source)
        return OK;
    enum result result = store_source_list(r->site->store, r->arena, &list, &count, err);
    for (size_t i = 0; result == OK && i < count; i++) {
        if (strcmp(list[i].id, t->source) != 0)
            continue;
        enum bundle_source_kind kind;
        if (bundle_source_kind_parse(slice_of(list[i].kind), &kind) && bundle_source_gives_keys(kind))
            return OK;
        return error_set(err, R_INVALID, "source '%s' is of kind %s, which gives no keys", t->source, list[i].kind);
    }
    if (result != OK)
        return result;
    return error_set(err, R_NOTFOUND, "there is no source '%.64s': cmg source add ID --kind jwks|oidc --url URL",
                     t->source);
}

static enum result put(struct mp_request *r, const struct store_tenant *t, struct error *err)
{
    enum result result = store_begin(r->site->store, STORE_DURABLE, err);
    if (result != OK)
        return result;
    result = check_issuers(r, t, err);
    if (result == OK)
        result = check_source(r, t, err);
    if (result == OK)
        result = store_tenant_put(r->site->store, t, err);
    if (result == OK)
        result = mp_documents_check(r->site, err);
    return mp_admin_commit(r, result, "tenant.add", t->id, t->issuers, err);
}

void mp_admin_tenant_add(struct mp_request *r)
{
    struct store_tenant t = {0};
    struct error err;
    json_t *body = mp_admin_body(r);
    if (body && read_body(r->arena, body, &t, &err) == OK && put(r, &t, &err) == OK) {
        mp_tenants_changed(r->site);
        mp_answer_json(r, 201, json_pack("{s:o}", "tenant", tenant_json(&t)));
    } else if (body)
        mp_admin_fail(r, &err, NULL);
    json_decref(body);
}

void mp_admin_tenant_list(struct mp_request *r)
{
    struct store_tenant *list;
    size_t count;
    struct error err;
    if (store_tenant_list(r->site->store, r->arena, &list, &count, &err) != OK) {
        mp_admin_fail(r, &err, NULL);
        return;
    }
    json_t *array = json_array();
    for (size_t i = 0; i < count; i++)
        mp_push(array, tenant_json(&list[i]));
    mp_answer_json(r, 200, json_pack("{s:o}", "tenants", array));
}

static void finish(struct mp_request *r, enum result result, const struct error *err)
{
    if (result == OK)
        mp_answer(r, &(struct mp_answer){.status = 204});
    else
        mp_admin_fail(r, err, "list them with: cmg tenant list");
}

static void enable(struct mp_request *r, bool enabled)
{
    struct error err;
    enum result result = store_begin(r->site->store, STORE_DURABLE, &err);
    if (result == OK)
        result = mp_admin_commit(r, store_tenant_enable(r->site->store, r->params[0], enabled, &err),
                                 enabled ? "tenant.enable" : "tenant.disable", r->params[0], "", &err);
    finish(r, result, &err);
}

void mp_admin_tenant_enable(struct mp_request *r)
{
    enable(r, true);
}

void mp_admin_tenant_disable(struct mp_request *r)
{
    enable(r, false);
}

void mp_admin_tenant_remove(struct mp_request *r)
{
    struct error err;
    enum result result = store_begin(r->site->store, STORE_DURABLE, &err);
    if (result == OK)
        result = mp_admin_commit(r, store_tenant_remove(r->site->store, r->params[0], &err), "tenant.remove",
                                 r->params[0], "", &err);
    finish(r, result, &err);
}
