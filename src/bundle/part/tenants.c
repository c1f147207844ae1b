/* SPDX-License-Identifier: Apache-2.0 */
/* Member "tenants": the OpenID providers whose tokens are taken. */
#include "bundle/member.h"
#include "bundle/model.h"
#include "json/json.h"

enum { TEXT_MAX = 512 };

struct text_member {
    const char *name, *fallback;
    const char **ret;
};

static enum result read_texts(struct arena *a, const json_t *o, const struct text_member *list, size_t count,
                              struct error *err)
{
    enum result r = OK;
    for (size_t i = 0; i < count && r == OK; i++)
        r = member_text(a, o, list[i].name, TEXT_MAX, list[i].fallback, list[i].ret, err);
    return r;
}

static enum result read_keys(const json_t *o, struct entra_tenant *t, const char *source, struct error *err)
{
    json_t *jwks;
    struct jose_keys *keys = NULL;
    enum result r = member_opt(o, "jwks", JSON_OBJECT, &jwks, err);
    if (r == OK && jwks)
        r = jose_keys_new_foreign(jwks, &keys, err);
    if (r == OK && !keys && !source)
        return error_set(err, R_INVALID, "it has neither 'jwks' nor 'source'");
    t->keys = keys;
    return r;
}

static enum result read_tenant(struct arena *a, const json_t *o, struct entra_tenant *t, struct bundle_tenant *info,
                               struct error *err)
{
    const struct text_member texts[] = {
        {"tenant", "", &t->tenant},
        {"algorithms", JWT_ALGORITHMS, &t->algorithms},
        {"tenant_claim", ENTRA_TENANT_CLAIM, &t->tenant_claim},
        {"device_claim", ENTRA_DEVICE_CLAIM, &t->device_claim},
        {"user_claims", ENTRA_USER_CLAIMS, &t->user_claims},
        {"client_app_id", "", &info->client_app_id},
        {"resource", "", &info->resource},
        {"source", NULL, &info->source},
    };
    enum result r = member_id(a, o, "id", MEMBER_PEER_ID, false, &t->id, err);
    if (r == OK)
        r = member_words(a, o, "issuers", &t->issuers, err);
    if (r == OK)
        r = member_words(a, o, "audiences", &t->audiences, err);
    if (r == OK)
        r = read_texts(a, o, texts, ARRAY_LEN(texts), err);
    return r == OK ? read_keys(o, t, info->source, err) : r;
}

enum result bundle_read_tenants(struct bundle *b, const json_t *content, struct error *err)
{
    json_t *list;
    void *tenants, *infos;
    struct arena *a = b->index->arena;
    enum result r = member_array(content, "tenants", BUNDLE_TENANTS_MAX, &list, err);
    size_t count = json_array_size(list);
    if (r == OK)
        r = member_room(a, count, sizeof *b->tenants, &tenants, err);
    if (r == OK)
        r = member_room(a, count, sizeof *b->tenant_infos, &infos, err);
    if (r != OK)
        return r;
    b->tenants = tenants;
    b->tenant_infos = infos;
    for (size_t i = 0; i < count && r == OK; i++) {
        b->tenant_count = i + 1; /* its keys are freed with the bundle, also after a fault */
        r = read_tenant(a, json_array_get(list, i), (struct entra_tenant *)tenants + i,
                        (struct bundle_tenant *)infos + i, err);
        if (r != OK)
            (void)error_prefix(err, "tenants[%zu]", i);
    }
    return r;
}

size_t bundle_tenant_find(const struct bundle *b, struct slice id)
{
    for (size_t i = 0; i < b->tenant_count; i++) {
        const struct entra_tenant *t = &b->tenants[i];
        if (id.len && (slice_eq_nocase(id, slice_of(t->tenant)) || slice_eq_nocase(id, slice_of(t->id))))
            return i;
    }
    return SIZE_MAX;
}
