/* SPDX-License-Identifier: Apache-2.0 */
/* Rows of tables device and removed_device. */
#include "store/device/device.h"

#include <stdio.h>

#include "base/clock.h"
#include "base/text/encode.h"
#include "store/device/known.h"
#include "store/device/notification.h"
#include "store/row.h"
#include "store/sequence.h"

enum {
    SEEN_EVERY_S = 60,
    REMOVED_S = 9 * 3600,
    NAMESAKES_TOLD = 8,
    ONE_MAX = 64 * 1024
}; /* an access token's 8 h, and leeway */

#define DEVICE                                                                                                         \
    "SELECT guid, name, hardware_id, method, state, blocked, spki, client_version, registered, last_seen, "            \
    "entra_tenant, entra_device, voucher, machine, vouched_name, vouched_by, hardware_by, reason, known, known_by, "   \
    "kept_out, other_hardware, other_hardware_at, origin, facts FROM device "

static const char *const states[] = {[STORE_PENDING] = "pending", [STORE_APPROVED] = "approved"};

const char *store_device_state_name(enum store_device_state state)
{
    return states[state];
}

static void read_device(struct store_reader *r, void *ret)
{
    struct store_device *d = ret;
    d->guid = store_read_text(r, 0);
    d->name = store_read_text(r, 1);
    d->hardware_id = store_read_text(r, 2);
    d->method = store_read_text(r, 3);
    d->state = (enum store_device_state)store_read_word(r, 4, states, ARRAY_LEN(states));
    d->blocked = store_read_int(r, 5) != 0;
    d->spki = store_read_text(r, 6);
    d->client_version = store_read_int(r, 7);
    d->registered = store_read_int(r, 8);
    d->last_seen = store_read_int(r, 9);
    d->entra_tenant = store_read_text(r, 10);
    d->entra_device = store_read_text(r, 11);
    d->voucher = store_read_text(r, 12);
    d->machine = store_read_text(r, 13);
    d->vouched_name = store_read_text(r, 14);
    d->vouched_by = store_read_text(r, 15);
    d->hardware_by = store_read_text(r, 16);
    d->reason = store_read_text(r, 17);
    d->known = store_read_text(r, 18);
    d->known_by = store_read_text(r, 19);
    d->kept_out = store_read_int(r, 20) != 0;
    d->other_hardware = store_read_text(r, 21);
    d->other_hardware_at = store_read_int(r, 22);
    d->origin = store_read_text(r, 23);
    d->facts = store_read_text(r, 24);
}

/* Which there are, so that one can be chosen. */
static enum result get_by_name(struct store *s, struct arena *a, const char *name, struct store_device *ret,
                               struct error *err)
{
    static const struct store_select select = {
        DEVICE "WHERE LOWER(name) = LOWER($1) ORDER BY registered, guid LIMIT $2", sizeof *ret, read_device};
    struct store_device *list;
    size_t count, used = 0;
    char guids[NAMESAKES_TOLD * (GUID_SIZE + 16)] = "";
    enum result r =
        store_select_all(s, &select, STORE_PARAMS(STORE_T(name), STORE_N(NAMESAKES_TOLD)), a, &list, &count, err);
    if (r != OK)
        return r;
    if (count == 0)
        return error_set(err, R_NOTFOUND, "there is no device of this name");
    if (count == 1) {
        *ret = list[0];
        return OK;
    }
    for (size_t i = 0; i < count; i++)
        used += (size_t)snprintf(guids + used, sizeof guids - used, "%s%s (%s)", i ? ", " : "", list[i].guid,
                                 list[i].blocked ? "blocked" : states[list[i].state]);
    return error_set(err, R_CONFLICT, "%s%zu devices are called so; give the GUID of the one you mean: %s",
                     count == NAMESAKES_TOLD ? "at least " : "", count, guids);
}

