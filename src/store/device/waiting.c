/* SPDX-License-Identifier: Apache-2.0 */
/* Questions over the rows of table device that wait: an index holds those alone. */
#include "store/device/waiting.h"

#include "store/device/device.h"
#include "store/row.h"

#define WAITS "state = 'pending' AND blocked = 0"
#define NEVER_APPROVED WAITS " AND once_approved = 0"

static void read_counts(struct store_reader *r, void *ret)
{
    struct store_waiting_counts *c = ret;
    c->all = store_read_int(r, 0);
    c->origin = store_read_int(r, 1);
}

enum result store_waiting_count(struct store *s, const char *origin, bool vouched, struct store_waiting_counts *ret,
                                struct error *err)
{
    static const struct store_select select = {
        "SELECT COUNT(*), COALESCE(SUM(CASE WHEN origin = $1 THEN 1 ELSE 0 END), 0) FROM device WHERE " WAITS
        " AND (CASE WHEN voucher = 'nobody' THEN 0 ELSE 1 END) = $2",
        sizeof *ret, read_counts};
    struct arena *a = arena_new(4096);
    enum result r = store_select_one(s, &select, STORE_PARAMS(STORE_T(origin), STORE_N(vouched)), a, ret, "count", err);
    arena_free(a);
    return r;
}

static void read_waiting(struct store_reader *r, void *ret)
{
    struct store_waiting *w = ret;
    w->guid = store_read_text(r, 0);
    w->name = store_read_text(r, 1);
    w->vouched = store_read_int(r, 2) != 0;
}

enum result store_waiting_list(struct store *s, struct arena *a, int64_t before, struct store_waiting **ret,
                               size_t *ret_count, struct error *err)
{
    static const struct store_select select = {
        "SELECT guid, name, CASE WHEN voucher = 'nobody' THEN 0 ELSE 1 END FROM device WHERE " NEVER_APPROVED
        " AND registered < $1 ORDER BY registered, guid LIMIT $2",
        sizeof **ret, read_waiting};
    return store_select_all(s, &select, STORE_PARAMS(STORE_N(before), STORE_N(STORE_WAITING_LISTED)), a, ret, ret_count,
                            err);
}

enum result store_waiting_remove(struct store *s, const struct store_waiting *w, struct error *err)
{
    if (w->vouched)
        return store_device_remove(s, w->guid, false, err);
    return store_exec(s, "DELETE FROM device WHERE guid = $1 AND " NEVER_APPROVED, STORE_PARAMS(STORE_T(w->guid)), NULL,
                      err);
}

enum result store_waiting_expire(struct store *s, int64_t before, int64_t *ret, struct error *err)
{
    return store_exec(
        s, "DELETE FROM device WHERE " NEVER_APPROVED " AND voucher = 'nobody' AND kept_out = 0 AND registered < $1",
        STORE_PARAMS(STORE_N(before)), ret, err);
}
