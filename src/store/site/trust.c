/* SPDX-License-Identifier: Apache-2.0 */
/* Rows of table trust. */
#include "store/site/trust.h"

#include "base/clock.h"
#include "store/row.h"
#include "store/sequence.h"

#define COLUMNS                                                                                                        \
    "id, kind, subject, number, not_after, added, sha256, size, fetch_hosts, this_update, scope, complete, unproven"

static const char *const kinds[] = {
    [STORE_INTERMEDIATE] = "intermediate", [STORE_ANCHOR] = "anchor", [STORE_CRL] = "crl"};

const char *store_trust_kind_name(enum store_trust_kind kind)
{
    return kinds[kind];
}

bool store_trust_kind_parse(struct slice name, enum store_trust_kind *ret)
{
    size_t i;
    bool known = slice_word(name, kinds, ARRAY_LEN(kinds), &i);
    if (known)
        *ret = (enum store_trust_kind)i;
    return known;
}

static void read_trust(struct store_reader *r, void *ret)
{
    struct store_trust *t = ret;
    t->id = store_read_text(r, 0);
    t->kind = (enum store_trust_kind)store_read_word(r, 1, kinds, ARRAY_LEN(kinds));
    t->subject = store_read_text(r, 2);
    t->number = store_read_text(r, 3);
    t->not_after = store_read_int(r, 4);
    t->added = store_read_int(r, 5);
    t->sha256 = store_read_text(r, 6);
    t->size = store_read_int(r, 7);
    t->fetch_hosts = store_read_text(r, 8);
    t->this_update = store_read_int(r, 9);
    t->scope = store_read_text(r, 10);
    t->complete = store_read_text(r, 11);
    t->unproven = store_read_int(r, 12);
    t->data = store_read_text(r, 13);
}

static enum result put(struct store *s, const struct store_trust *t, struct error *err)
{
    int64_t older;
    /* hex without leading zeros: the longer is the larger, then by text */
    enum result r =
        store_query_int(s,
                        "SELECT COUNT(*) FROM trust WHERE id = $1 AND kind = 'crl' AND unproven = 0 AND "
                        "(this_update > $3 OR ($2 <> '' AND (LENGTH(number) > LENGTH($2) OR "
                        "(LENGTH(number) = LENGTH($2) AND number > $2))))",
                        STORE_PARAMS(STORE_T(t->id), STORE_T(t->number), STORE_N(t->this_update)), &older, err);
    if (r == OK && older)
        return error_set(err, R_CONFLICT, "a newer CRL of this place is in use already");
    if (r == OK)
        r = store_exec(
            s,
            "INSERT INTO trust (" COLUMNS
            ", data) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14) "
            "ON CONFLICT (id) DO UPDATE SET kind = $2, number = $4, not_after = $5, added = $6, sha256 = $7, "
            "size = $8, fetch_hosts = CASE WHEN $9 = '' THEN trust.fetch_hosts ELSE $9 END, this_update = $10, "
            "scope = $11, complete = $12, unproven = $13, data = $14",
            STORE_PARAMS(STORE_T(t->id), STORE_T(kinds[t->kind]), STORE_T(t->subject), STORE_T(t->number),
                         STORE_N(t->not_after), STORE_N(clock_wall_s()), STORE_T(t->sha256 ? t->sha256 : ""),
                         STORE_N(t->size), STORE_T(t->fetch_hosts ? t->fetch_hosts : ""), STORE_N(t->this_update),
                         STORE_T(t->scope ? t->scope : ""), STORE_T(t->complete ? t->complete : ""),
                         STORE_N(t->unproven), STORE_T(t->data)),
            NULL, err);
    return r == OK ? store_bump(s, STORE_BUNDLE | STORE_CONNECTORS, err) : r;
}

enum result store_trust_put(struct store *s, const struct store_trust *t, struct error *err)
{
    enum result r = store_begin(s, STORE_DURABLE, err);
    if (r != OK)
        return r;
    return store_end(s, put(s, t, err), err);
}

enum result store_trust_anchors(struct store *s, size_t *ret_count, struct error *err)
{
    int64_t n = 0;
    enum result r = store_query_int(s, "SELECT COUNT(*) FROM trust WHERE kind = 'anchor'", STORE_NO_PARAMS, &n, err);
    *ret_count = (size_t)n;
    return r;
}

enum result store_trust_list(struct store *s, int64_t data_max, struct arena *arena, struct store_trust **ret,
                             size_t *ret_count, struct error *err)
{
    static const struct store_select select = {"SELECT " COLUMNS ", CASE WHEN sha256 <> '' AND size > $1 THEN '' ELSE "
                                               "data END FROM trust ORDER BY kind, subject, id",
                                               sizeof **ret, read_trust};
    return store_select_all(s, &select, STORE_PARAMS(STORE_N(data_max)), arena, ret, ret_count, err);
}

enum result store_trust_unsettled(struct store *s, struct arena *arena, struct store_trust **ret, size_t *ret_count,
                                  struct error *err)
{
    static const struct store_select select = {
        "SELECT " COLUMNS ", data FROM trust WHERE kind = 'crl' AND (unproven = 1 OR scope = '') ORDER BY id",
        sizeof **ret, read_trust};
    return store_select_all(s, &select, STORE_NO_PARAMS, arena, ret, ret_count, err);
}

enum result store_trust_by_hash(struct store *s, struct arena *arena, const char *sha256, struct store_trust *ret,
                                struct error *err)
{
    static const struct store_select select = {"SELECT " COLUMNS ", data FROM trust WHERE sha256 = $1 LIMIT 1",
                                               sizeof *ret, read_trust};
    return store_select_one(s, &select, STORE_PARAMS(STORE_T(sha256)), arena, ret, "revocation list of this hash", err);
}

enum result store_trust_has_list(struct store *s, const char *sha256, struct error *err)
{
    int64_t count;
    enum result r =
        store_query_int(s, "SELECT COUNT(*) FROM trust WHERE sha256 = $1", STORE_PARAMS(STORE_T(sha256)), &count, err);
    return r != OK || count ? r : error_set(err, R_NOTFOUND, "there is no revocation list of this hash");
}

enum result store_trust_set_fetch_hosts(struct store *s, const char *id, const char *hosts, struct error *err)
{
    enum result r = store_begin(s, STORE_DURABLE, err);
    if (r != OK)
        return r;
    r = store_change(s, "UPDATE trust SET fetch_hosts = $2 WHERE id = $1 AND kind = 'anchor'",
                     STORE_PARAMS(STORE_T(id), STORE_T(hosts)), "anchor of this id", err);
    if (r == OK)
        r = store_bump(s, STORE_BUNDLE, err);
    return store_end(s, r, err);
}

enum result store_trust_remove(struct store *s, const char *id, struct error *err)
{
    enum result r = store_begin(s, STORE_DURABLE, err);
    if (r != OK)
        return r;
    r = store_change(s, "DELETE FROM trust WHERE id = $1", STORE_PARAMS(STORE_T(id)),
                     "anchor, intermediate or CRL of this id", err);
    if (r == OK)
        r = store_bump(s, STORE_BUNDLE | STORE_CONNECTORS, err);
    return store_end(s, r, err);
}
