/* SPDX-License-Identifier: Apache-2.0 */
/* Rows of tables notification and notified. */
#include "store/device/notification.h"

#include "base/clock.h"
#include "store/row.h"
#include "store/sequence.h"

#define LAST "notification"
#define COLUMNS "SELECT id, guid, collection, what, message, created, expires, spread FROM notification "

static void read_notification(struct store_reader *r, void *ret)
{
    struct store_notification *n = ret;
    n->id = store_read_int(r, 0);
    n->guid = store_read_text(r, 1);
    n->collection = store_read_text(r, 2);
    n->what = store_read_text(r, 3);
    n->message = store_read_text(r, 4);
    n->created = store_read_int(r, 5);
    n->expires = store_read_int(r, 6);
    n->spread = store_read_int(r, 7);
}

enum result store_notification_last(struct store *s, int64_t *ret, struct error *err)
{
    return store_sequence_get(s, LAST, ret, NULL, err);
}

/* The time in milliseconds at least: a store that an older copy was put over gives no number a second time. */
static enum result give_number(struct store *s, int64_t *ret, struct error *err)
{
    int64_t now = clock_wall_s();
    enum result r = store_notification_last(s, ret, err);
    if (r != OK)
        return r;
    *ret = *ret + 1 > now * 1000 ? *ret + 1 : now * 1000;
    return store_sequence_put(s, LAST, *ret, now, err);
}

static enum result replace(struct store *s, const struct store_notification *n, struct error *err)
{
    if (strcmp(n->what, STORE_NOTIFICATION_MESSAGE) == 0)
        return OK;
    return store_exec(s, "DELETE FROM notification WHERE guid = $1 AND collection = $2 AND what = $3",
                      STORE_PARAMS(STORE_T(n->guid), STORE_T(n->collection), STORE_T(n->what)), NULL, err);
}

static enum result check_room(struct store *s, const struct store_notification *n, struct error *err)
{
    int64_t count = 0, most = *n->guid ? STORE_NOTIFICATIONS_A_DEVICE : STORE_NOTIFICATIONS_TO_MANY;
    enum result r = store_query_int(s, "SELECT COUNT(*) FROM notification WHERE guid = $1",
                                    STORE_PARAMS(STORE_T(n->guid)), &count, err);
    if (r == OK && count >= most)
        return error_set(err, R_LIMIT, "%d notifications wait already, to be taken or to end", (int)most);
    return r;
}

enum result store_notification_add(struct store *s, struct store_notification *n, struct error *err)
{
    enum result r = store_notification_expire(s, n->created, err);
    if (r == OK)
        r = replace(s, n, err);
    if (r == OK)
        r = check_room(s, n, err);
    if (r == OK)
        r = give_number(s, &n->id, err);
    if (r != OK)
        return r;
    return store_exec(s,
                      "INSERT INTO notification (id, guid, collection, what, message, created, expires, spread) "
                      "VALUES ($1, $2, $3, $4, $5, $6, $7, $8)",
                      STORE_PARAMS(STORE_N(n->id), STORE_T(n->guid), STORE_T(n->collection), STORE_T(n->what),
                                   STORE_T(n->message), STORE_N(n->created), STORE_N(n->expires), STORE_N(n->spread)),
                      NULL, err);
}

enum result store_notification_of(struct store *s, struct arena *a, const char *guid, int64_t after, int64_t now,
                                  struct store_notification **ret, size_t *ret_count, struct error *err)
{
    static const struct store_select select = {
        COLUMNS "WHERE guid IN ('', $1) AND id > $2 AND expires > $3 ORDER BY id", sizeof **ret, read_notification};
    return store_select_all(s, &select, STORE_PARAMS(STORE_T(guid), STORE_N(after), STORE_N(now)), a, ret, ret_count,
                            err);
}

enum result store_notification_new(struct store *s, struct arena *a, int64_t after, struct store_notification **ret,
                                   size_t *ret_count, struct error *err)
{
    static const struct store_select select = {COLUMNS "WHERE id > $1 ORDER BY id LIMIT $2", sizeof **ret,
                                               read_notification};
    return store_select_all(s, &select, STORE_PARAMS(STORE_N(after), STORE_N(STORE_NOTIFICATIONS_A_LOOK)), a, ret,
                            ret_count, err);
}

/* --- taken --- */

static enum result read_taken(struct store *s, const char *guid, struct store_notified *ret, struct error *err)
{
    struct store_rows *rows;
    enum result r =
        store_query(s, "SELECT taken, at FROM notified WHERE guid = $1", STORE_PARAMS(STORE_T(guid)), &rows, err);
    if (r != OK)
        return r;
    r = store_rows_next(rows, err);
    if (r == OK) {
        ret->taken = store_rows_int(rows, 0);
        ret->at = store_rows_int(rows, 1);
    }
    store_rows_free(rows);
    return r == R_EOF ? OK : r;
}

enum result store_notified_get(struct store *s, const char *guid, int64_t now, struct store_notified *ret,
                               struct error *err)
{
    *ret = (struct store_notified){0};
    enum result r = read_taken(s, guid, ret, err);
    if (r != OK)
        return r;
    return store_query_int(s, "SELECT COUNT(*) FROM notification WHERE guid = $1 AND expires > $2",
                           STORE_PARAMS(STORE_T(guid), STORE_N(now)), &ret->waits, err);
}

static enum result put_taken(struct store *s, const char *guid, int64_t taken, int64_t now, struct error *err)
{
    int64_t last;
    enum result r = store_exec(s,
                               "INSERT INTO notified (guid, taken, at) VALUES ($1, $2, $3) "
                               "ON CONFLICT (guid) DO UPDATE SET taken = $2, at = $3",
                               STORE_PARAMS(STORE_T(guid), STORE_N(taken), STORE_N(now)), NULL, err);
    if (r == OK)
        r = store_exec(s, "DELETE FROM notification WHERE guid = $1 AND id <= $2",
                       STORE_PARAMS(STORE_T(guid), STORE_N(taken)), NULL, err);
    if (r == OK)
        r = store_notification_last(s, &last, err);
    return r == OK && taken > last ? store_sequence_put(s, LAST, taken, now, err) : r;
}

enum result store_notified_put(struct store *s, const char *guid, int64_t *taken, int64_t now, struct error *err)
{
    struct store_notified known = {0};
    enum result r = read_taken(s, guid, &known, err);
    if (r == OK && *taken <= known.taken)
        *taken = known.taken;
    if (r != OK || *taken == known.taken)
        return r;
    r = store_begin(s, STORE_QUICK, err);
    return r == OK ? store_end(s, put_taken(s, guid, *taken, now, err), err) : r;
}

/* --- begin and end --- */

enum result store_notification_begin(struct store *s, const char *guid, struct error *err)
{
    return store_exec(
        s, "INSERT INTO notified (guid, taken, at) SELECT $1, value, 0 FROM sequence WHERE name = '" LAST "'",
        STORE_PARAMS(STORE_T(guid)), NULL, err);
}

enum result store_notification_forget(struct store *s, const char *guid, struct error *err)
{
    return store_exec(s, "DELETE FROM notification WHERE guid = $1", STORE_PARAMS(STORE_T(guid)), NULL, err);
}

enum result store_notification_expire(struct store *s, int64_t now, struct error *err)
{
    return store_exec(s, "DELETE FROM notification WHERE expires <= $1", STORE_PARAMS(STORE_N(now)), NULL, err);
}