enum result store_device_get(struct store *s, struct arena *a, enum store_device_by by, const char *value,
                             struct store_device *ret, struct error *err)
{
    static const struct store_select selects[] = {
        [STORE_BY_GUID] = {DEVICE "WHERE guid = $1", sizeof *ret, read_device},
        [STORE_BY_SPKI] = {DEVICE "WHERE spki = $1", sizeof *ret, read_device},
        [STORE_BY_CERTIFICATE] = {DEVICE "WHERE guid IN (SELECT guid FROM device_certificate WHERE sha256 = $1)",
                                  sizeof *ret, read_device},
    };
    if (by == STORE_BY_NAME)
        return get_by_name(s, a, value, ret, err);
    return store_select_one(s, &selects[by], STORE_PARAMS(STORE_T(value)), a, ret, "such device", err);
}

enum result store_device_list(struct store *s, struct arena *a, struct store_device **ret, size_t *ret_count,
                              struct error *err)
{
    static const struct store_select select = {DEVICE "ORDER BY name, guid", sizeof **ret, read_device};
    return store_select_all(s, &select, STORE_NO_PARAMS, a, ret, ret_count, err);
}

enum result store_device_page(struct store *s, struct arena *a, const char *after, int64_t limit,
                              struct store_device **ret, size_t *ret_count, struct error *err)
{
    static const struct store_select select = {DEVICE "WHERE guid > $1 ORDER BY guid LIMIT $2", sizeof **ret,
                                               read_device};
    return store_select_all(s, &select, STORE_PARAMS(STORE_T(after), STORE_N(limit)), a, ret, ret_count, err);
}

enum result store_device_blocked_list(struct store *s, struct arena *a, struct store_device **ret, size_t *ret_count,
                                      struct error *err)
{
    static const struct store_select select = {DEVICE "WHERE blocked = 1 OR kept_out = 1 ORDER BY guid", sizeof **ret,
                                               read_device};
    return store_select_all(s, &select, STORE_NO_PARAMS, a, ret, ret_count, err);
}

/* Each by an index of its own: the blocked ones' holds those that are kept out, too. */
static void read_counts(struct store_reader *r, void *ret)
{
    struct store_device_counts *c = ret;
    c->pending = store_read_int(r, 1);
    c->blocked = store_read_int(r, 2);
    c->approved = store_read_int(r, 0) - c->pending - c->blocked;
}

enum result store_device_count(struct store *s, struct store_device_counts *ret, struct error *err)
{
    static const struct store_select select = {
        "SELECT (SELECT COUNT(*) FROM device), "
        "(SELECT COUNT(*) FROM device WHERE state = 'pending' AND blocked = 0), "
        "(SELECT COUNT(*) FROM device WHERE (blocked = 1 OR kept_out = 1) AND blocked = 1)",
        sizeof *ret, read_counts};
    struct arena *a = arena_new(4096);
    enum result r = store_select_one(s, &select, STORE_NO_PARAMS, a, ret, "count", err);
    arena_free(a);
    return r;
}

enum result store_device_count_pending(struct store *s, int64_t *ret, struct error *err)
{
    return store_query_int(s, "SELECT COUNT(*) FROM device WHERE state = 'pending' AND blocked = 0", STORE_NO_PARAMS,
                           ret, err);
}

enum result store_device_waiting(struct store *s, struct arena *a, int64_t limit, struct store_device **ret,
                                 size_t *ret_count, struct error *err)
{
    static const struct store_select select = {
        DEVICE "WHERE state = 'pending' AND blocked = 0 ORDER BY registered, guid LIMIT $1", sizeof **ret, read_device};
    return store_select_all(s, &select, STORE_PARAMS(STORE_N(limit)), a, ret, ret_count, err);
}

