/* SPDX-License-Identifier: Apache-2.0 */
/* The bundle of the gateways: its parts in a row. */
#include "mp/content/content.h"
#include "mp/content/part.h"
#include "mp/put.h"

enum result mp_content_finish(enum result r, json_t *o, json_t **ret)
{
    if (r != OK) {
        json_decref(o);
        o = NULL;
    }
    *ret = o;
    return r;
}

typedef enum result part_fn(struct mp_site *site, struct arena *a, json_t *ret, struct error *err);

/* Long lists are named, and fetched by whoever does not have them yet. */
static enum result trust(struct mp_site *site, struct arena *a, json_t *ret, struct error *err)
{
    enum { CRL_MAX = 32 * 1024 }; /* bytes of a list that the bundle itself holds */
    return mp_part_trust(site, CRL_MAX, a, ret, err);
}

static enum result sources(struct mp_site *site, struct arena *a, json_t *ret, struct error *err)
{
    return mp_part_sources(site, a, false, ret, err);
}

static part_fn *const parts[] = {
    mp_part_settings,  trust,           mp_part_fetch_hosts, mp_part_roles,
    mp_part_endpoints, mp_part_blocks,  mp_part_disallowed,  mp_part_connectors,
    sources,           mp_part_tenants, mp_part_foreign,
};

enum result mp_content_bundle(struct mp_site *site, struct arena *a, const char *location, json_t **ret,
                              struct error *err)
{
    json_t *o = json_object();
    enum result r = OK;
    for (size_t i = 0; r == OK && i < ARRAY_LEN(parts); i++)
        r = parts[i](site, a, o, err);
    mp_put(o, "token_keys", json_incref(site->keys.jwks));
    mp_put(o, "location", json_string(location));
    return mp_content_finish(r, o, ret);
}
