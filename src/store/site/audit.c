/* SPDX-License-Identifier: Apache-2.0 */
/* Rows of table audit. */
#include "store/site/audit.h"

#include <inttypes.h>
#include <stdio.h>

#include "base/clock.h"
#include "store/row.h"
#include "store/sequence.h"

enum { OBJECT_SIZE = 40 }; /* GUIDs, ids of gateways and connectors */

static enum result add(struct store *s, const struct store_audit *a, struct error *err)
{
    int64_t id;
    enum result r = store_sequence_count(s, "audit", err);
    if (r == OK)
        r = store_sequence_get(s, "audit", &id, NULL, err);
    if (r != OK)
        return r;
    return store_exec(s, "INSERT INTO audit (id, at, caller, action, object, detail) VALUES ($1, $2, $3, $4, $5, $6)",
                      STORE_PARAMS(STORE_N(id), STORE_N(clock_wall_s()), STORE_T(a->caller), STORE_T(a->action),
                                   STORE_T(a->object ? a->object : ""), STORE_T(a->detail ? a->detail : "")),
                      NULL, err);
}

enum result store_audit_add(struct store *s, const struct store_audit *a, struct error *err)
{
    enum result r = store_begin(s, STORE_DURABLE, err);
    if (r != OK)
        return r;
    return store_end(s, add(s, a, err), err);
}

/* --- gathered --- */

/* value: how many there were since `changed`. */
#define GATHERED "audit-gathered"

static enum result settle(struct store *s, int64_t now, int64_t *ret_count, struct error *err)
{
    int64_t since;
    char when[CLOCK_TEXT_SIZE], detail[128];
    enum result r = store_sequence_get(s, GATHERED, ret_count, &since, err);
    if (r != OK || (since > now - STORE_AUDIT_GATHER_S && since <= now))
        return r;
    clock_rfc3339(since, when);
    (void)snprintf(detail, sizeof detail, "%" PRId64 " more since %s, of devices themselves: cmg device list",
                   *ret_count - STORE_AUDIT_GATHERED, when);
    if (*ret_count > STORE_AUDIT_GATHERED)
        r = add(s, &(struct store_audit){.caller = "site", .action = "device.register-gathered", .detail = detail},
                err);
    if (r == OK && *ret_count)
        r = store_sequence_put(s, GATHERED, 0, now, err);
    *ret_count = 0;
    return r;
}

static enum result add_gathered(struct store *s, const struct store_audit *a, struct error *err)
{
    int64_t now = clock_wall_s(), count;
    enum result r = settle(s, now, &count, err);
    if (r == OK && !count)
        r = store_sequence_put(s, GATHERED, 0, now, err);
    if (r == OK)
        r = store_exec(s, "UPDATE sequence SET value = value + 1 WHERE name = '" GATHERED "'", STORE_NO_PARAMS, NULL,
                       err);
    return r == OK && count < STORE_AUDIT_GATHERED ? add(s, a, err) : r;
}

enum result store_audit_add_gathered(struct store *s, const struct store_audit *a, struct error *err)
{
    enum result r = store_begin(s, STORE_DURABLE, err);
    return r == OK ? store_end(s, add_gathered(s, a, err), err) : r;
}

/* value: how many rows of its own the object had since `changed`. */
static enum result add_of_one(struct store *s, const struct store_audit *a, struct error *err)
{
    char name[sizeof STORE_SEQUENCE_AUDIT + OBJECT_SIZE];
    int64_t now = clock_wall_s(), count, since;
    (void)snprintf(name, sizeof name, STORE_SEQUENCE_AUDIT "%.*s", OBJECT_SIZE, a->object);
    enum result r = store_sequence_get(s, name, &count, &since, err);
    if (r != OK)
        return r;
    if (since <= now - STORE_AUDIT_GATHER_S || since > now) {
        count = 0;
        since = now;
    }
    if (count >= STORE_AUDIT_GATHERED)
        return add_gathered(s, a, err);
    r = store_sequence_put(s, name, count + 1, since, err);
    return r == OK ? add(s, a, err) : r;
}

enum result store_audit_add_of_one(struct store *s, const struct store_audit *a, struct error *err)
{
    enum result r = store_begin(s, STORE_DURABLE, err);
    return r == OK ? store_end(s, add_of_one(s, a, err), err) : r;
}

enum result store_audit_settle(struct store *s, struct error *err)
{
    int64_t count;
    enum result r = store_begin(s, STORE_DURABLE, err);
    return r == OK ? store_end(s, settle(s, clock_wall_s(), &count, err), err) : r;
}

static void read_audit(struct store_reader *r, void *ret)
{
    struct store_audit *a = ret;
    a->id = store_read_int(r, 0);
    a->at = store_read_int(r, 1);
    a->caller = store_read_text(r, 2);
    a->action = store_read_text(r, 3);
    a->object = store_read_text(r, 4);
    a->detail = store_read_text(r, 5);
}

#define LOOKED_AT "(SELECT id, at, caller, action, object, detail FROM audit WHERE id < $1 ORDER BY id DESC LIMIT $2)"

struct looked_at {
    int64_t count, last, newest; /* rows, the lowest id, the latest time */
};

static void read_looked_at(struct store_reader *r, void *ret)
{
    struct looked_at *l = ret;
    l->count = store_read_int(r, 0);
    l->last = store_read_int(r, 1);
    l->newest = store_read_int(r, 2);
}

/* Behind what was looked at. Times follow ids but for a clock that was wrong: where all of so many rows are older than
 * what is searched for, so are those before them. */
static enum result next_of(struct store *s, struct arena *arena, const struct store_audit_search *what, int64_t before,
                           int64_t *ret, struct error *err)
{
    static const struct store_select select = {
        "SELECT COUNT(*), COALESCE(MIN(id), 0), COALESCE(MAX(at), 0) FROM " LOOKED_AT " AS looked_at",
        sizeof(struct looked_at), read_looked_at};
    struct looked_at l;
    enum result r = store_select_one(s, &select, STORE_PARAMS(STORE_N(before), STORE_N(STORE_AUDIT_LOOKED_AT)), arena,
                                     &l, "count", err);
    *ret = r == OK && l.count == STORE_AUDIT_LOOKED_AT && l.newest >= what->since ? l.last : 0;
    return r;
}

enum result store_audit_list(struct store *s, struct arena *arena, const struct store_audit_search *what,
                             struct store_audit **ret, size_t *ret_count, int64_t *ret_next, struct error *err)
{
    static const struct store_select select = {
        "SELECT id, at, caller, action, object, detail FROM " LOOKED_AT " AS looked_at "
        "WHERE ($3 = '' OR action = $3 OR SUBSTR(action, 1, LENGTH($3) + 1) = $3 || '.') "
        "AND ($4 = '' OR object = $4) AND at >= $5 ORDER BY id DESC LIMIT $6",
        sizeof(struct store_audit), read_audit};
    int64_t before = what->before ? what->before : INT64_MAX;
    enum result r = store_select_all(
        s, &select,
        STORE_PARAMS(STORE_N(before), STORE_N(STORE_AUDIT_LOOKED_AT), STORE_T(what->action ? what->action : ""),
                     STORE_T(what->object ? what->object : ""), STORE_N(what->since), STORE_N(what->limit)),
        arena, ret, ret_count, err);
    if (r != OK || !ret_next)
        return r;
    if (*ret_count == (size_t)what->limit) {
        *ret_next = (*ret)[*ret_count - 1].id;
        return OK;
    }
    return next_of(s, arena, what, before, ret_next, err);
}
