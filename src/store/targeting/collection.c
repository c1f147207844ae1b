/* SPDX-License-Identifier: Apache-2.0 */
/* Rows of tables collection and collection_member. */
#include "store/targeting/collection.h"

#include "base/clock.h"
#include "store/row.h"
#include "store/sequence.h"

enum { TARGETS_MAX = 16 * 1024 * 1024 };

#define COLUMNS                                                                                                        \
    "SELECT c.name, c.rules, c.created, "                                                                              \
    "(SELECT COUNT(*) FROM collection_member m WHERE m.collection = c.name AND m.guid = $1) FROM collection c "

static void read_collection(struct store_reader *r, void *ret)
{
    struct store_collection *c = ret;
    c->name = store_read_text(r, 0);
    c->rules = store_read_text(r, 1);
    c->created = store_read_int(r, 2);
    c->has = store_read_int(r, 3) != 0;
}

enum result store_collection_put(struct store *s, const char *name, const char *rules, struct error *err)
{
    int64_t changed;
    enum result r = store_exec(s,
                               "INSERT INTO collection (name, rules, created) VALUES ($1, $2, $3) "
                               "ON CONFLICT (name) DO UPDATE SET rules = $2 WHERE collection.rules <> $2",
                               STORE_PARAMS(STORE_T(name), STORE_T(rules), STORE_N(clock_wall_s())), &changed, err);
    return r == OK && changed ? store_sequence_policy_bump(s, NULL, err) : r;
}

enum result store_collection_get(struct store *s, struct arena *arena, const char *name, struct store_collection *ret,
                                 struct error *err)
{
    static const struct store_select select = {COLUMNS "WHERE c.name = $2", sizeof *ret, read_collection};
    return store_select_one(s, &select, STORE_PARAMS(STORE_T(""), STORE_T(name)), arena, ret, "collection of this name",
                            err);
}

enum result store_collection_list(struct store *s, struct arena *arena, const char *guid, struct store_collection **ret,
                                  size_t *ret_count, struct error *err)
{
    static const struct store_select select = {COLUMNS "ORDER BY c.name", sizeof **ret, read_collection};
    return store_select_all(s, &select, STORE_PARAMS(STORE_T(guid)), arena, ret, ret_count, err);
}

static void read_names(struct store_reader *r, void *ret)
{
    *(const char **)ret = store_read_text(r, 0);
}

static enum result no_policy_is_for(struct store *s, const char *name, struct error *err)
{
    static const struct store_select select = {"SELECT collections FROM policy WHERE collections <> ''", sizeof(char *),
                                               read_names};
    struct arena *a = arena_new(TARGETS_MAX);
    const char **list;
    size_t count;
    enum result r = store_select_all(s, &select, STORE_NO_PARAMS, a, &list, &count, err);
    for (size_t i = 0; r == OK && i < count; i++) {
        struct slice rest = slice_of(list[i]);
        while (r == OK && rest.len) {
            if (slice_eq(slice_cut(&rest, '\n'), slice_of(name)))
                r = error_set(err, R_CONFLICT, "policies are for collection '%s': remove those first", name);
        }
    }
    arena_free(a);
    return r;
}

enum result store_collection_remove(struct store *s, const char *name, struct error *err)
{
    int64_t used;
    enum result r = store_query_int(s, "SELECT COUNT(*) FROM client_settings WHERE collection = $1",
                                    STORE_PARAMS(STORE_T(name)), &used, err);
    if (r == OK && used)
        return error_set(err, R_CONFLICT, "client settings are for collection '%s': remove those first", name);
    if (r == OK)
        r = no_policy_is_for(s, name, err);
    return r == OK ? store_change(s, "DELETE FROM collection WHERE name = $1", STORE_PARAMS(STORE_T(name)),
                                  "collection of this name", err)
                   : r;
}

static enum result put_member(struct store *s, const char *name, const char *guid, bool member, int64_t *ret_changed,
                              struct error *err)
{
    return store_exec(s,
                      member ? "INSERT INTO collection_member (collection, guid) VALUES ($1, $2) ON CONFLICT DO NOTHING"
                             : "DELETE FROM collection_member WHERE collection = $1 AND guid = $2",
                      STORE_PARAMS(STORE_T(name), STORE_T(guid)), ret_changed, err);
}

enum result store_collection_member(struct store *s, const char *name, const char *guid, bool member, struct error *err)
{
    int64_t changed;
    enum result r = put_member(s, name, guid, member, &changed, err);
    return r == OK && changed ? store_sequence_policy_bump(s, guid, err) : r;
}

enum result store_collection_join(struct store *s, const char *name, const char *guid, struct error *err)
{
    int64_t changed;
    enum result r = put_member(s, name, guid, true, &changed, err);
    return r == OK && changed ? store_sequence_policy_moved(s, guid, err) : r;
}

static void read_guid(struct store_reader *r, void *ret)
{
    *(const char **)ret = store_read_text(r, 0);
}

enum result store_collection_page(struct store *s, struct arena *arena, const char *after, int64_t limit,
                                  struct store_collection **ret, size_t *ret_count, struct error *err)
{
    static const struct store_select select = {COLUMNS "WHERE c.name > $2 ORDER BY c.name LIMIT $3", sizeof **ret,
                                               read_collection};
    return store_select_all(s, &select, STORE_PARAMS(STORE_T(""), STORE_T(after), STORE_N(limit)), arena, ret,
                            ret_count, err);
}

enum result store_collection_count(struct store *s, const char *name, int64_t *ret, struct error *err)
{
    return store_query_int(s, "SELECT COUNT(*) FROM collection_member WHERE collection = $1",
                           STORE_PARAMS(STORE_T(name)), ret, err);
}

enum result store_collection_listed_of_page(struct store *s, struct arena *arena, const char *name, const char *first,
                                            const char *last, const char ***ret, size_t *ret_count, struct error *err)
{
    static const struct store_select select = {
        "SELECT guid FROM collection_member WHERE collection = $1 AND guid >= $2 AND guid <= $3 ORDER BY guid",
        sizeof **ret, read_guid};
    return store_select_all(s, &select, STORE_PARAMS(STORE_T(name), STORE_T(first), STORE_T(last)), arena, ret,
                            ret_count, err);
}

enum result store_collection_listed(struct store *s, struct arena *arena, const char *name, const char ***ret,
                                    size_t *ret_count, struct error *err)
{
    /* dashes stand at the same places of all GUIDs, so every collation sorts them as bytes */
    static const struct store_select select = {"SELECT guid FROM collection_member WHERE collection = $1 ORDER BY guid",
                                               sizeof **ret, read_guid};
    return store_select_all(s, &select, STORE_PARAMS(STORE_T(name)), arena, ret, ret_count, err);
}
