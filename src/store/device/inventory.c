/* SPDX-License-Identifier: Apache-2.0 */
/* Rows of the tables inventory, inventory_change, inventory_upload and inventory_part. */
#include "store/device/inventory.h"

#include "store/row.h"
#include "store/sequence.h"

/* --- the last report --- */

static void read_inventory(struct store_reader *r, void *ret)
{
    struct store_inventory *i = ret;
    i->fingerprint = store_read_text(r, 0);
    i->taken = store_read_int(r, 1);
    i->received = store_read_int(r, 2);
    i->facts = store_read_text(r, 3);
    i->report = store_read_text(r, 4);
}

enum result store_inventory_get(struct store *s, struct arena *a, const char *guid, struct store_inventory *ret,
                                struct error *err)
{
    static const struct store_select select = {
        "SELECT fingerprint, taken, received, facts, report FROM inventory WHERE guid = $1", sizeof *ret,
        read_inventory};
    return store_select_one(s, &select, STORE_PARAMS(STORE_T(guid)), a, ret, "inventory of the device", err);
}

static void read_text(struct store_reader *r, void *ret)
{
    *(const char **)ret = store_read_text(r, 0);
}

enum result store_inventory_report(struct store *s, struct arena *a, const char *guid, const char **ret,
                                   struct error *err)
{
    static const struct store_select select = {"SELECT report FROM inventory WHERE guid = $1", sizeof *ret, read_text};
    *ret = "";
    enum result r = store_select_one(s, &select, STORE_PARAMS(STORE_T(guid)), a, ret, "inventory of the device", err);
    return r == R_NOTFOUND ? OK : r;
}

static enum result keep_change(struct store *s, const char *guid, const struct store_inventory *i, const char *change,
                               struct error *err)
{
    enum result r =
        store_exec(s,
                   "INSERT INTO inventory_change (guid, number, change, taken, received) VALUES ($1, "
                   "(SELECT COALESCE(MAX(number), 0) + 1 FROM inventory_change WHERE guid = $1), $2, $3, "
                   "$4)",
                   STORE_PARAMS(STORE_T(guid), STORE_T(change), STORE_N(i->taken), STORE_N(i->received)), NULL, err);
    if (r != OK)
        return r;
    return store_exec(s,
                      "DELETE FROM inventory_change WHERE guid = $1 AND number <= (SELECT MAX(number) FROM "
                      "inventory_change WHERE guid = $1) - $2",
                      STORE_PARAMS(STORE_T(guid), STORE_N(STORE_CHANGES_A_DEVICE)), NULL, err);
}

enum result store_inventory_put(struct store *s, const char *guid, const struct store_inventory *i, const char *change,
                                const char *lines, struct error *err)
{
    int64_t other = 0;
    enum result r = store_exec(s,
                               "INSERT INTO inventory (guid, facts, fingerprint, report, taken, received) VALUES ($1, "
                               "$2, $3, $4, $5, $6) ON CONFLICT (guid) DO UPDATE SET facts = $2, fingerprint = $3, "
                               "report = $4, taken = $5, received = $6",
                               STORE_PARAMS(STORE_T(guid), STORE_T(i->facts), STORE_T(i->fingerprint),
                                            STORE_T(i->report), STORE_N(i->taken), STORE_N(i->received)),
                               NULL, err);
    if (r == OK && *change)
        r = keep_change(s, guid, i, change, err);
    if (r == OK)
        r = store_exec(s, "UPDATE device SET facts = $2 WHERE guid = $1 AND facts <> $2",
                       STORE_PARAMS(STORE_T(guid), STORE_T(lines)), &other, err);
    return r == OK && other ? store_sequence_policy_moved(s, guid, err) : r;
}

static void read_change(struct store_reader *r, void *ret)
{
    struct store_change_told *c = ret;
    c->change = store_read_text(r, 0);
    c->taken = store_read_int(r, 1);
    c->received = store_read_int(r, 2);
}

enum result store_inventory_changes(struct store *s, struct arena *a, const char *guid, struct store_change_told **ret,
                                    size_t *ret_count, struct error *err)
{
    static const struct store_select select = {
        "SELECT change, taken, received FROM inventory_change WHERE guid = $1 ORDER BY number DESC", sizeof **ret,
        read_change};
    return store_select_all(s, &select, STORE_PARAMS(STORE_T(guid)), a, ret, ret_count, err);
}

