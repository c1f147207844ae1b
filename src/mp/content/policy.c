/* SPDX-License-Identifier: Apache-2.0 */
/* The policies that reach a device, or a user on it. */
#include "store/targeting/policy.h"
#include "mp/content/content.h"
#include "mp/content/part.h"
#include "mp/put.h"
#include "mp/targeting/resultant.h"
#include "mp/targeting/target.h"
#include "store/targeting/content.h"

/* What the policy brings: its files with their hashes, which is what devices check them by. NULL: nothing. */
static enum result deploy_of(struct mp_site *site, struct arena *a, const struct store_policy *p, json_t **ret,
                             struct error *err)
{
    struct store_content_file *files;
    size_t count;
    *ret = NULL;
    if (!*p->content_name)
        return OK;
    enum result r = store_content_files(site->store, a, p->content_name, p->content_version, &files, &count, err);
    if (r != OK)
        return r;
    json_t *list = json_array();
    for (size_t i = 0; i < count; i++)
        mp_push(list, json_pack("{s:s, s:s, s:I, s:b}", "path", files[i].path, "sha256", files[i].sha256, "size",
                                (json_int_t)files[i].size, "executable", (int)files[i].executable));
    *ret = json_pack("{s:s, s:s, s:s, s:o}", "content", p->content_name, "version", p->content_version, "handler",
                     p->handler, "files", list);
    return OK;
}

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
        json_t *deploy;
        if (!mp_target_reaches(&list[i], collections, user, why))
            continue;
        r = deploy_of(site, a, &list[i], &deploy, err);
        mp_push(array, json_pack("{s:s, s:s, s:I, s:s, s:s, s:o*}", "id", list[i].id, "name", list[i].name, "version",
                                 (json_int_t)list[i].version, "sha256", list[i].sha256, "content", list[i].content,
                                 "deploy", deploy));
    }
    json_decref(collections);
    return mp_content_finish(r, json_pack("{s:o, s:s*}", "policies", array, "user", user), ret);
}
