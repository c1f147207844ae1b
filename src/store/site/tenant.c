/* SPDX-License-Identifier: Apache-2.0 */
/* Rows of table tenant. */
#include "store/site/tenant.h"

#include "base/clock.h"
#include "store/row.h"
#include "store/sequence.h"

#define COLUMNS                                                                                                        \
    "id, tenant, issuers, audiences, algorithms, tenant_claim, device_claim, user_claims, client_app_id, resource, "   \
    "jwks, source, enabled, added"

static void read_tenant(struct store_reader *r, void *ret)
{
    struct store_tenant *t = ret;
    const char **texts[] = {&t->id,           &t->tenant,       &t->issuers,     &t->audiences,     &t->algorithms,
                            &t->tenant_claim, &t->device_claim, &t->user_claims, &t->client_app_id, &t->resource,
                            &t->jwks,         &t->source};
    for (size_t i = 0; i < ARRAY_LEN(texts); i++)
        *texts[i] = store_read_text(r, (int)i);
    t->enabled = store_read_int(r, ARRAY_LEN(texts)) != 0;
    t->added = store_read_int(r, ARRAY_LEN(texts) + 1);
}

/* What is done to the table changes who is let in. */
static enum result change(struct store *s, const char *sql, const struct store_value *params, size_t count,
                          struct error *err)
{
    enum result r = store_begin(s, STORE_DURABLE, err);
    if (r != OK)
        return r;
    r = store_change(s, sql, params, count, "tenant of this id", err);
    if (r == OK)
        r = store_bump(s, STORE_BUNDLE, err);
    return store_end(s, r, err);
}

enum result store_tenant_put(struct store *s, const struct store_tenant *t, struct error *err)
{
    return change(
        s,
        "INSERT INTO tenant (" COLUMNS ") VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14) "
        "ON CONFLICT (id) DO UPDATE SET tenant = $2, issuers = $3, audiences = $4, algorithms = $5, "
        "tenant_claim = $6, device_claim = $7, user_claims = $8, client_app_id = $9, resource = $10, "
        "jwks = $11, source = $12, enabled = $13",
        STORE_PARAMS(STORE_T(t->id), STORE_T(t->tenant), STORE_T(t->issuers), STORE_T(t->audiences),
                     STORE_T(t->algorithms), STORE_T(t->tenant_claim), STORE_T(t->device_claim),
                     STORE_T(t->user_claims), STORE_T(t->client_app_id), STORE_T(t->resource), STORE_T(t->jwks),
                     STORE_T(t->source), STORE_N(t->enabled ? 1 : 0), STORE_N(clock_wall_s())),
        err);
}

enum result store_tenant_list(struct store *s, struct arena *arena, struct store_tenant **ret, size_t *ret_count,
                              struct error *err)
{
    static const struct store_select select = {"SELECT " COLUMNS " FROM tenant ORDER BY id", sizeof **ret, read_tenant};
    return store_select_all(s, &select, STORE_NO_PARAMS, arena, ret, ret_count, err);
}

enum result store_tenant_enable(struct store *s, const char *id, bool enabled, struct error *err)
{
    return change(s, "UPDATE tenant SET enabled = $2 WHERE id = $1",
                  STORE_PARAMS(STORE_T(id), STORE_N(enabled ? 1 : 0)), err);
}

enum result store_tenant_remove(struct store *s, const char *id, struct error *err)
{
    return change(s, "DELETE FROM tenant WHERE id = $1", STORE_PARAMS(STORE_T(id)), err);
}
