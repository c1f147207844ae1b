/* SPDX-License-Identifier: Apache-2.0 */
/* Questions over the rows of table device, and the rows of table removed_credential. Each part of a UNION has an index
 * of its own. */
#include "store/device/known.h"

#include "store/row.h"

/* --- who is known --- */

static void read_known(struct store_reader *r, void *ret)
{
    struct store_known *k = ret;
    k->guid = store_read_text(r, 0);
    k->name = store_read_text(r, 1);
    k->what = store_read_text(r, 2);
    k->blocked = store_read_int(r, 3) != 0;
    k->removed = store_read_int(r, 4) != 0;
    k->stands = store_read_int(r, 5) != 0;
}

static enum result find_removed(struct store *s, struct arena *a, const struct store_claim *c, struct store_known *ret,
                                struct error *err)
{
    static const struct store_select select = {
        "SELECT r.guid, r.name, asked.what, 0, 1, 1 FROM ("
        "SELECT 'key' AS kind, $1 AS value, 'key' AS what, 1 AS place "
        "UNION ALL SELECT 'key', $2, 'key', 2 "
        "UNION ALL SELECT 'certificate', $3, 'certificate', 3 "
        "UNION ALL SELECT 'entra', $4 || '/' || $5, 'Entra device', 4 "
        "UNION ALL SELECT 'name', LOWER($6), 'name', 5 "
        "UNION ALL SELECT 'hardware', $7, 'hardware id', 6"
        ") AS asked JOIN removed_credential r ON r.kind = asked.kind AND r.value = asked.value "
        "WHERE r.removed > $8 ORDER BY asked.place LIMIT 1",
        sizeof *ret, read_known};
    return store_select_one(s, &select,
                            STORE_PARAMS(STORE_T(c->spki), STORE_T(c->machine), STORE_T(c->certificate),
                                         STORE_T(c->tenant), STORE_T(c->entra_device), STORE_T(c->vouched_name),
                                         STORE_T(c->hardware_id), STORE_N(c->since)),
                            a, ret, "removed device", err);
}

enum result store_known_find(struct store *s, struct arena *a, const struct store_claim *c, struct store_known *ret,
                             struct error *err)
{
    /* what is "" is asked for nowhere, which the planner sees too */
    static const struct store_select select = {
        "SELECT d.guid, d.name, k.what, d.blocked, 0, k.stands FROM ("
        "SELECT guid, 'Entra device' AS what, 1 AS place, 1 AS stands FROM device "
        "WHERE entra_tenant = $1 AND entra_device = $2 AND $2 <> '' "
        "UNION ALL SELECT guid, 'hardware id', 2, CASE WHEN hardware_by <> '' THEN 1 ELSE 0 END FROM device WHERE "
        "hardware_id = $3 AND $3 <> '' "
        "UNION ALL SELECT guid, 'name', 3, 0 FROM device WHERE LOWER(name) = LOWER($4) AND $4 <> '' "
        "UNION ALL SELECT guid, 'name', 4, 0 FROM device WHERE LOWER(name) = LOWER($5) AND $5 <> '' "
        "UNION ALL SELECT guid, 'name', 5, 1 FROM device WHERE LOWER(vouched_name) = LOWER($4) AND $4 <> '' "
        "UNION ALL SELECT guid, 'name', 6, 1 FROM device WHERE LOWER(vouched_name) = LOWER($5) AND $5 <> ''"
        ") AS k JOIN device d ON d.guid = k.guid WHERE d.guid <> $6 AND d.machine <> $7 "
        "AND NOT (d.state = 'pending' AND d.voucher = 'nobody') ORDER BY d.blocked DESC, k.stands DESC, k.place, "
        "d.guid LIMIT 1",
        sizeof *ret, read_known};
    struct store_known removed;
    enum result r = store_select_one(s, &select,
                                     STORE_PARAMS(STORE_T(c->tenant), STORE_T(c->entra_device), STORE_T(c->hardware_id),
                                                  STORE_T(c->name), STORE_T(c->vouched_name), STORE_T(c->guid),
                                                  STORE_T(c->machine)),
                                     a, ret, "device that is known by any of it", err);
    if (r != R_NOTFOUND && (r != OK || ret->blocked))
        return r;
    enum result of_removed = find_removed(s, a, c, &removed, err);
    if (of_removed == OK)
        *ret = removed;
    return of_removed == R_NOTFOUND ? r : of_removed;
}