/* --- a report that comes in parts --- */

static void read_upload(struct store_reader *r, void *ret)
{
    struct store_upload *u = ret;
    u->id = store_read_text(r, 0);
    u->sha256 = store_read_text(r, 1);
    u->size = store_read_int(r, 2);
    u->came = store_read_int(r, 3);
    u->began = store_read_int(r, 4);
}

enum result store_upload_get(struct store *s, struct arena *a, const char *guid, struct store_upload *ret,
                             struct error *err)
{
    static const struct store_select select = {
        "SELECT id, sha256, size, came, began FROM inventory_upload WHERE guid = $1", sizeof *ret, read_upload};
    return store_select_one(s, &select, STORE_PARAMS(STORE_T(guid)), a, ret, "upload of the device", err);
}

enum result store_upload_end(struct store *s, const char *guid, struct error *err)
{
    return store_exec(s, "DELETE FROM inventory_upload WHERE guid = $1", STORE_PARAMS(STORE_T(guid)), NULL, err);
}

enum result store_upload_begin(struct store *s, const char *guid, const struct store_upload *u, struct error *err)
{
    enum result r = store_upload_end(s, guid, err);
    if (r != OK)
        return r;
    return store_exec(
        s,
        "INSERT INTO inventory_upload (guid, id, size, sha256, came, began) VALUES ($1, $2, $3, $4, 0, "
        "$5)",
        STORE_PARAMS(STORE_T(guid), STORE_T(u->id), STORE_N(u->size), STORE_T(u->sha256), STORE_N(u->began)), NULL,
        err);
}

enum result store_upload_add(struct store *s, const char *guid, int64_t start, struct slice part, struct error *err)
{
    enum result r = store_exec(s, "INSERT INTO inventory_part (guid, start, content) VALUES ($1, $2, $3)",
                               STORE_PARAMS(STORE_T(guid), STORE_N(start), STORE_S(part)), NULL, err);
    if (r != OK)
        return r;
    return store_change(s, "UPDATE inventory_upload SET came = came + $2 WHERE guid = $1",
                        STORE_PARAMS(STORE_T(guid), STORE_N(part.len)), "such upload", err);
}

enum result store_upload_read(struct store *s, struct arena *a, const char *guid, int64_t size, struct slice *ret,
                              struct error *err)
{
    static const struct store_select select = {"SELECT content FROM inventory_part WHERE guid = $1 ORDER BY start",
                                               sizeof(char *), read_text};
    const char **parts;
    size_t count, used = 0;
    enum result r = store_select_all(s, &select, STORE_PARAMS(STORE_T(guid)), a, &parts, &count, err);
    if (r != OK)
        return r;
    char *whole = arena_alloc(a, (size_t)size + 1);
    if (!whole)
        return error_set(err, R_LIMIT, "the report is too large");
    for (size_t i = 0; i < count; i++) {
        size_t len = strlen(parts[i]);
        if (len > (size_t)size - used)
            return error_set(err, R_INVALID, "parts of the report overlap in the store");
        memcpy(whole + used, parts[i], len);
        used += len;
    }
    whole[used] = '\0';
    *ret = slice_make(whole, used);
    return OK;
}

/* --- age --- */

enum result store_inventory_forget(struct store *s, int64_t now, int64_t limit, struct error *err)
{
    enum result r = store_exec(s,
                               "DELETE FROM inventory_upload WHERE guid IN (SELECT guid FROM inventory_upload WHERE "
                               "began < $1 ORDER BY began LIMIT $2)",
                               STORE_PARAMS(STORE_N(now - STORE_UPLOAD_KEEP_S), STORE_N(limit)), NULL, err);
    if (r != OK)
        return r;
    return store_exec(s,
                      "DELETE FROM inventory_change WHERE (guid, number) IN (SELECT guid, number FROM "
                      "inventory_change WHERE received < $1 ORDER BY received LIMIT $2)",
                      STORE_PARAMS(STORE_N(now - STORE_CHANGES_KEEP_S), STORE_N(limit)), NULL, err);
}
