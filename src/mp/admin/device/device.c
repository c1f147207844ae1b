/* SPDX-License-Identifier: Apache-2.0 */
/* Devices: listed, shown, approved, blocked, removed; each by GUID or by a name that is theirs alone. */
#include "base/clock.h"
#include "mp/admin/admin.h"
#include "mp/admin/page.h"
#include "mp/notify/waiting.h"
#include "mp/put.h"
#include "mp/targeting/fact.h"
#include "mp/targeting/rule.h"
#include "store/device/known.h"
#include "store/device/notification.h"
#include "store/sequence.h"

/* Devices have one or two; a page of devices that have more of them is shorter. */
enum { CERTIFICATES_A_PAGE = 2000 };

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

/* `certificates` is taken over. */
static json_t *device_json(const struct store_device *d, json_t *certificates)
{
    json_t *ret = json_pack("{s:s, s:s, s:s, s:s, s:s, s:s, s:I, s:I, s:I, s:o}", "guid", d->guid, "name", d->name,
                            "hardware_id", d->hardware_id, "method", d->method, "state",
                            d->blocked ? "blocked" : store_device_state_name(d->state), "spki", d->spki,
                            "client_version", (json_int_t)d->client_version, "registered", (json_int_t)d->registered,
                            "last_seen", (json_int_t)d->last_seen, "certificates", certificates);
    mp_put(ret, "entra_tenant", json_string(d->entra_tenant));
    mp_put(ret, "entra_device", json_string(d->entra_device));
    put_word(ret, d);
    mp_put(ret, "facts", mp_fact_json(d->facts));
    return ret;
}

/* Both are sorted by GUID (dashes stand at the same places of all, so every collation sorts them as bytes): takes those
 * of one device from *at on. */
static json_t *certificates_json(const char *guid, const struct store_certificate *list, size_t count, size_t *at)
{
    json_t *ret = json_array();
    for (; *at < count && strcmp(list[*at].guid, guid) <= 0; ++*at) {
        const struct store_certificate *c = &list[*at];
        if (strcmp(c->guid, guid) == 0)
            mp_push(ret, json_pack("{s:s, s:s, s:I}", "sha256", c->sha256, "subject", c->subject, "not_after",
                                   (json_int_t)c->not_after));
    }
    return ret;
}

/* How many devices have all their certificates in a list that may have been cut at its end: the last one's may be. */
static size_t whole_devices(const struct store_device *list, size_t count, const struct store_certificate *certificates,
                            size_t certificate_count)
{
    while (certificate_count == CERTIFICATES_A_PAGE && count > 1 &&
           strcmp(list[count - 1].guid, certificates[certificate_count - 1].guid) >= 0)
        count--;
    return count;
}

/* *count: of the devices that are in `ret`, which has those in front alone when they have very many certificates. */
static enum result devices_json(struct mp_request *r, const struct store_device *list, size_t *count, json_t *ret,
                                struct error *err)
{
    struct store_certificate *certificates;
    size_t certificate_count, at = 0;
    if (*count == 0)
        return OK;
    enum result result = store_certificate_list_of_page(r->site->store, r->arena, list[0].guid, list[*count - 1].guid,
                                                        CERTIFICATES_A_PAGE, &certificates, &certificate_count, err);
    if (result != OK)
        return result;
    *count = whole_devices(list, *count, certificates, certificate_count);
    for (size_t i = 0; i < *count; i++)
        mp_push(ret, device_json(&list[i], certificates_json(list[i].guid, certificates, certificate_count, &at)));
    return OK;
}

/* Those of `list` that an anchor's certificates stand behind, moved to its front; a page may have none. */
static enum result keep_anchored(struct mp_request *r, const char *anchor, struct store_device *list, size_t *count,
                                 struct error *err)
{
    const char **guids;
    size_t guid_count, kept = 0, at = 0;
    if (!*anchor || !*count)
        return OK;
    enum result result = store_anchored_of_page(r->site->store, r->arena, anchor, list[0].guid, list[*count - 1].guid,
                                                &guids, &guid_count, err);
    for (size_t i = 0; result == OK && i < *count && at < guid_count; i++) {
        if (strcmp(list[i].guid, guids[at]) == 0) {
            list[kept++] = list[i];
            at++;
        }
    }
    *count = kept;
    return result;
}

/* Those that the conditions hold for. */
static enum result keep_where(const char *where, struct store_device *list, size_t *count, struct error *err)
{
    size_t kept = 0;
    if (!*where)
        return OK;
    enum result r = mp_rule_check(slice_of(where), err);
    for (size_t i = 0; r == OK && i < *count; i++) {
        if (mp_rule_holds(slice_of(where), &list[i]))
            list[kept++] = list[i];
    }
    *count = kept;
    return r;
}

static enum result list_page(struct mp_request *r, const struct mp_page *page, json_t *answer, struct error *err)
{
    struct store_device *list;
    size_t found;
    json_t *array = json_array();
    mp_put(answer, "devices", array);
    enum result result =
        store_device_page(r->site->store, r->arena, page->after, MP_PAGE_ROWS(page), &list, &found, err);
    size_t count = result == OK ? mp_page_rows(page, found) : 0;
    const char *next = count && count < found ? list[count - 1].guid : NULL, *anchor = "", *where = "";
    if (result == OK)
        result = mp_page_read_word(r, "anchor", &anchor, err);
    if (result == OK)
        result = keep_anchored(r, anchor, list, &count, err);
    if (result == OK)
        result = mp_page_read_word(r, "where", &where, err);
    if (result == OK)
        result = keep_where(where, list, &count, err);
    size_t whole = count;
    if (result == OK)
        result = devices_json(r, list, &whole, array, err);
    if (result == OK)
        mp_page_put_next(answer, whole < count ? list[whole - 1].guid : next);
    return result;
}

void mp_admin_device_list(struct mp_request *r)
{
    mp_page_answer(r, list_page);
}

enum result mp_admin_device_find(struct mp_request *r, const char *text, struct store_device *ret, struct error *err)
{
    enum store_device_by by = guid_valid(slice_of(text)) ? STORE_BY_GUID : STORE_BY_NAME;
    return store_device_get(r->site->store, r->arena, by, text, ret, err);
}

/* Whether it waits to be told something, which this process alone knows, and how far it has been told. */
static enum result put_notified(struct mp_request *r, const char *guid, json_t *device, struct error *err)
{
    struct store_notified n;
    enum result result = store_notified_get(r->site->store, guid, clock_wall_s(), &n, err);
    if (result == OK && device)
        mp_put(device, "notifications",
               json_pack("{s:b, s:I, s:I, s:o}", "listens", mp_waiting_has(r->site->waiting, guid), "queued",
                         (json_int_t)n.waits, "taken", (json_int_t)(n.at ? n.taken : 0), "taken_at",
                         n.at ? json_integer((json_int_t)n.at) : json_null()));
    return result;
}

static void answer(struct mp_request *r, const char *guid)
{
    struct store_device d;
    struct error err;
    size_t one = 1;
    json_t *array = json_array();
    enum result result = store_device_get(r->site->store, r->arena, STORE_BY_GUID, guid, &d, &err);
    if (result == OK)
        result = devices_json(r, &d, &one, array, &err);
    if (result == OK)
        result = mp_admin_put_told(r, guid, json_array_get(array, 0), &err);
    if (result == OK)
        result = put_notified(r, guid, json_array_get(array, 0), &err);
    if (result == OK)
        mp_answer_json(r, 200, json_pack("{s:O}", "device", json_array_get(array, 0)));
    else
        mp_admin_fail(r, &err, NULL);
    json_decref(array);
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