static enum result ask(struct store *s, const char *sql, const struct store_value *params, size_t count, bool *ret,
                       struct error *err)
{
    int64_t found = 0;
    enum result r = store_query_int(s, sql, params, count, &found, err);
    *ret = r == OK && found > 0;
    return r;
}

enum result store_machine_blocked(struct store *s, const char *machine, bool *ret, struct error *err)
{
    return ask(s, "SELECT COUNT(*) FROM device WHERE machine = $1 AND machine_proven = 1 AND blocked = 1",
               STORE_PARAMS(STORE_T(machine)), ret, err);
}

enum result store_machine_is_another(struct store *s, const char *machine, const char *name, bool *ret,
                                     struct error *err)
{
    return ask(s,
               "SELECT COUNT(*) FROM device WHERE machine = $1 AND vouched_by = 'certificate' AND "
               "LOWER(vouched_name) <> LOWER($2)",
               STORE_PARAMS(STORE_T(machine), STORE_T(name)), ret, err);
}

enum result store_known_waiting(struct store *s, const struct store_claim *c, bool vouched, int64_t *ret,
                                struct error *err)
{
    return store_query_int(s,
                           "SELECT COUNT(*) FROM (SELECT guid FROM device WHERE hardware_id = $1 AND $1 <> '' "
                           "AND state = 'pending' AND (voucher <> 'nobody' OR $3 = 0) "
                           "UNION SELECT guid FROM device WHERE LOWER(name) = LOWER($2) AND state = 'pending' "
                           "AND (voucher <> 'nobody' OR $3 = 0) "
                           "UNION SELECT guid FROM device WHERE entra_tenant = $4 AND entra_device = $5 AND $5 <> '' "
                           "AND state = 'pending') AS waiting",
                           STORE_PARAMS(STORE_T(c->hardware_id), STORE_T(c->name), STORE_N(vouched), STORE_T(c->tenant),
                                        STORE_T(c->entra_device)),
                           ret, err);
}

/* --- removed ones --- */

static enum result run_all(struct store *s, const char *const *statements, size_t count,
                           const struct store_value *params, size_t param_count, struct error *err)
{
    enum result r = OK;
    for (size_t i = 0; r == OK && i < count; i++)
        r = store_exec(s, statements[i], params, param_count, NULL, err);
    return r;
}

#define REMEMBER "INSERT INTO removed_credential (kind, value, guid, name, removed, until) "
#define INSTEAD                                                                                                        \
    " ON CONFLICT (kind, value) DO UPDATE SET guid = excluded.guid, name = excluded.name, removed = "                  \
    "excluded.removed, "                                                                                               \
    "until = excluded.until"
#define PKI_UNTIL                                                                                                      \
    "(SELECT COALESCE(MAX(c.not_after), 0) FROM device_certificate c WHERE c.guid = d.guid AND c.vouched = 1)"

/* The key of its machine goes with it when no other record registered that; what was only told of itself is nobody's.
 */
