/* SPDX-License-Identifier: Apache-2.0 */
/* Which devices an anchor's certificates stand behind: by their machine, for one that changed its method has a record
 * for each. */
#include "store/device/device.h"
#include "store/row.h"

/* Of an anchor, $1. */
#define MACHINES                                                                                                       \
    "(SELECT o.machine FROM device_certificate c JOIN device o ON o.guid = c.guid WHERE c.anchor = $1 AND "            \
    "c.vouched = 1)"
#define BY_TOKEN "FROM device WHERE machine IN " MACHINES " AND method <> 'pki' AND state = 'approved' AND blocked = 0"

static void read_guid(struct store_reader *r, void *ret)
{
    *(const char **)ret = store_read_text(r, 0);
}

enum result store_anchored_of_page(struct store *s, struct arena *a, const char *anchor, const char *first,
                                   const char *last, const char ***ret, size_t *ret_count, struct error *err)
{
    static const struct store_select select = {
        "SELECT d.guid FROM device d WHERE d.guid >= $2 AND d.guid <= $3 AND EXISTS (SELECT 1 FROM device o JOIN "
        "device_certificate c ON c.guid = o.guid WHERE o.machine = d.machine AND c.anchor = $1 AND c.vouched = 1) "
        "ORDER BY d.guid",
        sizeof **ret, read_guid};
    return store_select_all(s, &select, STORE_PARAMS(STORE_T(anchor), STORE_T(first), STORE_T(last)), a, ret, ret_count,
                            err);
}

static void read_named(struct store_reader *r, void *ret)
{
    struct store_device *d = ret;
    d->guid = store_read_text(r, 0);
    d->name = store_read_text(r, 1);
}

enum result store_anchored_by_token(struct store *s, struct arena *a, const char *anchor, int64_t limit,
                                    int64_t *ret_all, struct store_device **ret, size_t *ret_count, struct error *err)
{
    static const struct store_select select = {"SELECT guid, name " BY_TOKEN " ORDER BY guid LIMIT $2", sizeof **ret,
                                               read_named};
    enum result r = store_query_int(s, "SELECT COUNT(*) " BY_TOKEN, STORE_PARAMS(STORE_T(anchor)), ret_all, err);
    return r == OK ? store_select_all(s, &select, STORE_PARAMS(STORE_T(anchor), STORE_N(limit)), a, ret, ret_count, err)
                   : r;
}
