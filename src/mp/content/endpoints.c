/* SPDX-License-Identifier: Apache-2.0 */
/* What is published, and by whom it is reached. */
#include "base/clock.h"
#include "mp/content/part.h"
#include "mp/put.h"
#include "store/site/endpoint.h"
#include "store/site/role.h"

static json_t *endpoint_json(const struct store_endpoint *e)
{
    json_t *o = json_pack("{s:s, s:o, s:s, s:I, s:s}", "id", e->id, "auth", mp_content_words(e->auth), "purpose",
                          e->purpose, "max_body", (json_int_t)e->max_body, "headers", e->headers);
    if (e->host[0]) {
        mp_put(o, "host", json_string(e->host));
    } else {
        mp_put(o, "role", json_string(e->role));
        mp_put(o, "name", json_string(e->name));
    }
    if (e->methods[0])
        mp_put(o, "methods", mp_content_words(e->methods));
    if (e->management_point)
        mp_put(o, "management_point", json_true());
    if (e->allow_encoded_slash)
        mp_put(o, "allow_encoded_slash", json_true());
    if (e->websocket)
        mp_put(o, "upgrade", json_string("websocket"));
    if (e->client_anchors[0])
        mp_put(o, "client_anchors", mp_content_words(e->client_anchors));
    if (e->answer_s)
        mp_put(o, "answer_s", json_integer(e->answer_s));
    return o;
}

enum result mp_part_endpoints(struct mp_site *site, struct arena *a, json_t *ret, struct error *err)
{
    struct store_endpoint *list;
    size_t count;
    enum result r = store_endpoint_list(site->store, a, &list, &count, err);
    json_t *array = json_array();
    for (size_t i = 0; r == OK && i < count; i++)
        mp_push(array, endpoint_json(&list[i]));
    mp_put(ret, "endpoints", array);
    return r;
}

enum result mp_part_roles(struct mp_site *site, struct arena *a, json_t *ret, struct error *err)
{
    struct store_mp *list;
    size_t count;
    enum result r = store_mp_list(site->store, a, &list, &count, err);
    json_t *array = json_array();
    for (size_t i = 0; r == OK && i < count; i++)
        mp_push(array, json_pack("{s:s, s:s, s:o}", "id", list[i].id, "mode", list[i].mode, "clients",
                                 mp_content_words(list[i].clients)));
    mp_put(ret, "roles", array);
    return r;
}

enum result mp_part_connectors(struct mp_site *site, struct arena *a, json_t *ret, struct error *err)
{
    struct store_connector *list;
    struct store_revoked *revoked;
    size_t count, revoked_count = 0;
    enum result r = store_connector_list(site->store, a, &list, &count, err);
    json_t *known = json_array(), *gone = json_array();
    for (size_t i = 0; r == OK && i < count; i++)
        mp_push(known, json_pack("{s:s}", "id", list[i].id));
    if (r == OK)
        r = store_revoked_list(site->store, a, clock_wall_s(), &revoked, &revoked_count, err);
    for (size_t i = 0; r == OK && i < revoked_count; i++)
        mp_push(gone, revoked[i].until ? json_pack("{s:s, s:s, s:I}", "kind", revoked[i].kind, "id", revoked[i].id,
                                                   "until", (json_int_t)revoked[i].until)
                                       : json_pack("{s:s, s:s}", "kind", revoked[i].kind, "id", revoked[i].id));
    mp_put(ret, "connectors", known);
    mp_put(ret, "revoked_roles", gone);
    return r;
}
