/* SPDX-License-Identifier: Apache-2.0 */
/* Rows of table source. */
#include "store/site/source.h"

#include "base/clock.h"
#include "store/row.h"
#include "store/sequence.h"

enum { ALL = STORE_BUNDLE | STORE_CONNECTORS };

static const char *const vias[] = {[STORE_VIA_INTERNET] = "internet", [STORE_VIA_CONNECTOR] = "connector"};

const char *store_via_name(enum store_via via)
{
    return vias[via];
}

bool store_via_parse(struct slice name, enum store_via *ret)
{
    size_t i;
    bool known = slice_word(name, vias, ARRAY_LEN(vias), &i);
    if (known)
        *ret = (enum store_via)i;
    return known;
}

static void read_source(struct store_reader *r, void *ret)
{
    struct store_source *x = ret;
    x->id = store_read_text(r, 0);
    x->kind = store_read_text(r, 1);
    x->url = store_read_text(r, 2);
    x->via = (enum store_via)store_read_word(r, 3, vias, ARRAY_LEN(vias));
    x->refresh_s = store_read_int(r, 4);
    x->added = store_read_int(r, 5);
    x->ca_pem = store_read_text(r, 6);
}

enum result store_source_put(struct store *s, const struct store_source *x, struct error *err)
{
    enum result r = store_begin(s, STORE_DURABLE, err);
    if (r != OK)
        return r;
    r = store_exec(
        s,
        "INSERT INTO source (id, kind, url, via, refresh_s, added, ca_pem) VALUES ($1, $2, $3, $4, $5, $6, $7) "
        "ON CONFLICT (id) DO UPDATE SET kind = $2, url = $3, via = $4, refresh_s = $5, added = $6, "
        "ca_pem = $7",
        STORE_PARAMS(STORE_T(x->id), STORE_T(x->kind), STORE_T(x->url), STORE_T(vias[x->via]), STORE_N(x->refresh_s),
                     STORE_N(clock_wall_s()), STORE_T(x->ca_pem ? x->ca_pem : "")),
        NULL, err);
    if (r == OK)
        r = store_bump(s, ALL, err);
    return store_end(s, r, err);
}

enum result store_source_list(struct store *s, struct arena *arena, struct store_source **ret, size_t *ret_count,
                              struct error *err)
{
    static const struct store_select select = {
        "SELECT id, kind, url, via, refresh_s, added, ca_pem FROM source ORDER BY id", sizeof **ret, read_source};
    return store_select_all(s, &select, STORE_NO_PARAMS, arena, ret, ret_count, err);
}

enum result store_source_remove(struct store *s, const char *id, struct error *err)
{
    enum result r = store_begin(s, STORE_DURABLE, err);
    if (r != OK)
        return r;
    r = store_change(s, "DELETE FROM source WHERE id = $1", STORE_PARAMS(STORE_T(id)), "source of this id", err);
    if (r == OK)
        r = store_bump(s, ALL, err);
    return store_end(s, r, err);
}
