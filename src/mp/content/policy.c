/* SPDX-License-Identifier: Apache-2.0 */
/* The policies that reach a device, or a user on it. */
#include "store/targeting/policy.h"
#include "mp/content/content.h"
#include "mp/content/part.h"
#include "mp/put.h"
#include "mp/targeting/resultant.h"
#include "mp/targeting/target.h"

enum result mp_content_policy(struct mp_site *site, struct arena *a, const struct store_device *d, const char *user,
                              json_t **ret, struct error *err)
{
    struct store_policy *list;
    size_t count = 0;
    json_t *array = json_array(), *collections;
    enum result r = mp_collections_of(site, a, d, &collections, err);
    if (r == OK)
        r = store_policy_list(site->store, a, &list, &count, err);
    for (size_t i = 0; r == OK && i < count; i++) {
        char why[MP_TARGET_WHY_SIZE];
        if (!mp_target_reaches(&list[i], collections, user, why))
            continue;
        mp_push(array, json_pack("{s:s, s:s, s:I, s:s, s:s}", "id", list[i].id, "name", list[i].name, "version",
                                 (json_int_t)list[i].version, "sha256", list[i].sha256, "content", list[i].content));
    }
    json_decref(collections);
    return mp_content_finish(r, json_pack("{s:o, s:s*}", "policies", array, "user", user), ret);
}