enum result store_device_cloned(struct store *s, struct arena *a, int64_t limit, struct store_device **ret,
                                size_t *ret_count, struct error *err)
{
    static const struct store_select select = {
        DEVICE "WHERE other_hardware <> '' AND blocked = 0 ORDER BY other_hardware_at DESC, guid LIMIT $1",
        sizeof **ret, read_device};
    return store_select_all(s, &select, STORE_PARAMS(STORE_N(limit)), a, ret, ret_count, err);
}

/* NULL counts as "". */
static struct store_value text(const char *value)
{
    return STORE_T(value ? value : "");
}

enum result store_device_add(struct store *s, const struct store_device *d, struct error *err)
{
    enum result r = store_exec(
        s,
        "INSERT INTO device (guid, name, hardware_id, method, state, blocked, spki, client_version, registered, "
        "last_seen, voucher, machine, vouched_name, vouched_by, hardware_by, reason, known, known_by, kept_out, "
        "origin, once_approved) "
        "VALUES ($1, $2, $3, $4, $5, 0, $6, $7, $8, $8, $9, $10, $11, $12, '', $13, $14, $15, $16, $17, $18)",
        STORE_PARAMS(STORE_T(d->guid), STORE_T(d->name), STORE_T(d->hardware_id), STORE_T(d->method),
                     STORE_T(states[d->state]), STORE_T(d->spki), STORE_N(d->client_version), STORE_N(d->registered),
                     text(d->voucher), text(d->machine ? d->machine : d->spki), text(d->vouched_name),
                     text(d->vouched_by), text(d->reason), text(d->known), text(d->known_by), STORE_N(d->kept_out),
                     text(d->origin), STORE_N(d->state == STORE_APPROVED)),
        NULL, err);
    if (r == OK)
        r = store_notification_begin(s, d->guid, err);
    /* those that wait are nobody yet */
    return r == OK && d->state == STORE_APPROVED ? store_sequence_disallowed_moved(s, err) : r;
}

/* What rules of collections look at (mp/targeting/rule.c), unless it waits before and after: a device registers as
 * often as it likes. */
static enum result rules_see_another(struct store *s, const struct store_device *d, bool *ret, struct error *err)
{
    int64_t count;
    enum result r =
        store_query_int(s,
                        "SELECT COUNT(*) FROM device WHERE guid = $1 AND ((state <> 'approved' AND $2 = 'approved') OR "
                        "(state = 'approved' AND (method <> $3 OR client_version <> $4 OR vouched_name <> $5)))",
                        STORE_PARAMS(STORE_T(d->guid), STORE_T(states[d->state]), STORE_T(d->method),
                                     STORE_N(d->client_version), text(d->vouched_name)),
                        &count, err);
    *ret = r == OK && count > 0;
    return r;
}

enum result store_device_update(struct store *s, const struct store_device *d, struct error *err)
{
    bool another;
    enum result r = rules_see_another(s, d, &another, err);
    if (r != OK)
        return r;
    r = store_change(
        s,
        "UPDATE device SET name = $2, hardware_id = $3, method = $4, state = $5, client_version = $6, voucher = $7, "
        "machine = $8, vouched_name = $9, vouched_by = $10, reason = $11, known = $12, known_by = $13, kept_out = $14, "
        "once_approved = CASE WHEN $5 = 'approved' THEN 1 ELSE once_approved END WHERE guid = $1",
        STORE_PARAMS(STORE_T(d->guid), STORE_T(d->name), STORE_T(d->hardware_id), STORE_T(d->method),
                     STORE_T(states[d->state]), STORE_N(d->client_version), text(d->voucher),
                     text(d->machine ? d->machine : d->spki), text(d->vouched_name), text(d->vouched_by),
                     text(d->reason), text(d->known), text(d->known_by), STORE_N(d->kept_out)),
        "such device", err);
    return r == OK && another ? store_sequence_policy_moved(s, d->guid, err) : r;
}

