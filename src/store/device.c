/* SPDX-License-Identifier: Apache-2.0 */
/* Rows of tables device and removed_device. */
#include "store/device.h"

#include "base/clock.h"
#include "store/row.h"
#include "store/sequence.h"

enum { SEEN_EVERY_S = 60, REMOVED_S = 9 * 3600 }; /* an access token's 8 h, and leeway */

#define DEVICE                                                                                                         \
    "SELECT guid, name, hardware_id, method, state, blocked, spki, client_version, registered, last_seen, "            \
    "entra_tenant, entra_device FROM device "

static void read_device(struct store_reader *r, void *ret)
{
    struct store_device *d = ret;
    d->guid = store_read_text(r, 0);
    d->name = store_read_text(r, 1);
    d->hardware_id = store_read_text(r, 2);
    d->method = store_read_text(r, 3);
    d->state = store_read_text(r, 4);
    d->blocked = store_read_int(r, 5) != 0;
    d->spki = store_read_text(r, 6);
    d->client_version = store_read_int(r, 7);
    d->registered = store_read_int(r, 8);
    d->last_seen = store_read_int(r, 9);
    d->entra_tenant = store_read_text(r, 10);
    d->entra_device = store_read_text(r, 11);
}

enum result store_device_get(struct store *s, struct arena *a, enum store_device_by by, const char *value,
                             struct store_device *ret, struct error *err)
{
    static const struct store_select selects[] = {
        [STORE_BY_GUID] = {DEVICE "WHERE guid = $1", sizeof *ret, read_device},
        [STORE_BY_SPKI] = {DEVICE "WHERE spki = $1", sizeof *ret, read_device},
        [STORE_BY_CERTIFICATE] = {DEVICE "WHERE guid IN (SELECT guid FROM device_certificate WHERE sha256 = $1)",
                                  sizeof *ret, read_device},
        [STORE_BY_NAME] = {DEVICE "WHERE LOWER(name) = LOWER($1) LIMIT 2", sizeof *ret, read_device},
    };
    return store_select_one(s, &selects[by], STORE_PARAMS(STORE_T(value)), a, ret,
                            by == STORE_BY_NAME ? "device of this name" : "such device", err);
}

enum result store_device_list(struct store *s, struct arena *a, struct store_device **ret, size_t *ret_count,
                              struct error *err)
{
    static const struct store_select select = {DEVICE "ORDER BY name, guid", sizeof **ret, read_device};
    return store_select_all(s, &select, STORE_NO_PARAMS, a, ret, ret_count, err);
}

enum result store_device_blocked_list(struct store *s, struct arena *a, struct store_device **ret, size_t *ret_count,
                                      struct error *err)
{
    static const struct store_select select = {DEVICE "WHERE blocked = 1 ORDER BY guid", sizeof **ret, read_device};
    return store_select_all(s, &select, STORE_NO_PARAMS, a, ret, ret_count, err);
}

static void read_counts(struct store_reader *r, void *ret)
{
    struct store_device_counts *c = ret;
    c->approved = store_read_int(r, 0);
    c->pending = store_read_int(r, 1);
    c->blocked = store_read_int(r, 2);
}

enum result store_device_count(struct store *s, struct store_device_counts *ret, struct error *err)
{
    static const struct store_select select = {
        "SELECT COALESCE(SUM(CASE WHEN blocked = 0 AND state = 'approved' THEN 1 ELSE 0 END), 0), "
        "COALESCE(SUM(CASE WHEN blocked = 0 AND state = 'pending' THEN 1 ELSE 0 END), 0), "
        "COALESCE(SUM(blocked), 0) FROM device",
        sizeof *ret, read_counts};
    struct arena *a = arena_new(4096);
    enum result r = store_select_one(s, &select, STORE_NO_PARAMS, a, ret, "count", err);
    arena_free(a);
    return r;
}

enum result store_device_known(struct store *s, const char *name, const char *hardware_id, const char *but, bool *ret,
                               struct error *err)
{
    int64_t count;
    enum result r = store_query_int(s,
                                    "SELECT COUNT(*) FROM device WHERE (LOWER(name) = LOWER($1) OR "
                                    "(hardware_id = $2 AND hardware_id <> '')) AND guid <> $3",
                                    STORE_PARAMS(STORE_T(name), STORE_T(hardware_id), STORE_T(but)), &count, err);
    *ret = r == OK && count > 0;
    return r;
}

