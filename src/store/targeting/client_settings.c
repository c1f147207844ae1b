/* SPDX-License-Identifier: Apache-2.0 */
/* Rows of tables client_settings and device_settings. */
#include "store/targeting/client_settings.h"

#include "base/clock.h"
#include "store/row.h"
#include "store/sequence.h"

#define COLUMNS "SELECT name, priority, collection, settings, changed FROM client_settings "

static void read_settings(struct store_reader *r, void *ret)
{
    struct store_client_settings *c = ret;
    c->name = store_read_text(r, 0);
    c->priority = store_read_int(r, 1);
    c->collection = store_read_text_opt(r, 2);
    c->settings = store_read_text(r, 3);
    c->changed = store_read_int(r, 4);
}

static enum result check_priority(struct store *s, const struct store_client_settings *c, struct error *err)
{
    int64_t taken;
    enum result r = store_query_int(s, "SELECT COUNT(*) FROM client_settings WHERE priority = $1 AND name <> $2",
                                    STORE_PARAMS(STORE_N(c->priority), STORE_T(c->name)), &taken, err);
    if (r == OK && taken)
        return error_set(err, R_CONFLICT, "priority %lld is taken by other client settings", (long long)c->priority);
    return r;
}

enum result store_client_settings_put(struct store *s, const struct store_client_settings *c, struct error *err)
{
    enum result r = check_priority(s, c, err);
    if (r != OK)
        return r;
    r = store_exec(s,
                   "INSERT INTO client_settings (name, priority, collection, settings, changed) "
                   "VALUES ($1, $2, $3, $4, $5) ON CONFLICT (name) DO UPDATE SET priority = $2, collection = $3, "
                   "settings = $4, changed = $5",
                   STORE_PARAMS(STORE_T(c->name), STORE_N(c->priority), STORE_T(c->collection), STORE_T(c->settings),
                                STORE_N(clock_wall_s())),
                   NULL, err);
    return r == OK ? store_bump(s, STORE_BUNDLE, err) : r; /* it names whom they forbid the gateways */
}

enum result store_client_settings_get(struct store *s, struct arena *arena, const char *name,
                                      struct store_client_settings *ret, struct error *err)
{
    static const struct store_select select = {COLUMNS "WHERE name = $1", sizeof *ret, read_settings};
    return store_select_one(s, &select, STORE_PARAMS(STORE_T(name)), arena, ret, "client settings of this name", err);
}

enum result store_client_settings_list(struct store *s, struct arena *arena, struct store_client_settings **ret,
                                       size_t *ret_count, struct error *err)
{
    static const struct store_select select = {COLUMNS "ORDER BY priority", sizeof **ret, read_settings};
    return store_select_all(s, &select, STORE_NO_PARAMS, arena, ret, ret_count, err);
}

enum result store_client_settings_remove(struct store *s, const char *name, struct error *err)
{
    enum result r = store_change(s, "DELETE FROM client_settings WHERE name = $1", STORE_PARAMS(STORE_T(name)),
                                 "client settings of this name", err);
    return r == OK ? store_bump(s, STORE_BUNDLE, err) : r;
}

/* --- what a device has --- */

static void read_device(struct store_reader *r, void *ret)
{
    struct store_device_settings *d = ret;
    d->sequence = store_read_int(r, 0);
    d->content = store_read_text(r, 1);
    d->fetched = store_read_int(r, 2);
}

enum result store_device_settings_get(struct store *s, struct arena *arena, const char *guid,
                                      struct store_device_settings *ret, struct error *err)
{
    static const struct store_select select = {"SELECT sequence, content, fetched FROM device_settings WHERE guid = $1",
                                               sizeof *ret, read_device};
    *ret = (struct store_device_settings){.content = ""};
    enum result r =
        store_select_one(s, &select, STORE_PARAMS(STORE_T(guid)), arena, ret, "settings of the device", err);
    return r == R_NOTFOUND ? OK : r;
}

enum result store_device_settings_put(struct store *s, const char *guid, const struct store_device_settings *d,
                                      struct error *err)
{
    return store_exec(s,
                      "INSERT INTO device_settings (guid, sequence, content, fetched) VALUES ($1, $2, $3, $4) "
                      "ON CONFLICT (guid) DO UPDATE SET sequence = $2, content = $3, fetched = $4",
                      STORE_PARAMS(STORE_T(guid), STORE_N(d->sequence), STORE_T(d->content), STORE_N(d->fetched)), NULL,
                      err);
}