enum result store_device_renewed(struct store *s, struct arena *a, const char *machine, const char *name,
                                 struct store_device *ret, struct error *err)
{
    static const struct store_select select = {
        DEVICE "WHERE machine = $1 AND vouched_by = 'certificate' AND LOWER(vouched_name) = LOWER($2) "
               "ORDER BY registered DESC, guid LIMIT 1",
        sizeof *ret, read_device};
    return store_select_one(s, &select, STORE_PARAMS(STORE_T(machine), STORE_T(name)), a, ret, "such device", err);
}

enum result store_device_rekey(struct store *s, const char *guid, const char *spki, struct error *err)
{
    enum result r = store_change(s, "UPDATE device SET spki = $2 WHERE guid = $1",
                                 STORE_PARAMS(STORE_T(guid), STORE_T(spki)), "such device", err);
    return r == OK ? store_sequence_disallowed_moved(s, err) : r;
}

enum result store_device_note_clone(struct store *s, const char *guid, const char *hardware_id, int64_t now,
                                    struct error *err)
{
    return store_exec(s, "UPDATE device SET other_hardware = $2, other_hardware_at = $3 WHERE guid = $1",
                      STORE_PARAMS(STORE_T(guid), STORE_T(hardware_id), STORE_N(now)), NULL, err);
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
    int64_t changed, decided = 0;
    enum result r = store_exec(s,
                               "UPDATE device SET entra_tenant = $2, entra_device = $3 WHERE guid = $1 AND "
                               "(entra_tenant <> $2 OR entra_device <> $3)",
                               STORE_PARAMS(STORE_T(guid), STORE_T(tenant), STORE_T(device)), &changed, err);
    if (r == OK && changed)
        r = store_query_int(s, "SELECT COUNT(*) FROM device WHERE guid = $1 AND state = 'approved'",
                            STORE_PARAMS(STORE_T(guid)), &decided, err);
    return r == OK && decided ? store_sequence_policy_moved(s, guid, err) : r;
}

/* What the reason names is the same machine, unless certificates call the two by different names. */
static enum result relate(struct store *s, const struct store_device *d, struct arena *a, struct error *err)
{
    struct store_device other;
    bool another = false;
    if (strcmp(d->known_by, "hardware id") != 0)
        return OK;
    enum result r = store_device_get(s, a, STORE_BY_GUID, d->known, &other, err);
    if (r != OK)
        return r == R_NOTFOUND ? OK : r; /* it was removed */
    if (strcmp(d->vouched_by, "certificate") == 0)
        r = store_machine_is_another(s, other.machine, d->vouched_name, &another, err);
    if (r != OK || another)
        return r;
    return store_exec(s, "UPDATE device SET machine = $2, machine_proven = 0 WHERE guid = $1",
                      STORE_PARAMS(STORE_T(d->guid), STORE_T(other.machine)), NULL, err);
}

/* An Entra device is one machine. */
static enum result take_entra(struct store *s, const struct store_device *d, struct error *err)
{
    if (!*d->entra_device)
        return OK;
    return store_exec(s,
                      "UPDATE device SET entra_tenant = '', entra_device = '' WHERE entra_tenant = $1 AND "
                      "entra_device = $2 AND guid <> $3 AND machine <> (SELECT machine FROM device WHERE guid = $3)",
                      STORE_PARAMS(STORE_T(d->entra_tenant), STORE_T(d->entra_device), STORE_T(d->guid)), NULL, err);
}

