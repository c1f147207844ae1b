/* SPDX-License-Identifier: Apache-2.0 */
/* Devices: listed, shown, approved, blocked, removed; each by GUID or by a name that is theirs alone. */
#include "store/device.h"
#include "mp/admin/admin.h"
#include "mp/content/put.h"

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

enum change { BLOCK, UNBLOCK, APPROVE, REMOVE };

static enum result make(struct store *s, enum change what, const char *guid, struct error *err)
{
    switch (what) {
    case APPROVE:
        return store_device_approve(s, guid, err);
    case REMOVE:
        return store_device_remove(s, guid, err);
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
    else if (what == REMOVE)
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

void mp_admin_device_approve(struct mp_request *r)
{
    change(r, APPROVE, "device.approve");
}

void mp_admin_device_remove(struct mp_request *r)
{
    change(r, REMOVE, "device.remove");
}
