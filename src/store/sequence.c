/* SPDX-License-Identifier: Apache-2.0 */
/* Rows of table sequence. */
#include "store/sequence.h"

#include <stdio.h>

#include "base/clock.h"
#include "base/text/encode.h"

/* Of both engines: neither has the other's name for the greater of two numbers. */
#define AT_LEAST(value, least) "CASE WHEN " value " > " least " THEN " value " ELSE " least " END"

enum result store_sequence_bump(struct store *s, const char *name, struct error *err)
{
    return store_exec(s,
                      "INSERT INTO sequence (name, value, changed) VALUES ($1, $2, $2) "
                      "ON CONFLICT (name) DO UPDATE SET value = " AT_LEAST("sequence.value + 1", "$2") ", changed = $2",
                      STORE_PARAMS(STORE_T(name), STORE_N(clock_wall_s())), NULL, err);
}

enum result store_sequence_count(struct store *s, const char *name, struct error *err)
{
    return store_exec(s,
                      "INSERT INTO sequence (name, value, changed) VALUES ($1, 1, $2) "
                      "ON CONFLICT (name) DO UPDATE SET value = sequence.value + 1, changed = $2",
                      STORE_PARAMS(STORE_T(name), STORE_N(clock_wall_s())), NULL, err);
}

static enum result bump_connectors(struct store *s, struct error *err)
{
    return store_exec(s,
                      "UPDATE sequence SET value = " AT_LEAST("value + 1", "$1") ", changed = $1 "
                                                                                 "WHERE name LIKE 'connector:%'",
                      STORE_PARAMS(STORE_N(clock_wall_s())), NULL, err);
}

enum result store_bump(struct store *s, unsigned what, struct error *err)
{
    enum result r = store_begin(s, STORE_DURABLE, err);
    if (r != OK)
        return r;
    r = store_sequence_bump(s, STORE_SEQUENCE_SITE, err);
    if (r == OK && (what & (STORE_BUNDLE | STORE_LOCATION)))
        r = store_sequence_bump(s, STORE_SEQUENCE_BUNDLE, err);
    if (r == OK && (what & STORE_LOCATION))
        r = store_sequence_bump(s, STORE_SEQUENCE_LOCATION, err);
    if (r == OK && (what & STORE_CONNECTORS))
        r = bump_connectors(s, err);
    store_mark_bumped(s);
    return store_end(s, r, err);
}

enum result store_sequence_get(struct store *s, const char *name, int64_t *ret, int64_t *ret_changed, struct error *err)
{
    struct store_rows *rows;
    *ret = 0;
    if (ret_changed)
        *ret_changed = 0;
    enum result r =
        store_query(s, "SELECT value, changed FROM sequence WHERE name = $1", STORE_PARAMS(STORE_T(name)), &rows, err);
    if (r != OK)
        return r;
    r = store_rows_next(rows, err);
    if (r == OK) {
        *ret = store_rows_int(rows, 0);
        if (ret_changed)
            *ret_changed = store_rows_int(rows, 1);
    }
    store_rows_free(rows);
    return r == R_EOF ? OK : r;
}

enum result store_sequence_put(struct store *s, const char *name, int64_t value, int64_t now, struct error *err)
{
    return store_exec(s,
                      "INSERT INTO sequence (name, value, changed) VALUES ($1, $2, $3) "
                      "ON CONFLICT (name) DO UPDATE SET value = $2, changed = $3",
                      STORE_PARAMS(STORE_T(name), STORE_N(value), STORE_N(now)), NULL, err);
}

/* --- what devices cause --- */

/* value 1: a bump waits; changed: the last one. A time to come is a clock's that was wrong. */
#define GATHERED "gathered"

static enum result bumped_lately(struct store *s, int64_t now, bool *ret, struct error *err)
{
    int64_t at, value;
    enum result r = store_sequence_get(s, GATHERED, &value, &at, err);
    *ret = r == OK && at > now - STORE_GATHER_S && at <= now;
    return r;
}

static enum result put_gathered(struct store *s, int64_t now, struct error *err)
{
    enum result r = store_sequence_put(s, GATHERED, 0, now, err);
    return r == OK ? store_bump(s, STORE_BUNDLE, err) : r;
}

enum result store_bump_gathered(struct store *s, struct error *err)
{
    int64_t now = clock_wall_s();
    bool lately;
    enum result r = bumped_lately(s, now, &lately, err);
    if (r != OK || !lately)
        return r == OK ? put_gathered(s, now, err) : r;
    return store_exec(s, "UPDATE sequence SET value = 1 WHERE name = '" GATHERED "'", STORE_NO_PARAMS, NULL, err);
}

