/* SPDX-License-Identifier: Apache-2.0 */
/* Whose tokens are taken beside those of the site: tenants, and foreign sites. */
#include "mp/content/part.h"
#include "mp/put.h"
#include "store/site/foreign.h"
#include "store/site/tenant.h"

enum { JWKS_MAX = 1024 * 1024 };

static void put_if(json_t *o, const char *name, const char *text)
{
    if (*text)
        mp_put(o, name, json_string(text));
}

static enum result tenant_json(const struct store_tenant *t, json_t **ret, struct error *err)
{
    json_t *o = json_pack("{s:s, s:o, s:o}", "id", t->id, "issuers", mp_content_words(t->issuers), "audiences",
                          mp_content_words(t->audiences)),
           *jwks = NULL;
    put_if(o, "tenant", t->tenant);
    put_if(o, "algorithms", t->algorithms);
    put_if(o, "tenant_claim", t->tenant_claim);
    put_if(o, "device_claim", t->device_claim);
    put_if(o, "user_claims", t->user_claims);
    put_if(o, "client_app_id", t->client_app_id);
    put_if(o, "resource", t->resource);
    put_if(o, "source", t->source);
    enum result r = t->jwks[0] ? json_parse(slice_of(t->jwks), JWKS_MAX, &jwks, err) : OK;
    if (jwks)
        mp_put(o, "jwks", jwks);
    *ret = o;
    return r;
}

/* Those that are switched off are not told: gateways don't know them then. */
enum result mp_part_tenants(struct mp_site *site, struct arena *a, json_t *ret, struct error *err)
{
    struct store_tenant *list;
    size_t count;
    enum result r = store_tenant_list(site->store, a, &list, &count, err);
    json_t *array = json_array();
    for (size_t i = 0; r == OK && i < count; i++) {
        json_t *o;
        if (!list[i].enabled)
            continue;
        r = tenant_json(&list[i], &o, err);
        mp_push(array, o);
    }
    mp_put(ret, "tenants", array);
    return r;
}

static enum result foreign_json(const struct store_foreign *f, json_t **ret, struct error *err)
{
    json_t *jwks = NULL;
    enum result r = json_parse(slice_of(f->jwks), JWKS_MAX, &jwks, err);
    *ret = json_pack("{s:s, s:s, s:s, s:s, s:s, s:o}", "id", f->id, "issuer", f->issuer, "audience", f->audience,
                     "header", f->header, "key", f->key_name, "endpoints", mp_content_words(f->endpoints));
    if (jwks)
        mp_put(*ret, "jwks", jwks);
    return r;
}

enum result mp_part_foreign(struct mp_site *site, struct arena *a, json_t *ret, struct error *err)
{
    struct store_foreign *list;
    size_t count;
    enum result r = store_foreign_list(site->store, a, &list, &count, err);
    json_t *array = json_array();
    for (size_t i = 0; r == OK && i < count; i++) {
        json_t *o;
        r = foreign_json(&list[i], &o, err);
        mp_push(array, o);
    }
    mp_put(ret, "foreign", array);
    return r;
}
