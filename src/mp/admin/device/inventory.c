/* SPDX-License-Identifier: Apache-2.0 */
/* What devices told of themselves, for administrators. */
#include "mp/admin/admin.h"
#include "mp/put.h"
#include "store/device/message.h"

static json_t *state_json(const struct store_message *m)
{
    return json_pack("{s:s, s:s, s:I, s:s, s:s, s:I, s:I}", "kind", m->kind, "subject", m->subject, "version",
                     (json_int_t)m->version, "state", m->state, "detail", m->detail, "at", (json_int_t)m->at,
                     "received", (json_int_t)m->received);
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
    return result;
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
        mp_admin_fail(r, &err, "list them with: cmg device list");
    json_decref(messages);
}