static enum result bump_what_waits(struct store *s, struct error *err)
{
    int64_t now = clock_wall_s(), waits;
    bool lately;
    enum result r = store_sequence_get(s, GATHERED, &waits, NULL, err);
    if (r == OK)
        r = bumped_lately(s, now, &lately, err);
    return r == OK && waits == 1 && !lately ? put_gathered(s, now, err) : r;
}

/* --- policies --- */

/* What the numbers of one device's policy are lifted by. */
#define LIFT "policy-lift"
#define OWN_SIZE (sizeof LIFT + GUID_SIZE)

static void own_name(const char *kind, const char *guid, char ret[OWN_SIZE])
{
    (void)snprintf(ret, OWN_SIZE, "%s:%.36s", kind, guid);
}

/* The last number that anybody's policy was given: so all devices' next one is above each device's own, and its own
 * above all devices'. */
#define LAST_POLICY "policies"

static enum result give_policy(struct store *s, const char *name, struct error *err)
{
    int64_t last;
    enum result r = store_sequence_bump(s, LAST_POLICY, err);
    if (r == OK)
        r = store_sequence_get(s, LAST_POLICY, &last, NULL, err);
    return r == OK ? store_sequence_put(s, name, last, clock_wall_s(), err) : r;
}

enum result store_sequence_policy_next(struct store *s, const char *guid, struct error *err)
{
    char name[OWN_SIZE] = STORE_SEQUENCE_POLICY;
    if (guid)
        own_name(STORE_SEQUENCE_POLICY, guid, name);
    return give_policy(s, name, err);
}

/* While no policy is for a collection, nothing depends on membership. */
static enum result is_targeted(struct store *s, bool *ret, struct error *err)
{
    int64_t count = 0;
    enum result r =
        store_query_int(s, "SELECT COUNT(*) FROM (SELECT 1 FROM policy WHERE collections <> '' LIMIT 1) AS targeted",
                        STORE_NO_PARAMS, &count, err);
    *ret = count > 0;
    return r;
}

static enum result bump_policy(struct store *s, const char *guid, struct error *err)
{
    bool targeted;
    enum result r = is_targeted(s, &targeted, err);
    return r == OK && targeted ? store_sequence_policy_next(s, guid, err) : r;
}

/* Whom client settings do not let use the gateways is in the bundle: while they forbid it to anybody, another device or
 * membership may change that. */
static enum result is_forbidden_to_anybody(struct store *s, bool *ret, struct error *err)
{
    int64_t forbidding = 0;
    enum result r =
        store_query_int(s, "SELECT COUNT(*) FROM client_settings WHERE settings LIKE '%\"allow_cmg\":false%'",
                        STORE_NO_PARAMS, &forbidding, err);
    *ret = forbidding > 0;
    return r;
}

enum result store_sequence_policy_bump(struct store *s, const char *guid, struct error *err)
{
    bool forbidden;
    enum result r = store_begin(s, STORE_DURABLE, err);
    if (r != OK)
        return r;
    r = bump_policy(s, guid, err);
    if (r == OK)
        r = is_forbidden_to_anybody(s, &forbidden, err);
    if (r == OK && forbidden)
        r = store_bump(s, STORE_BUNDLE, err);
    return store_end(s, r, err);
}

enum result store_sequence_disallowed_moved(struct store *s, struct error *err)
{
    bool forbidden;
    enum result r = is_forbidden_to_anybody(s, &forbidden, err);
    return r == OK && forbidden ? store_bump_gathered(s, err) : r;
}

enum result store_sequence_policy(struct store *s, const char *guid, int64_t *ret, struct error *err)
{
    char name[OWN_SIZE], lift[OWN_SIZE];
    int64_t all, own, lifted_by;
    own_name(STORE_SEQUENCE_POLICY, guid, name);
    own_name(LIFT, guid, lift);
    enum result r = store_sequence_get(s, STORE_SEQUENCE_POLICY, &all, NULL, err);
    if (r == OK)
        r = store_sequence_get(s, name, &own, NULL, err);
    if (r == OK)
        r = store_sequence_get(s, lift, &lifted_by, NULL, err);
    if (r == OK)
        *ret = (all > own ? all : own) + lifted_by;
    return r;
}

struct own_number {
    char name[OWN_SIZE]; /* of what lifts it */
    int64_t last, lifted_by, at;
};

static enum result read_own(struct store *s, const char *guid, struct own_number *ret, struct error *err)
{
    own_name(LIFT, guid, ret->name);
    enum result r = store_sequence_policy(s, guid, &ret->last, err);
    return r == OK ? store_sequence_get(s, ret->name, &ret->lifted_by, &ret->at, err) : r;
}

/* By what lifts its numbers alone, not by the count that all share: a device that does it again and again would carry
 * that beyond the time, which a restored store counts on. One row, in a transaction that is written anyway. */
