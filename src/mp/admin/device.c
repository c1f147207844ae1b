/* SPDX-License-Identifier: Apache-2.0 */
/* Devices: listed, shown, approved, blocked, removed; each by GUID or by a name that is theirs alone. */
#include "mp/admin/admin.h"
#include "mp/put.h"
#include "store/device/known.h"
#include "store/sequence.h"

/* Who stands for what; null: the device alone says so, and nothing is decided by it. */
static json_t *by_whom(const char *who)
{
    return *who ? json_string(who) : json_null();
}

static void put_word(json_t *device, const struct store_device *d)
{
    mp_put(device, "vouched",
           json_pack("{s:o, s:o, s:o, s:o, s:o}", "registration", by_whom(d->voucher), "name", by_whom(d->vouched_name),
                     "name_by", by_whom(d->vouched_by), "hardware_id_by", by_whom(d->hardware_by), "entra_device_by",
                     by_whom(*d->entra_device ? "entra" : "")));
    mp_put(device, "machine", json_string(d->machine));
    mp_put(device, "reason", by_whom(d->reason));
    mp_put(device, "same_as", by_whom(d->known));
    mp_put(device, "shut_out", json_boolean(d->kept_out));
    mp_put(device, "other_hardware", by_whom(d->other_hardware));
    mp_put(device, "registered_from", by_whom(d->origin));
}

static enum result device_json(struct mp_request *r, const struct store_device *d, json_t **ret, struct error *err)
{
    struct store_certificate *list;
    size_t count;
    enum result result = store_certificate_list(r->site->store, r->arena, d->guid, &list, &count, err);
    if (result != OK)
        return result;
    json_t *certificates = json_array();
    for (size_t i = 0; i < count; i++)
        mp_push(certificates, json_pack("{s:s, s:s, s:I}", "sha256", list[i].sha256, "subject", list[i].subject,
                                        "not_after", (json_int_t)list[i].not_after));
    *ret = json_pack("{s:s, s:s, s:s, s:s, s:s, s:s, s:I, s:I, s:I, s:o}", "guid", d->guid, "name", d->name,
                     "hardware_id", d->hardware_id, "method", d->method, "state", d->blocked ? "blocked" : d->state,
                     "spki", d->spki, "client_version", (json_int_t)d->client_version, "registered",
                     (json_int_t)d->registered, "last_seen", (json_int_t)d->last_seen, "certificates", certificates);
    mp_put(*ret, "entra_tenant", json_string(d->entra_tenant));
    mp_put(*ret, "entra_device", json_string(d->entra_device));
    put_word(*ret, d);
    return OK;
}

void mp_admin_device_list(struct mp_request *r)
{
    struct store_device *list;
    size_t count;
    struct error err;
    json_t *array = json_array(), *device;
    enum result result = store_device_list(r->site->store, r->arena, &list, &count, &err);
    for (size_t i = 0; result == OK && i < count; i++) {
        result = device_json(r, &list[i], &device, &err);
        if (result == OK)
            mp_push(array, device);
    }
    if (result == OK) {
        mp_answer_json(r, 200, json_pack("{s:o}", "devices", array));
        return;
    }
    json_decref(array);
    mp_admin_fail(r, &err, NULL);
}

enum result mp_admin_device_find(struct mp_request *r, const char *text, struct store_device *ret, struct error *err)
{
    enum store_device_by by = guid_valid(slice_of(text)) ? STORE_BY_GUID : STORE_BY_NAME;
    return store_device_get(r->site->store, r->arena, by, text, ret, err);
}

static void answer(struct mp_request *r, const char *guid)
{
    struct store_device d;
    struct error err;
    json_t *device;
    enum result result = store_device_get(r->site->store, r->arena, STORE_BY_GUID, guid, &d, &err);
    if (result == OK)
        result = device_json(r, &d, &device, &err);
    if (result == OK)
        mp_answer_json(r, 200, json_pack("{s:o}", "device", device));
    else
        mp_admin_fail(r, &err, NULL);
}

#define REMEDY "list them with: cmg device list"

void mp_admin_device_get(struct mp_request *r)
{
    struct store_device d;
    struct error err;
    if (mp_admin_device_find(r, r->params[0], &d, &err) == OK)
        answer(r, d.guid);
    else
        mp_admin_fail(r, &err, REMEDY);
}

enum change { BLOCK, UNBLOCK, APPROVE, REMOVE, FORGET };

static enum result make(struct store *s, enum change what, const char *guid, struct error *err)
{
    switch (what) {
    case APPROVE:
        return store_device_approve(s, guid, err);
    case REMOVE:
    case FORGET:
        return store_device_remove(s, guid, what == FORGET, err);
    case BLOCK:
    case UNBLOCK:
    default:
        return store_device_block(s, guid, what == BLOCK, err);
    }
}

static void change(struct mp_request *r, enum change what, const char *action)
{
    struct store_device d;
    struct error err;
    enum result result = store_begin(r->site->store, STORE_DURABLE, &err);
    if (result == OK) {
        result = mp_admin_device_find(r, r->params[0], &d, &err);
        if (result == OK)
            result = make(r->site->store, what, d.guid, &err);
        result = mp_admin_commit(r, result, action, result == OK ? d.guid : "", result == OK ? d.name : "", &err);
    }
    if (result != OK)
        mp_admin_fail(r, &err, REMEDY);
    else if (what == REMOVE || what == FORGET)
        mp_answer(r, &(struct mp_answer){.status = 204});
    else
        answer(r, d.guid);
}

void mp_admin_device_block(struct mp_request *r)
{
    change(r, BLOCK, "device.block");
}

void mp_admin_device_unblock(struct mp_request *r)
{
    change(r, UNBLOCK, "device.unblock");
}

/* A device that was removed has no record to approve: its credentials may come in again. */
static bool readmit(struct mp_request *r)
{
    struct store_device d;
    struct error err;
    const char *guid = r->params[0];
    if (!guid_valid(slice_of(guid)) || mp_admin_device_find(r, guid, &d, &err) != R_NOTFOUND)
        return false;
    enum result result = store_begin(r->site->store, STORE_DURABLE, &err);
    if (result == OK) {
        result = store_removed_readmit(r->site->store, guid, &err);
        if (result == OK)
            result = store_bump(r->site->store, STORE_BUNDLE, &err);
        result = mp_admin_commit(r, result, "device.readmit", guid, "", &err);
    }
    if (result == OK)
        mp_answer_json(r, 200, json_pack("{s:s}", "readmitted", guid));
    else
        mp_admin_fail(r, &err, REMEDY);
    return true;
}

void mp_admin_device_approve(struct mp_request *r)
{
    if (!readmit(r))
        change(r, APPROVE, "device.approve");
}

/* ?forget: what it held may come in again. */
void mp_admin_device_remove(struct mp_request *r)
{
    if (slice_eq(r->query, SLICE("forget")))
        change(r, FORGET, "device.forget");
    else
        change(r, REMOVE, "device.remove");
}