static enum result approve(struct store *s, struct arena *a, const char *guid, struct error *err)
{
    struct store_device d;
    enum result r = store_device_get(s, a, STORE_BY_GUID, guid, &d, err);
    if (r == OK)
        r = relate(s, &d, a, err);
    if (r == OK)
        r = store_removed_forget(s, guid, err);
    if (r == OK)
        r = store_exec(s,
                       "UPDATE device SET state = 'approved', once_approved = 1, reason = '', known = '', known_by = "
                       "'', kept_out = 0, "
                       "hardware_id = CASE WHEN other_hardware = '' THEN hardware_id ELSE other_hardware END, "
                       "other_hardware = '', other_hardware_at = 0, "
                       "vouched_name = CASE WHEN vouched_by = 'certificate' THEN vouched_name ELSE name END, "
                       "vouched_by = CASE WHEN vouched_by = 'certificate' THEN vouched_by ELSE 'administrator' END "
                       "WHERE guid = $1",
                       STORE_PARAMS(STORE_T(guid)), NULL, err);
    if (r == OK)
        r = store_exec(s, "UPDATE device SET hardware_by = 'administrator' WHERE guid = $1 AND hardware_id <> ''",
                       STORE_PARAMS(STORE_T(guid)), NULL, err);
    if (r == OK)
        r = take_entra(s, &d, err);
    if (r == OK)
        r = store_bump(s, STORE_BUNDLE, err);
    return r == OK ? store_sequence_policy_bump(s, guid, err) : r;
}

enum result store_device_approve(struct store *s, const char *guid, struct error *err)
{
    enum result r = store_begin(s, STORE_DURABLE, err);
    if (r != OK)
        return r;
    struct arena *a = arena_new(ONE_MAX);
    r = store_end(s, approve(s, a, guid, err), err);
    arena_free(a);
    return r;
}

enum result store_device_block(struct store *s, const char *guid, bool blocked, struct error *err)
{
    enum result r = store_begin(s, STORE_DURABLE, err);
    if (r != OK)
        return r;
    r = store_change(s,
                     "UPDATE device SET blocked = $2 WHERE guid IN (SELECT guid FROM device WHERE guid = $1 UNION "
                     "SELECT other.guid FROM device own JOIN device other ON other.machine = own.machine "
                     "WHERE own.guid = $1 AND own.machine_proven = 1 AND other.machine_proven = 1)",
                     STORE_PARAMS(STORE_T(guid), STORE_N(blocked)), "such device", err);
    if (r == OK && !blocked)
        r = store_known_release(s, guid, err);
    if (r == OK)
        r = store_bump(s, STORE_BUNDLE, err);
    return store_end(s, r, err);
}

static enum result remove_device(struct store *s, const char *guid, bool forget, struct error *err)
{
    int64_t now = clock_wall_s();
    enum result r = forget ? store_removed_forget(s, guid, err) : store_removed_remember(s, guid, now, err);
    if (r == OK && forget)
        r = store_known_release(s, guid, err);
    if (r == OK)
        r = store_change(s, "DELETE FROM device WHERE guid = $1", STORE_PARAMS(STORE_T(guid)), "such device", err);
    if (r == OK)
        r = store_exec(s, "DELETE FROM removed_device WHERE until < $1", STORE_PARAMS(STORE_N(now)), NULL, err);
    if (r == OK)
        r = store_exec(s, "INSERT INTO removed_device (guid, until) VALUES ($1, $2)",
                       STORE_PARAMS(STORE_T(guid), STORE_N(now + REMOVED_S)), NULL, err);
    if (r == OK)
        r = store_sequence_policy_forget(s, guid, err);
    if (r == OK)
        r = store_notification_forget(s, guid, err);
    return r == OK ? store_bump(s, STORE_BUNDLE, err) : r;
}

enum result store_device_remove(struct store *s, const char *guid, bool forget, struct error *err)
{
    enum result r = store_begin(s, STORE_DURABLE, err);
    return r == OK ? store_end(s, remove_device(s, guid, forget, err), err) : r;
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
    int64_t ago = now - d->last_seen;
    if (ago < SEEN_EVERY_S && ago > -SEEN_EVERY_S) /* a clock may have been ahead */
        return OK;
    return store_exec(s, "UPDATE device SET last_seen = $2 WHERE guid = $1",
                      STORE_PARAMS(STORE_T(d->guid), STORE_N(now)), NULL, err);
}