static enum result raise_own(struct store *s, const char *guid, struct error *err)
{
    struct own_number n;
    int64_t now = clock_wall_s();
    enum result r = read_own(s, guid, &n, err);
    return r == OK ? store_sequence_put(s, n.name, n.lifted_by + (now > n.last ? now - n.last : 1), n.at, err) : r;
}

enum result store_sequence_policy_moved(struct store *s, const char *guid, struct error *err)
{
    bool targeted;
    enum result r = is_targeted(s, &targeted, err);
    if (r == OK && targeted)
        r = raise_own(s, guid, err);
    return r == OK ? store_sequence_disallowed_moved(s, err) : r;
}

/* Every later number of this device is above its former ones still, and above what it heard, by the same. */
static enum result lift_policy(struct store *s, const char *guid, int64_t heard, bool *ret, struct error *err)
{
    struct own_number n;
    int64_t now = clock_wall_s();
    *ret = false;
    enum result r = read_own(s, guid, &n, err);
    if (r != OK || heard <= n.last || (n.at > now - STORE_LIFT_EVERY_S && n.at <= now))
        return r;
    *ret = true;
    return store_sequence_put(s, n.name, n.lifted_by + heard + 1 - n.last, now, err);
}

enum result store_sequence_policy_lift(struct store *s, const char *guid, int64_t heard, bool *ret, struct error *err)
{
    enum result r = store_begin(s, STORE_DURABLE, err);
    return r == OK ? store_end(s, lift_policy(s, guid, heard, ret, err), err) : r;
}

enum result store_sequence_policy_forget(struct store *s, const char *guid, struct error *err)
{
    char name[OWN_SIZE], lift[OWN_SIZE], audit[sizeof STORE_SEQUENCE_AUDIT + GUID_SIZE];
    own_name(STORE_SEQUENCE_POLICY, guid, name);
    own_name(LIFT, guid, lift);
    (void)snprintf(audit, sizeof audit, STORE_SEQUENCE_AUDIT "%.36s", guid);
    return store_exec(s, "DELETE FROM sequence WHERE name IN ($1, $2, $3)",
                      STORE_PARAMS(STORE_T(name), STORE_T(lift), STORE_T(audit)), NULL, err);
}

/* --- documents that end, and a store that went back --- */

/* The count of rows that changed tells whether another process was first. */
static enum result refresh(struct store *s, int64_t older_than, int64_t newer_than, struct error *err)
{
    int64_t changed;
    enum result r = store_exec(
        s,
        "UPDATE sequence SET value = " AT_LEAST(
            "value + 1", "$1") ", changed = $1 WHERE (changed < $2 OR "
                               "changed > $3) AND (name IN ('bundle', 'location') OR name LIKE 'connector:%')",
        STORE_PARAMS(STORE_N(clock_wall_s()), STORE_N(older_than), STORE_N(newer_than)), &changed, err);
    if (r != OK || changed == 0)
        return r;
    store_mark_bumped(s);
    return store_sequence_bump(s, STORE_SEQUENCE_SITE, err);
}

enum result store_sequence_refresh(struct store *s, int64_t older_than, int64_t newer_than, struct error *err)
{
    enum result r = store_begin(s, STORE_DURABLE, err);
    if (r != OK)
        return r;
    r = bump_what_waits(s, err);
    if (r == OK)
        r = refresh(s, older_than, newer_than, err);
    return store_end(s, r, err);
}

static enum result raise_documents(struct store *s, int64_t least, struct error *err)
{
    return store_exec(s,
                      "UPDATE sequence SET value = " AT_LEAST("value", "$1") " WHERE name IN ('bundle', 'location') OR "
                                                                             "name LIKE 'connector:%'",
                      STORE_PARAMS(STORE_N(least)), NULL, err);
}

static enum result raise_policies(struct store *s, int64_t least, struct error *err)
{
    return store_exec(s,
                      "INSERT INTO sequence (name, value, changed) VALUES ('" LAST_POLICY "', $1, $2) "
                      "ON CONFLICT (name) DO UPDATE SET value = " AT_LEAST("sequence.value", "$1"),
                      STORE_PARAMS(STORE_N(least), STORE_N(clock_wall_s())), NULL, err);
}

/* Devices' policies, too: what put the one back put the other back. */
static enum result lift(struct store *s, int64_t heard, struct error *err)
{
    enum result r = raise_documents(s, heard, err);
    if (r == OK)
        r = raise_policies(s, heard, err);
    if (r == OK)
        r = store_bump(s, STORE_LOCATION | STORE_CONNECTORS, err);
    return r == OK ? store_sequence_policy_next(s, NULL, err) : r;
}

enum result store_sequence_lift(struct store *s, int64_t heard, struct error *err)
{
    enum result r = store_begin(s, STORE_DURABLE, err);
    if (r != OK)
        return r;
    return store_end(s, lift(s, heard, err), err);
}
