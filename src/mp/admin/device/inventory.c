/* SPDX-License-Identifier: Apache-2.0 */
/* What devices told of themselves, for administrators. */
#include "store/device/inventory.h"
#include "facts/facts.h"
#include "mp/admin/admin.h"
#include "mp/put.h"
#include "store/device/message.h"

#define REMEDY "list them with: cmg device list"

static json_t *state_json(const struct store_message *m)
{
    return json_pack("{s:s, s:s, s:I, s:s, s:s, s:I, s:I}", "kind", m->kind, "subject", m->subject, "version",
                     (json_int_t)m->version, "state", m->state, "detail", m->detail, "at", (json_int_t)m->at,
                     "received", (json_int_t)m->received);
}

/* When it last told what it is; null: never. */
static enum result put_inventory(struct mp_request *r, const char *guid, json_t *device, struct error *err)
{
    struct store_inventory i;
    enum result result = store_inventory_get(r->site->store, r->arena, guid, &i, err);
    mp_put(device, "inventory",
           result == OK ? json_pack("{s:I, s:I, s:s}", "taken", (json_int_t)i.taken, "received", (json_int_t)i.received,
                                    "fingerprint", i.fingerprint)
                        : json_null());
    return result == R_NOTFOUND ? OK : result;
}

enum result mp_admin_put_told(struct mp_request *r, const char *guid, json_t *device, struct error *err)
{
    struct store_message *list;
    size_t count;
    json_t *states = json_array();
    mp_put(device, "states", states);
    enum result result = store_state_list(r->site->store, r->arena, guid, STORE_STATES_A_DEVICE, &list, &count, err);
    for (size_t i = 0; result == OK && i < count; i++)
        mp_push(states, state_json(&list[i]));
    return result == OK ? put_inventory(r, guid, device, err) : result;
}

void mp_admin_device_messages(struct mp_request *r)
{
    struct store_device d;
    struct store_message *list;
    size_t count = 0;
    struct error err;
    json_t *messages = json_array();
    enum result result = mp_admin_device_find(r, r->params[0], &d, &err);
    if (result == OK)
        result = store_message_list(r->site->store, r->arena, d.guid, &list, &count, &err);
    for (size_t i = 0; i < count; i++)
        mp_push(messages, state_json(&list[i]));
    if (result == OK)
        mp_answer_json(r, 200, json_pack("{s:s, s:O}", "device", d.guid, "messages", messages));
    else
        mp_admin_fail(r, &err, REMEDY);
    json_decref(messages);
}

void mp_admin_device_inventory(struct mp_request *r)
{
    struct store_device d;
    struct store_inventory i;
    struct error err;
    json_t *facts = NULL;
    enum result result = mp_admin_device_find(r, r->params[0], &d, &err);
    if (result == OK)
        result = store_inventory_get(r->site->store, r->arena, d.guid, &i, &err);
    if (result == OK)
        result = json_parse(slice_of(i.facts), FACTS_MAX, &facts, &err);
    if (result == OK)
        mp_answer_json(r, 200,
                       json_pack("{s:s, s:s, s:I, s:I, s:O}", "device", d.guid, "name", d.name, "taken",
                                 (json_int_t)i.taken, "received", (json_int_t)i.received, "facts", facts));
    else
        mp_admin_fail(r, &err, REMEDY);
    json_decref(facts);
}

static json_t *change_json(const struct store_change_told *c)
{
    json_t *change;
    if (json_parse(slice_of(c->change), FACTS_MAX, &change, NULL) != OK)
        change = json_null();
    return json_pack("{s:I, s:I, s:o}", "taken", (json_int_t)c->taken, "received", (json_int_t)c->received, "change",
                     change);
}

void mp_admin_device_changes(struct mp_request *r)
{
    struct store_device d;
    struct store_change_told *list;
    size_t count = 0;
    struct error err;
    json_t *changes = json_array();
    enum result result = mp_admin_device_find(r, r->params[0], &d, &err);
    if (result == OK)
        result = store_inventory_changes(r->site->store, r->arena, d.guid, &list, &count, &err);
    for (size_t i = 0; result == OK && i < count; i++)
        mp_push(changes, change_json(&list[i]));
    if (result == OK)
        mp_answer_json(r, 200, json_pack("{s:s, s:O}", "device", d.guid, "changes", changes));
    else
        mp_admin_fail(r, &err, REMEDY);
    json_decref(changes);
}
