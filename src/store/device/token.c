/* SPDX-License-Identifier: Apache-2.0 */
/* Rows of tables bulk_token and bulk_use. */
#include "store/device/token.h"

#include "base/clock.h"
#include "store/row.h"
#include "store/sequence.h"

enum { KEEP_S = 30 * 86400, LEEWAY_S = 60 };

#define COLUMNS "SELECT id, issued, expires, uses, used, blocked, networks, names, collection FROM bulk_token "

static void read_token(struct store_reader *r, void *ret)
{
    struct store_token *t = ret;
    t->id = store_read_text(r, 0);
    t->issued = store_read_int(r, 1);
    t->expires = store_read_int(r, 2);
    t->uses = store_read_int(r, 3);
    t->used = store_read_int(r, 4);
    t->blocked = store_read_int(r, 5) != 0;
    t->networks = store_read_text(r, 6);
    t->names = store_read_text(r, 7);
    t->collection = store_read_text(r, 8);
}

const char *store_token_state(const struct store_token *t, int64_t now)
{
    if (t->blocked)
        return "blocked";
    if (t->expires < now)
        return "expired";
    return t->used >= t->uses ? "used" : "valid";
}

enum result store_token_add(struct store *s, const struct store_token *t, struct error *err)
{
    enum result r = store_begin(s, STORE_DURABLE, err);
    if (r != OK)
        return r;
    r = store_exec(s,
                   "INSERT INTO bulk_token (id, issued, expires, uses, used, blocked, networks, names, collection) "
                   "VALUES ($1, $2, $3, $4, 0, 0, $5, $6, $7)",
                   STORE_PARAMS(STORE_T(t->id), STORE_N(t->issued), STORE_N(t->expires), STORE_N(t->uses),
                                STORE_T(t->networks ? t->networks : ""), STORE_T(t->names ? t->names : ""),
                                STORE_T(t->collection ? t->collection : "")),
                   NULL, err);
    return store_end(s, r, err);
}

enum result store_token_get(struct store *s, struct arena *a, const char *id, struct store_token *ret,
                            struct error *err)
{
    static const struct store_select select = {COLUMNS "WHERE id = $1", sizeof *ret, read_token};
    return store_select_one(s, &select, STORE_PARAMS(STORE_T(id)), a, ret, "bulk token of this id", err);
}

static enum result drop_ended(struct store *s, struct error *err)
{
    return store_exec(s, "DELETE FROM bulk_token WHERE expires < $1", STORE_PARAMS(STORE_N(clock_wall_s() - KEEP_S)),
                      NULL, err);
}

enum result store_token_page(struct store *s, struct arena *a, const struct store_token *after, int64_t limit,
                             struct store_token **ret, size_t *ret_count, struct error *err)
{
    static const struct store_select select = {
        COLUMNS "WHERE issued <= $1 AND (issued < $1 OR id < $2) ORDER BY issued DESC, id DESC LIMIT $3", sizeof **ret,
        read_token};
    enum result r = after ? OK : drop_ended(s, err);
    return r == OK ? store_select_all(s, &select,
                                      STORE_PARAMS(STORE_N(after ? after->issued : INT64_MAX),
                                                   STORE_T(after ? after->id : ""), STORE_N(limit)),
                                      a, ret, ret_count, err)
                   : r;
}

enum result store_token_blocked_list(struct store *s, struct arena *a, int64_t now, struct store_token **ret,
                                     size_t *ret_count, struct error *err)
{
    static const struct store_select select = {COLUMNS "WHERE blocked = 1 AND expires >= $1 ORDER BY id", sizeof **ret,
                                               read_token};
    return store_select_all(s, &select, STORE_PARAMS(STORE_N(now - LEEWAY_S)), a, ret, ret_count, err);
}

enum result store_token_block(struct store *s, const char *id, bool blocked, struct error *err)
{
    enum result r = store_begin(s, STORE_DURABLE, err);
    if (r != OK)
        return r;
    r = store_change(s, "UPDATE bulk_token SET blocked = $2 WHERE id = $1", STORE_PARAMS(STORE_T(id), STORE_N(blocked)),
                     "bulk token of this id", err);
    if (r == OK)
        r = store_bump(s, STORE_BUNDLE, err);
    return store_end(s, r, err);
}

/* --- use --- */

enum result store_token_used_by(struct store *s, const char *id, const char *spki, bool *ret, struct error *err)
{
    int64_t found = 0;
    enum result r = store_query_int(s, "SELECT COUNT(*) FROM bulk_use WHERE token = $1 AND spki = $2",
                                    STORE_PARAMS(STORE_T(id), STORE_T(spki)), &found, err);
    *ret = r == OK && found > 0;
    return r;
}

/* Why the count did not go up. */
static enum result say_why(struct store *s, const char *id, int64_t now, struct error *err)
{
    struct arena *a = arena_new(4096);
    struct store_token t;
    enum result r = store_token_get(s, a, id, &t, err);
    if (r == OK && t.blocked)
        r = error_set(err, R_DENIED, "the bulk token is blocked");
    else if (r == OK && t.expires + LEEWAY_S < now)
        r = error_set(err, R_TIMEOUT, "the bulk token has expired");
    else if (r == OK)
        r = error_set(err, R_LIMIT, "the bulk token was used as often as it may be");
    arena_free(a);
    return r;
}

/* First the use by this key, which a second process or a retry can't insert again, then the count, with its limit in
 * the same statement. */
static enum result use(struct store *s, const char *id, const char *spki, int64_t now, struct error *err)
{
    int64_t added = 0, counted;
    struct error constraint;
    enum result r = store_exec(s, "INSERT INTO bulk_use (token, spki, at) VALUES ($1, $2, $3) ON CONFLICT DO NOTHING",
                               STORE_PARAMS(STORE_T(id), STORE_T(spki), STORE_N(now)), &added, &constraint);
    if (r == R_CONFLICT) /* the foreign key: no such token */
        return error_set(err, R_NOTFOUND, "this site has no such bulk token");
    if (r != OK)
        return error_set(err, r, "%s", constraint.text);
    r = store_exec(s,
                   "UPDATE bulk_token SET used = used + $2 WHERE id = $1 AND blocked = 0 AND expires + $4 >= $3 "
                   "AND used + $2 <= uses",
                   STORE_PARAMS(STORE_T(id), STORE_N(added), STORE_N(now), STORE_N(LEEWAY_S)), &counted, err);
    if (r == OK && counted == 0)
        return say_why(s, id, now, err);
    return r;
}

enum result store_token_use(struct store *s, const char *id, const char *spki, int64_t now, struct error *err)
{
    enum result r = store_begin(s, STORE_DURABLE, err);
    return r == OK ? store_end(s, use(s, id, spki, now, err), err) : r;
}
