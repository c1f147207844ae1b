/* SPDX-License-Identifier: Apache-2.0 */
/* Rows of table join_key. Connectors are told of gateways that join, so what changes that bumps their document. */
#include "store/site/join.h"

#include "store/row.h"
#include "store/sequence.h"

#define COLUMNS "SELECT kind, id, jwk, made, expires, used, spki, answer FROM join_key "
#define KEY(kind, id) STORE_PARAMS(STORE_T(kind), STORE_T(id))

static void read_join(struct store_reader *r, void *ret)
{
    struct store_join *j = ret;
    j->kind = store_read_text(r, 0);
    j->id = store_read_text(r, 1);
    j->jwk = store_read_text(r, 2);
    j->made = store_read_int(r, 3);
    j->expires = store_read_int(r, 4);
    j->used = store_read_int(r, 5);
    j->spki = store_read_text(r, 6);
    j->answer = store_read_text(r, 7);
}

enum result store_join_put(struct store *s, const struct store_join *j, struct error *err)
{
    enum result r = store_begin(s, STORE_DURABLE, err);
    if (r != OK)
        return r;
    r = store_exec(
        s,
        "INSERT INTO join_key (kind, id, jwk, made, expires) VALUES ($1, $2, $3, $4, $5) "
        "ON CONFLICT (kind, id) DO UPDATE SET jwk = $3, made = $4, expires = $5, used = 0, spki = '', "
        "answer = ''",
        STORE_PARAMS(STORE_T(j->kind), STORE_T(j->id), STORE_T(j->jwk), STORE_N(j->made), STORE_N(j->expires)), NULL,
        err);
    if (r == OK)
        r = store_bump(s, STORE_CONNECTORS, err);
    return store_end(s, r, err);
}

enum result store_join_get(struct store *s, struct arena *a, const char *kind, const char *id, int64_t now,
                           struct store_join *ret, struct error *err)
{
    static const struct store_select select = {COLUMNS "WHERE kind = $1 AND id = $2 AND expires > $3", sizeof *ret,
                                               read_join};
    return store_select_one(s, &select, STORE_PARAMS(STORE_T(kind), STORE_T(id), STORE_N(now)), a, ret,
                            "join string of this id", err);
}

enum result store_join_list(struct store *s, struct arena *a, int64_t now, struct store_join **ret, size_t *ret_count,
                            struct error *err)
{
    static const struct store_select select = {COLUMNS "WHERE expires > $1 ORDER BY kind, id", sizeof **ret, read_join};
    return store_select_all(s, &select, STORE_PARAMS(STORE_N(now)), a, ret, ret_count, err);
}

enum result store_join_use(struct store *s, const struct store_join *j, struct error *err)
{
    enum result r = store_begin(s, STORE_DURABLE, err);
    if (r != OK)
        return r;
    r = store_change(s,
                     "UPDATE join_key SET used = $3, spki = $4, answer = $5 "
                     "WHERE kind = $1 AND id = $2 AND jwk = $6 AND used = 0 AND expires > $3",
                     STORE_PARAMS(STORE_T(j->kind), STORE_T(j->id), STORE_N(j->used), STORE_T(j->spki),
                                  STORE_T(j->answer), STORE_T(j->jwk)),
                     "unused join string of this id", err);
    if (r == OK)
        r = store_bump(s, STORE_CONNECTORS, err);
    return store_end(s, r, err);
}

static enum result drop(struct store *s, const char *sql, const struct store_value *params, size_t count,
                        struct error *err)
{
    int64_t changed = 0;
    enum result r = store_begin(s, STORE_DURABLE, err);
    if (r != OK)
        return r;
    r = store_exec(s, sql, params, count, &changed, err);
    if (r == OK && changed)
        r = store_bump(s, STORE_CONNECTORS, err);
    return store_end(s, r, err);
}

/* Asked first, for who is heard of each minute: a transaction is dear. */
enum result store_join_heard(struct store *s, const char *kind, const char *id, struct error *err)
{
    int64_t there;
    enum result r = store_query_int(s, "SELECT COUNT(*) FROM join_key WHERE kind = $1 AND id = $2 AND used > 0",
                                    KEY(kind, id), &there, err);
    if (r != OK || !there)
        return r;
    return drop(s, "DELETE FROM join_key WHERE kind = $1 AND id = $2 AND used > 0", KEY(kind, id), err);
}

enum result store_join_remove(struct store *s, const char *kind, const char *id, struct error *err)
{
    return drop(s, "DELETE FROM join_key WHERE kind = $1 AND id = $2", KEY(kind, id), err);
}

enum result store_join_expire(struct store *s, int64_t now, struct error *err)
{
    int64_t there;
    enum result r = store_query_int(s, "SELECT COUNT(*) FROM join_key WHERE expires <= $1", STORE_PARAMS(STORE_N(now)),
                                    &there, err);
    if (r != OK || !there)
        return r;
    return drop(s, "DELETE FROM join_key WHERE expires <= $1", STORE_PARAMS(STORE_N(now)), err);
}
