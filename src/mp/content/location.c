/* SPDX-License-Identifier: Apache-2.0 */
/* Where devices and connectors find the site: gateways, and management points inside. */
#include "mp/content/content.h"
#include "mp/content/part.h"
#include "mp/put.h"
#include "store/site/endpoint.h"

enum result mp_content_gateways(struct mp_site *site, struct arena *a, json_t **ret, struct error *err)
{
    struct store_gateway *list;
    size_t count;
    enum result r = store_gateway_list(site->store, a, &list, &count, err);
    json_t *array = json_array();
    for (size_t i = 0; r == OK && i < count; i++)
        mp_push(array,
                json_pack("{s:s, s:s, s:I}", "id", list[i].id, "host", list[i].host, "port", (json_int_t)list[i].port));
    return mp_content_finish(r, array, ret);
}

static json_t *names_of(const struct store_endpoint *list, size_t count, const char *role)
{
    json_t *names = json_array();
    for (size_t i = 0; i < count; i++) {
        if (list[i].management_point && strcmp(list[i].role, role) == 0)
            mp_push(names, json_string(list[i].name));
    }
    return names;
}

enum result mp_content_location(struct mp_site *site, struct arena *a, json_t **ret, struct error *err)
{
    struct store_endpoint *list;
    struct store_mp *mps;
    size_t count, mp_count;
    json_t *o = json_object(), *roles = json_array(), *inside = json_array(), *gateways = NULL;
    enum result r = store_endpoint_list(site->store, a, &list, &count, err);
    if (r == OK)
        r = store_mp_list(site->store, a, &mps, &mp_count, err);
    for (size_t i = 0; r == OK && i < mp_count; i++) {
        mp_push(roles, json_pack("{s:s, s:s, s:o, s:o}", "id", mps[i].id, "mode", mps[i].mode, "clients",
                                 mp_content_words(mps[i].clients), "endpoints", names_of(list, count, mps[i].id)));
        mp_push(inside, json_pack("{s:s, s:s, s:s, s:s*}", "id", mps[i].id, "url", mps[i].url, "mode", mps[i].mode,
                                  "anchors_pem", mps[i].anchors_pem));
    }
    mp_put(o, "roles", roles);
    mp_put(o, "mps", inside);
    if (r == OK)
        r = mp_content_gateways(site, a, &gateways, err);
    if (r == OK)
        mp_put(o, "gateways", gateways);
    return mp_content_finish(r, o, ret);
}
