/* SPDX-License-Identifier: Apache-2.0 */
/* A device, those of a collection, or all are told to do something at once. Who does not wait just now is told when it
 * next asks, until the word has ended. */

#include "base/clock.h"
#include "mp/admin/admin.h"
#include "mp/notify/waiting.h"
#include "store/device/notification.h"
#include "store/targeting/collection.h"

enum {
    MESSAGE_MAX = 1024,
    DAY = 86400,
    EXPIRES_MIN_S = 60,
    EXPIRES_MAX_S = 30 * DAY,
    SPREAD_MAX_S = 3600,
};

static const char *const kinds[] = {"wake", "policy", "inventory", "state", STORE_NOTIFICATION_MESSAGE};

static bool is_kind(const char *what)
{
    for (size_t i = 0; i < ARRAY_LEN(kinds); i++) {
        if (strcmp(kinds[i], what) == 0)
            return true;
    }
    return false;
}

/* It ends on terminals and in logs. */
static bool is_plain(const char *text)
{
    for (const char *c = text; *c; c++) {
        if ((unsigned char)*c < 0x20 || *c == 0x7f)
            return false;
    }
    return *text && strlen(text) <= MESSAGE_MAX;
}

static enum result read_what(const json_t *body, struct store_notification *ret, struct error *err)
{
    bool says = json_object_get(body, "message") != NULL;
    ret->what = json_opt_str(body, "what", "");
    ret->message = json_opt_str(body, "message", "");
    if (!is_kind(ret->what))
        return error_set(err, R_INVALID, "'what' is wake, policy, inventory, state or message");
    if (says != (strcmp(ret->what, STORE_NOTIFICATION_MESSAGE) == 0) || (says && !is_plain(ret->message)))
        return error_set(err, R_INVALID, "'message' belongs to what=message: 1 to %d bytes without control characters",
                         MESSAGE_MAX);
    return OK;
}

static enum result read_times(const json_t *body, struct store_notification *ret, struct error *err)
{
    int64_t life = json_opt_int(body, "expires_s", DAY);
    ret->spread = json_opt_int(body, "spread_s", 0);
    if (life < EXPIRES_MIN_S || life > EXPIRES_MAX_S)
        return error_set(err, R_INVALID, "'expires_s' is a number of seconds, %d to %d", EXPIRES_MIN_S, EXPIRES_MAX_S);
    if (ret->spread < 0 || ret->spread > SPREAD_MAX_S)
        return error_set(err, R_INVALID, "'spread_s' is a number of seconds, 0 to %d", SPREAD_MAX_S);
    ret->created = clock_wall_s();
    ret->expires = ret->created + life;
    return OK;
}

static enum result find_device(struct mp_request *r, const char *name, struct store_notification *ret,
                               struct error *err)
{
    struct store_device d;
    enum result result = mp_admin_device_find(r, name, &d, err);
    if (result != OK)
        return error_prefix(err, "'%.64s'", name);
    if (d.blocked || d.state != STORE_APPROVED)
        return error_set(err, R_CONFLICT, "the device is %s: it is told nothing",
                         d.blocked ? "blocked" : store_device_state_name(d.state));
    ret->guid = d.guid;
    return OK;
}

/* One device, a collection, or all. */
static enum result read_whom(struct mp_request *r, const json_t *body, struct store_notification *ret,
                             struct error *err)
{
    const char *device = json_opt_str(body, "device", NULL), *collection = json_opt_str(body, "collection", NULL);
    struct store_collection found;
    ret->guid = ret->collection = "";
    if ((device != NULL) + (collection != NULL) + json_opt_bool(body, "all", false) != 1)
        return error_set(err, R_INVALID, "one of 'device', 'collection' and 'all' says whom");
    if (device && ret->spread)
        return error_set(err, R_INVALID, "'spread_s' is for many devices");
    if (device)
        return find_device(r, device, ret, err);
    if (!collection)
        return OK;
    enum result result = store_collection_get(r->site->store, r->arena, collection, &found, err);
    if (result != OK)
        return error_prefix(err, "'%.64s'", collection);
    ret->collection = found.name;
    return OK;
}

static void answer(struct mp_request *r, const struct store_notification *n)
{
    json_t *waits = *n->guid ? json_boolean(mp_waiting_has(r->site->waiting, n->guid)) : json_null();
    mp_answer_json(r, 201,
                   json_pack("{s:{s:I, s:s, s:s, s:o, s:o, s:I, s:I, s:o}}", "notification", "id", (json_int_t)n->id,
                             "what", n->what, "message", n->message, "device",
                             *n->guid ? json_string(n->guid) : json_null(), "collection",
                             *n->collection ? json_string(n->collection) : json_null(), "expires",
                             (json_int_t)n->expires, "spread_s", (json_int_t)n->spread, "waits", waits));
}

static enum result add(struct mp_request *r, const json_t *body, struct store_notification *n, struct error *err)
{
    enum result result = store_begin(r->site->store, STORE_DURABLE, err);
    if (result != OK)
        return result;
    result = read_whom(r, body, n, err);
    if (result == OK)
        result = store_notification_add(r->site->store, n, err);
    const char *whom = result != OK ? "" : *n->guid ? n->guid : *n->collection ? n->collection : "all devices";
    return mp_admin_commit(r, result, "device.notify", whom, n->what, err);
}

void mp_admin_notify(struct mp_request *r)
{
    struct store_notification n = {0};
    struct error err;
    json_t *body = mp_admin_body(r);
    if (!body)
        return;
    enum result result = read_what(body, &n, &err);
    if (result == OK)
        result = read_times(body, &n, &err);
    if (result == OK)
        result = add(r, body, &n, &err);
    if (result == OK) {
        mp_waiting_look(r->site->waiting);
        answer(r, &n);
    } else {
        mp_admin_fail(r, &err, result == R_NOTFOUND ? "see: cmg device list, cmg collection list" : NULL);
    }
    json_decref(body);
}