enum result store_removed_remember(struct store *s, const char *guid, int64_t now, struct error *err)
{
    static const char *const statements[] = {
        REMEMBER "SELECT 'key', d.spki, d.guid, d.name, $2, " PKI_UNTIL " FROM device d WHERE d.guid = $1" INSTEAD,
        REMEMBER
        "SELECT 'key', d.machine, d.guid, d.name, $2, 0 FROM device d WHERE d.guid = $1 AND d.machine <> d.spki "
        "AND NOT EXISTS (SELECT 1 FROM device o WHERE o.spki = d.machine)" INSTEAD,
        REMEMBER
        "SELECT 'certificate', c.sha256, d.guid, d.name, $2, c.not_after FROM device_certificate c JOIN device d "
        "ON d.guid = c.guid WHERE c.guid = $1 AND c.vouched = 1" INSTEAD,
        REMEMBER "SELECT 'entra', d.entra_tenant || '/' || d.entra_device, d.guid, d.name, $2, 0 FROM device d "
                 "WHERE d.guid = $1 AND d.entra_device <> '' AND d.state = 'approved'" INSTEAD,
        REMEMBER "SELECT 'name', LOWER(d.vouched_name), d.guid, d.name, $2, 0 FROM device d WHERE d.guid = $1 AND "
                 "d.vouched_by = 'certificate'" INSTEAD,
        REMEMBER "SELECT 'hardware', d.hardware_id, d.guid, d.name, $2, 0 FROM device d WHERE d.guid = $1 AND "
                 "d.hardware_id <> '' AND d.hardware_by <> ''" INSTEAD};
    enum result r = store_exec(s, "DELETE FROM removed_credential WHERE kind = 'certificate' AND until < $1",
                               STORE_PARAMS(STORE_N(now)), NULL, err);
    return r == OK ? run_all(s, statements, ARRAY_LEN(statements), STORE_PARAMS(STORE_T(guid), STORE_N(now)), err) : r;
}

#define FORGET "DELETE FROM removed_credential WHERE "

enum result store_removed_forget(struct store *s, const char *guid, struct error *err)
{
    static const char *const statements[] = {
        FORGET "kind = 'key' AND value IN (SELECT spki FROM device WHERE guid = $1)",
        FORGET "kind = 'key' AND value IN (SELECT machine FROM device WHERE guid = $1)",
        FORGET "kind = 'certificate' AND value IN (SELECT sha256 FROM device_certificate WHERE guid = $1)",
        FORGET "kind = 'entra' AND value IN (SELECT entra_tenant || '/' || entra_device FROM device WHERE guid = $1)",
        FORGET "kind = 'name' AND value IN (SELECT LOWER(vouched_name) FROM device WHERE guid = $1)",
        FORGET "kind = 'hardware' AND value IN (SELECT hardware_id FROM device WHERE guid = $1)"};
    return run_all(s, statements, ARRAY_LEN(statements), STORE_PARAMS(STORE_T(guid)), err);
}

enum result store_known_release(struct store *s, const char *guid, struct error *err)
{
    return store_exec(s, "UPDATE device SET kept_out = 0 WHERE known = $1", STORE_PARAMS(STORE_T(guid)), NULL, err);
}

enum result store_removed_readmit(struct store *s, const char *guid, struct error *err)
{
    enum result r = store_change(s, "DELETE FROM removed_credential WHERE guid = $1", STORE_PARAMS(STORE_T(guid)),
                                 "such device", err);
    return r == OK ? store_known_release(s, guid, err) : r;
}

enum result store_removed_entra(struct store *s, const char *tenant, const char *device, bool *ret, struct error *err)
{
    return ask(s, "SELECT COUNT(*) FROM removed_credential WHERE kind = 'entra' AND value = $1 || '/' || $2",
               STORE_PARAMS(STORE_T(tenant), STORE_T(device)), ret, err);
}

static void read_key(struct store_reader *r, void *ret)
{
    struct store_removed_key *k = ret;
    k->kind = store_read_text(r, 0);
    k->value = store_read_text(r, 1);
}

enum result store_removed_keys(struct store *s, struct arena *a, int64_t now, struct store_removed_key **ret,
                               size_t *ret_count, struct error *err)
{
    static const struct store_select select = {
        "SELECT kind, value FROM removed_credential WHERE until >= $1 ORDER BY kind, value", sizeof **ret, read_key};
    return store_select_all(s, &select, STORE_PARAMS(STORE_N(now)), a, ret, ret_count, err);
}
