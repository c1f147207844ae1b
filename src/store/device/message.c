/* SPDX-License-Identifier: Apache-2.0 */
/* Rows of tables device_state and device_message. */
#include "store/device/message.h"

#include "store/row.h"

#define FIELDS "kind, subject, version, state, detail, at, received"

static void read_state(struct store_reader *r, void *ret)
{
    struct store_message *m = ret;
    m->id = store_read_text(r, 0);
    m->kind = store_read_text(r, 1);
    m->subject = store_read_text(r, 2);
    m->version = store_read_int(r, 3);
    m->state = store_read_text(r, 4);
    m->detail = store_read_text(r, 5);
    m->at = store_read_int(r, 6);
    m->received = store_read_int(r, 7);
}

static enum result note_state(struct store *s, const char *guid, const struct store_message *m, struct error *err)
{
    return store_exec(
        s,
        "INSERT INTO device_state (guid, number, " FIELDS ") VALUES ($1, "
        "(SELECT COALESCE(MAX(number), 0) + 1 FROM device_state WHERE guid = $1), $2, $3, $4, $5, $6, $7, "
        "$8) ON CONFLICT (guid, kind, subject) DO UPDATE SET number = excluded.number, version = $4, "
        "state = $5, detail = $6, at = $7, received = $8",
        STORE_PARAMS(STORE_T(guid), STORE_T(m->kind), STORE_T(m->subject), STORE_N(m->version), STORE_T(m->state),
                     STORE_T(m->detail), STORE_N(m->at), STORE_N(m->received)),
        NULL, err);
}

enum result store_message_add(struct store *s, const char *guid, const struct store_message *m, bool *ret_new,
                              struct error *err)
{
    int64_t added = 0;
    enum result r = store_exec(
        s,
        "INSERT INTO device_message (guid, id, number, " FIELDS ") VALUES ($1, $2, "
        "(SELECT COALESCE(MAX(number), 0) + 1 FROM device_message WHERE guid = $1), $3, $4, $5, $6, $7, $8, $9) "
        "ON CONFLICT (guid, id) DO NOTHING",
        STORE_PARAMS(STORE_T(guid), STORE_T(m->id), STORE_T(m->kind), STORE_T(m->subject), STORE_N(m->version),
                     STORE_T(m->state), STORE_T(m->detail), STORE_N(m->at), STORE_N(m->received)),
        &added, err);
    *ret_new = r == OK && added > 0;
    return *ret_new ? note_state(s, guid, m, err) : r;
}

enum result store_message_trim(struct store *s, const char *guid, struct error *err)
{
    enum result r = store_exec(s,
                               "DELETE FROM device_message WHERE guid = $1 AND id IN (SELECT id FROM device_message "
                               "WHERE guid = $1 ORDER BY number DESC LIMIT 1000 OFFSET $2)",
                               STORE_PARAMS(STORE_T(guid), STORE_N(STORE_MESSAGES_A_DEVICE)), NULL, err);
    if (r != OK)
        return r;
    return store_exec(s,
                      "DELETE FROM device_state WHERE guid = $1 AND (kind, subject) IN (SELECT kind, subject FROM "
                      "device_state WHERE guid = $1 ORDER BY number DESC LIMIT 1000 OFFSET $2)",
                      STORE_PARAMS(STORE_T(guid), STORE_N(STORE_STATES_A_DEVICE)), NULL, err);
}

enum result store_state_list(struct store *s, struct arena *a, const char *guid, int64_t limit,
                             struct store_message **ret, size_t *ret_count, struct error *err)
{
    static const struct store_select select = {"SELECT '', " FIELDS
                                               " FROM device_state WHERE guid = $1 ORDER BY number DESC LIMIT $2",
                                               sizeof **ret, read_state};
    return store_select_all(s, &select, STORE_PARAMS(STORE_T(guid), STORE_N(limit)), a, ret, ret_count, err);
}

enum result store_message_list(struct store *s, struct arena *a, const char *guid, struct store_message **ret,
                               size_t *ret_count, struct error *err)
{
    static const struct store_select select = {
        "SELECT id, " FIELDS " FROM device_message WHERE guid = $1 ORDER BY number DESC", sizeof **ret, read_state};
    return store_select_all(s, &select, STORE_PARAMS(STORE_T(guid)), a, ret, ret_count, err);
}

enum result store_message_forget(struct store *s, int64_t before, int64_t limit, struct error *err)
{
    return store_exec(s,
                      "DELETE FROM device_message WHERE (guid, id) IN (SELECT guid, id FROM device_message WHERE "
                      "received < $1 ORDER BY received LIMIT $2)",
                      STORE_PARAMS(STORE_N(before), STORE_N(limit)), NULL, err);
}
