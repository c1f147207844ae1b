/* SPDX-License-Identifier: Apache-2.0 */
#include "mp/tenants.h"

#include <stdlib.h>

#include "base/clock.h"
#include "base/mem.h"
#include "mp/site.h"
#include "store/sequence.h"
#include "store/tenant.h"
#include "json/json.h"

enum { ROWS_MAX = 64 * 1024 * 1024 };

struct mp_tenants {
    int64_t sequence; /* the bundle's, which every change of a tenant bumps */
    struct arena *arena;
    struct entra_tenant *list;
    size_t count;
};

void mp_tenants_free(struct mp_tenants *t)
{
    if (!t)
        return;
    for (size_t i = 0; i < t->count; i++)
        jose_keys_free((struct jose_keys *)(uintptr_t)t->list[i].keys);
    arena_free(t->arena);
    free(t->list);
    free(t);
}

static const char *or_default(const char *text, const char *fallback)
{
    return *text ? text : fallback;
}

static enum result add(struct mp_tenants *t, const struct store_tenant *row, struct error *err)
{
    struct jose_keys *keys = NULL;
    json_t *jwks = NULL;
    enum result r = OK;
    if (row->jwks[0])
        r = json_parse(slice_of(row->jwks), ROWS_MAX, &jwks, err);
    if (r == OK && jwks)
        r = jose_keys_new_foreign(jwks, &keys, err);
    json_decref(jwks);
    if (r != OK)
        return error_prefix(err, "tenant %s", row->id);
    t->list[t->count++] = (struct entra_tenant){.id = row->id,
                                                .tenant = row->tenant,
                                                .issuers = row->issuers,
                                                .audiences = row->audiences,
                                                .algorithms = or_default(row->algorithms, JWT_ALGORITHMS),
                                                .tenant_claim = or_default(row->tenant_claim, ENTRA_TENANT_CLAIM),
                                                .device_claim = or_default(row->device_claim, ENTRA_DEVICE_CLAIM),
                                                .user_claims = or_default(row->user_claims, ENTRA_USER_CLAIMS),
                                                .keys = keys};
    return OK;
}

static enum result load(struct mp_site *site, int64_t sequence, struct error *err)
{
    struct store_tenant *rows;
    size_t count;
    struct mp_tenants *t = mem_zalloc(sizeof *t);
    t->sequence = sequence;
    t->arena = arena_new(ROWS_MAX);
    enum result r = store_tenant_list(site->store, t->arena, &rows, &count, err);
    if (r == OK)
        t->list = mem_array(count, sizeof *t->list);
    for (size_t i = 0; r == OK && i < count; i++) {
        if (rows[i].enabled)
            r = add(t, &rows[i], err);
    }
    if (r != OK) {
        mp_tenants_free(t);
        return r;
    }
    mp_tenants_free(site->tenants);
    site->tenants = t;
    return OK;
}

enum result mp_tenants_judge(struct mp_site *site, struct slice text, struct entra_token *ret,
                             enum verdict_reason *ret_reason, struct error *detail)
{
    int64_t sequence;
    enum result r = store_sequence_get(site->store, STORE_SEQUENCE_BUNDLE, &sequence, NULL, detail);
    if (r == OK && (!site->tenants || site->tenants->sequence != sequence))
        r = load(site, sequence, detail);
    if (r == OK)
        *ret_reason = entra_judge(site->tenants->list, site->tenants->count, text, clock_wall_s(), ret, detail);
    return r;
}