enum result store_device_add(struct store *s, const struct store_device *d, struct error *err)
{
    return store_exec(s,
                      "INSERT INTO device (guid, name, hardware_id, method, state, blocked, spki, client_version, "
                      "registered, last_seen) VALUES ($1, $2, $3, $4, $5, 0, $6, $7, $8, $8)",
                      STORE_PARAMS(STORE_T(d->guid), STORE_T(d->name), STORE_T(d->hardware_id), STORE_T(d->method),
                                   STORE_T(d->state), STORE_T(d->spki), STORE_N(d->client_version),
                                   STORE_N(d->registered)),
                      NULL, err);
}

enum result store_device_update(struct store *s, const struct store_device *d, struct error *err)
{
    enum result r =
        store_change(s,
                     "UPDATE device SET name = $2, hardware_id = $3, method = $4, state = $5, client_version = $6 "
                     "WHERE guid = $1",
                     STORE_PARAMS(STORE_T(d->guid), STORE_T(d->name), STORE_T(d->hardware_id), STORE_T(d->method),
                                  STORE_T(d->state), STORE_N(d->client_version)),
                     "such device", err);
    return r == OK ? store_sequence_policy_bump(s, d->guid, err) : r; /* rules of collections look at these */
}

enum result store_device_by_entra(struct store *s, struct arena *a, const char *tenant, const char *device,
                                  struct store_device **ret, size_t *ret_count, struct error *err)
{
    static const struct store_select select = {DEVICE "WHERE entra_tenant = $1 AND entra_device = $2 ORDER BY guid",
                                               sizeof **ret, read_device};
    return store_select_all(s, &select, STORE_PARAMS(STORE_T(tenant), STORE_T(device)), a, ret, ret_count, err);
}

enum result store_device_set_entra(struct store *s, const char *guid, const char *tenant, const char *device,
                                   struct error *err)
{
    enum result r = store_change(s, "UPDATE device SET entra_tenant = $2, entra_device = $3 WHERE guid = $1",
                                 STORE_PARAMS(STORE_T(guid), STORE_T(tenant), STORE_T(device)), "such device", err);
    return r == OK ? store_sequence_policy_bump(s, guid, err) : r;
}

enum result store_device_approve(struct store *s, const char *guid, struct error *err)
{
    enum result r = store_begin(s, STORE_DURABLE, err);
    if (r != OK)
        return r;
    r = store_change(s, "UPDATE device SET state = 'approved' WHERE guid = $1", STORE_PARAMS(STORE_T(guid)),
                     "such device", err);
    return store_end(s, r, err);
}

enum result store_device_block(struct store *s, const char *guid, bool blocked, struct error *err)
{
    enum result r = store_begin(s, STORE_DURABLE, err);
    if (r != OK)
        return r;
    r = store_change(s, "UPDATE device SET blocked = $2 WHERE guid = $1", STORE_PARAMS(STORE_T(guid), STORE_N(blocked)),
                     "such device", err);
    if (r == OK)
        r = store_bump(s, STORE_BUNDLE, err);
    return store_end(s, r, err);
}

static enum result remove_device(struct store *s, const char *guid, struct error *err)
{
    int64_t now = clock_wall_s();
    enum result r =
        store_change(s, "DELETE FROM device WHERE guid = $1", STORE_PARAMS(STORE_T(guid)), "such device", err);
    if (r == OK)
        r = store_exec(s, "DELETE FROM removed_device WHERE until < $1", STORE_PARAMS(STORE_N(now)), NULL, err);
    if (r == OK)
        r = store_exec(s, "INSERT INTO removed_device (guid, until) VALUES ($1, $2)",
                       STORE_PARAMS(STORE_T(guid), STORE_N(now + REMOVED_S)), NULL, err);
    return r == OK ? store_bump(s, STORE_BUNDLE, err) : r;
}

enum result store_device_remove(struct store *s, const char *guid, struct error *err)
{
    enum result r = store_begin(s, STORE_DURABLE, err);
    return r == OK ? store_end(s, remove_device(s, guid, err), err) : r;
}

static void read_text(struct store_reader *r, void *ret)
{
    *(const char **)ret = store_read_text(r, 0);
}

enum result store_device_removed_list(struct store *s, struct arena *a, int64_t now, const char *const **ret,
                                      size_t *ret_count, struct error *err)
{
    static const struct store_select select = {"SELECT guid FROM removed_device WHERE until >= $1 ORDER BY guid",
                                               sizeof(const char *), read_text};
    return store_select_all(s, &select, STORE_PARAMS(STORE_N(now)), a, (void *)ret, ret_count, err);
}

enum result store_device_seen(struct store *s, const struct store_device *d, int64_t now, struct error *err)
{
    if (now - d->last_seen < SEEN_EVERY_S)
        return OK;
    return store_exec(s, "UPDATE device SET last_seen = $2 WHERE guid = $1",
                      STORE_PARAMS(STORE_T(d->guid), STORE_N(now)), NULL, err);
}
