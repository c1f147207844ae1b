/* SPDX-License-Identifier: Apache-2.0 */
/* One object a step; a text that was cut within a letter, or is a peer's and no UTF-8, is left out. */
#include "json/trail.h"

#include "base/host/trail.h"

static void put_text(json_t *o, const char *name, const char *text)
{
    json_t *value = text && *text ? json_string(text) : NULL;
    if (value)
        (void)json_object_set_new(o, name, value);
}

static void put_number(json_t *o, const char *name, uint64_t n)
{
    if (n)
        (void)json_object_set_new(o, name, json_integer((json_int_t)n));
}

static json_t *step_json(const struct trail_kept *k)
{
    json_t *o = json_object();
    put_number(o, "at_ms", (uint64_t)k->at_ms);
    put_text(o, "what", k->step.what);
    put_text(o, "reason", k->step.reason);
    put_number(o, "status", (uint64_t)k->step.status);
    put_text(o, "client", k->step.client);
    put_text(o, "endpoint", k->step.endpoint);
    put_text(o, "detail", k->step.detail);
    put_number(o, "request_bytes", k->step.request_bytes);
    put_number(o, "response_bytes", k->step.response_bytes);
    return o;
}

json_t *json_trail(const char *id)
{
    struct trail_kept found[TRAIL_FOUND_MAX];
    size_t count = trail_find(id, found);
    json_t *list = json_array();
    for (size_t i = 0; i < count; i++)
        (void)json_array_append_new(list, step_json(&found[i]));
    return list;
}
