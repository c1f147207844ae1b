/* SPDX-License-Identifier: Apache-2.0 */
/* Rows of table foreign_site. */
#include "store/site/foreign.h"

#include "base/clock.h"
#include "store/row.h"
#include "store/sequence.h"

#define COLUMNS "id, issuer, audience, header, key_name, jwks, endpoints, added"

static void read_foreign(struct store_reader *r, void *ret)
{
    struct store_foreign *f = ret;
    f->id = store_read_text(r, 0);
    f->issuer = store_read_text(r, 1);
    f->audience = store_read_text(r, 2);
    f->header = store_read_text(r, 3);
    f->key_name = store_read_text(r, 4);
    f->jwks = store_read_text(r, 5);
    f->endpoints = store_read_text(r, 6);
    f->added = store_read_int(r, 7);
}

enum result store_foreign_put(struct store *s, const struct store_foreign *f, struct error *err)
{
    enum result r = store_begin(s, STORE_DURABLE, err);
    if (r != OK)
        return r;
    r = store_exec(s,
                   "INSERT INTO foreign_site (" COLUMNS ") VALUES ($1, $2, $3, $4, $5, $6, $7, $8) "
                   "ON CONFLICT (id) DO UPDATE SET issuer = $2, audience = $3, header = $4, key_name = $5, jwks = $6, "
                   "endpoints = $7, added = $8",
                   STORE_PARAMS(STORE_T(f->id), STORE_T(f->issuer), STORE_T(f->audience), STORE_T(f->header),
                                STORE_T(f->key_name), STORE_T(f->jwks), STORE_T(f->endpoints), STORE_N(clock_wall_s())),
                   NULL, err);
    if (r == OK)
        r = store_bump(s, STORE_BUNDLE, err);
    return store_end(s, r, err);
}

enum result store_foreign_list(struct store *s, struct arena *arena, struct store_foreign **ret, size_t *ret_count,
                               struct error *err)
{
    static const struct store_select select = {"SELECT " COLUMNS " FROM foreign_site ORDER BY id", sizeof **ret,
                                               read_foreign};
    return store_select_all(s, &select, STORE_NO_PARAMS, arena, ret, ret_count, err);
}

enum result store_foreign_remove(struct store *s, const char *id, struct error *err)
{
    enum result r = store_begin(s, STORE_DURABLE, err);
    if (r != OK)
        return r;
    r = store_change(s, "DELETE FROM foreign_site WHERE id = $1", STORE_PARAMS(STORE_T(id)), "foreign site of this id",
                     err);
    if (r == OK)
        r = store_bump(s, STORE_BUNDLE, err);
    return store_end(s, r, err);
}
