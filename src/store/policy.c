/* SPDX-License-Identifier: Apache-2.0 */
/* Rows of table policy. */
#include "store/policy.h"

#include "base/clock.h"
#include "base/encode.h"
#include "store/row.h"
#include "store/sequence.h"

#define COLUMNS "SELECT name, id, version, sha256, content, created, changed, users FROM policy "

static void read_policy(struct store_reader *r, void *ret)
{
    struct store_policy *p = ret;
    p->name = store_read_text(r, 0);
    p->id = store_read_text(r, 1);
    p->version = store_read_int(r, 2);
    p->sha256 = store_read_text(r, 3);
    p->content = store_read_text(r, 4);
    p->created = store_read_int(r, 5);
    p->changed = store_read_int(r, 6);
    p->users = store_read_text(r, 7);
}

static enum result put(struct store *s, const char *name, const char *users, struct slice content, const char *sha256,
                       struct error *err)
{
    char id[GUID_SIZE];
    int64_t changed;
    guid_new(id);
    enum result r = store_exec(
        s,
        "INSERT INTO policy (name, id, version, sha256, content, created, changed, users) "
        "VALUES ($1, $2, 1, $3, $4, $5, $5, $6) ON CONFLICT (name) DO UPDATE SET version = policy.version + 1, "
        "sha256 = $3, content = $4, changed = $5, users = $6 WHERE policy.sha256 <> $3 OR policy.users <> $6",
        STORE_PARAMS(STORE_T(name), STORE_T(id), STORE_T(sha256), STORE_S(content), STORE_N(clock_wall_s()),
                     STORE_T(users)),
        &changed, err);
    if (r != OK || changed == 0)
        return r;
    return store_sequence_bump(s, STORE_SEQUENCE_POLICY, err);
}

enum result store_policy_put(struct store *s, const char *name, const char *users, struct slice content,
                             const char *sha256, struct error *err)
{
    if (content.len > STORE_POLICY_MAX)
        return error_set(err, R_LIMIT, "a policy has at most %d bytes", STORE_POLICY_MAX);
    if (strlen(users) > STORE_POLICY_USERS_MAX)
        return error_set(err, R_LIMIT, "the names of a policy's users have at most %d bytes together",
                         STORE_POLICY_USERS_MAX);
    enum result r = store_begin(s, STORE_DURABLE, err);
    if (r != OK)
        return r;
    return store_end(s, put(s, name, users, content, sha256, err), err);
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
    static const struct store_select select = {COLUMNS "WHERE name = $1", sizeof *ret, read_policy};
    return store_select_one(s, &select, STORE_PARAMS(STORE_T(name)), arena, ret, "policy of this name", err);
}

enum result store_policy_list(struct store *s, struct arena *arena, struct store_policy **ret, size_t *ret_count,
                              struct error *err)
{
    static const struct store_select select = {COLUMNS "ORDER BY name", sizeof **ret, read_policy};
    return store_select_all(s, &select, STORE_NO_PARAMS, arena, ret, ret_count, err);
}

enum result store_policy_remove(struct store *s, const char *name, struct error *err)
{
    enum result r = store_begin(s, STORE_DURABLE, err);
    if (r != OK)
        return r;
    r = store_change(s, "DELETE FROM policy WHERE name = $1", STORE_PARAMS(STORE_T(name)), "policy of this name", err);
    if (r == OK)
        r = store_sequence_bump(s, STORE_SEQUENCE_POLICY, err);
    return store_end(s, r, err);
}
