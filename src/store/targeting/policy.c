/* SPDX-License-Identifier: Apache-2.0 */
/* Rows of table policy. */
#include "store/targeting/policy.h"

#include "base/clock.h"
#include "base/text/encode.h"
#include "store/row.h"
#include "store/sequence.h"

#define COLUMNS(content)                                                                                               \
    "SELECT name, id, version, sha256, " content ", size, created, changed, users, collections, "                      \
    "content_name, content_version, handler FROM policy "

static void read_policy(struct store_reader *r, void *ret)
{
    struct store_policy *p = ret;
    p->name = store_read_text(r, 0);
    p->id = store_read_text(r, 1);
    p->version = store_read_int(r, 2);
    p->sha256 = store_read_text(r, 3);
    p->content = store_read_text(r, 4);
    p->size = store_read_int(r, 5);
    p->created = store_read_int(r, 6);
    p->changed = store_read_int(r, 7);
    p->users = store_read_text(r, 8);
    p->collections = store_read_text(r, 9);
    p->content_name = store_read_text(r, 10);
    p->content_version = store_read_text(r, 11);
    p->handler = store_read_text(r, 12);
}

static enum result check_collections(struct store *s, const char *collections, struct error *err)
{
    struct slice rest = slice_of(collections);
    size_t count = 0;
    while (rest.len) {
        struct slice name = slice_cut(&rest, '\n');
        int64_t there;
        enum result r = store_query_int(s, "SELECT COUNT(*) FROM collection WHERE name = $1",
                                        STORE_PARAMS(STORE_S(name)), &there, err);
        if (r != OK)
            return r;
        if (!there)
            return error_set(err, R_NOTFOUND, "no collection '%" PRIslice "'", SLICE_ARG(name));
        if (++count > STORE_POLICY_COLLECTIONS_MAX)
            return error_set(err, R_LIMIT, "a policy is for at most %d collections", STORE_POLICY_COLLECTIONS_MAX);
    }
    return OK;
}

static enum result put(struct store *s, const struct store_policy *p, struct error *err)
{
    char id[GUID_SIZE];
    int64_t changed;
    guid_new(id);
    enum result r = check_collections(s, p->collections, err);
    if (r != OK)
        return r;
    r = store_exec(
        s,
        "INSERT INTO policy (name, id, version, sha256, content, created, changed, users, collections, size, "
        "content_name, content_version, handler) VALUES ($1, $2, 1, $3, $4, $5, $5, $6, $7, $8, $9, $10, $11) "
        "ON CONFLICT (name) DO UPDATE SET version = policy.version + 1, sha256 = $3, content = $4, changed = $5, "
        "users = $6, collections = $7, size = $8, content_name = $9, content_version = $10, handler = $11 "
        "WHERE policy.sha256 <> $3 OR policy.users <> $6 OR policy.collections <> $7 OR policy.content_name <> $9 OR "
        "policy.content_version <> $10 OR policy.handler <> $11",
        STORE_PARAMS(STORE_T(p->name), STORE_T(id), STORE_T(p->sha256), STORE_T(p->content), STORE_N(clock_wall_s()),
                     STORE_T(p->users), STORE_T(p->collections), STORE_N(strlen(p->content)), STORE_T(p->content_name),
                     STORE_T(p->content_version), STORE_T(p->handler)),
        &changed, err);
    if (r != OK || changed == 0)
        return r;
    return store_sequence_policy_next(s, NULL, err);
}

enum result store_policy_put(struct store *s, const struct store_policy *p, struct error *err)
{
    if (strlen(p->content) > STORE_POLICY_MAX)
        return error_set(err, R_LIMIT, "a policy has at most %d bytes", STORE_POLICY_MAX);
    if (strlen(p->users) > STORE_POLICY_USERS_MAX)
        return error_set(err, R_LIMIT, "the names of a policy's users have at most %d bytes together",
                         STORE_POLICY_USERS_MAX);
    enum result r = store_begin(s, STORE_DURABLE, err);
    if (r != OK)
        return r;
    return store_end(s, put(s, p, err), err);
}

bool store_policy_is_of(const struct store_policy *p, const char *user)
{
    struct slice rest = slice_of(p->users);
    if (slice_eq(rest, SLICE("*")))
        return true;
    while (rest.len) {
        if (slice_eq_nocase(slice_cut(&rest, '\n'), slice_of(user)))
            return true;
    }
    return false;
}

enum result store_policy_get(struct store *s, struct arena *arena, const char *name, struct store_policy *ret,
                             struct error *err)
{
    static const struct store_select select = {COLUMNS("content") "WHERE name = $1", sizeof *ret, read_policy};
    return store_select_one(s, &select, STORE_PARAMS(STORE_T(name)), arena, ret, "policy of this name", err);
}

enum result store_policy_list(struct store *s, struct arena *arena, struct store_policy **ret, size_t *ret_count,
                              struct error *err)
{
    static const struct store_select select = {COLUMNS("content") "ORDER BY name", sizeof **ret, read_policy};
    return store_select_all(s, &select, STORE_NO_PARAMS, arena, ret, ret_count, err);
}

enum result store_policy_page(struct store *s, struct arena *arena, const char *after, int64_t limit,
                              struct store_policy **ret, size_t *ret_count, struct error *err)
{
    static const struct store_select select = {COLUMNS("''") "WHERE name > $1 ORDER BY name LIMIT $2", sizeof **ret,
                                               read_policy};
    return store_select_all(s, &select, STORE_PARAMS(STORE_T(after), STORE_N(limit)), arena, ret, ret_count, err);
}

enum result store_policy_naming(struct store *s, struct arena *arena, const char *sha256, struct store_policy **ret,
                                size_t *ret_count, struct error *err)
{
    static const struct store_select select = {
        COLUMNS("''") "WHERE content_name <> '' AND EXISTS (SELECT 1 FROM content_file WHERE sha256 = $1 AND "
                      "name = policy.content_name AND version = policy.content_version) ORDER BY name",
        sizeof **ret, read_policy};
    return store_select_all(s, &select, STORE_PARAMS(STORE_T(sha256)), arena, ret, ret_count, err);
}

enum result store_policy_remove(struct store *s, const char *name, struct error *err)
{
    enum result r = store_begin(s, STORE_DURABLE, err);
    if (r != OK)
        return r;
    r = store_change(s, "DELETE FROM policy WHERE name = $1", STORE_PARAMS(STORE_T(name)), "policy of this name", err);
    if (r == OK)
        r = store_sequence_policy_next(s, NULL, err);
    return store_end(s, r, err);
}
