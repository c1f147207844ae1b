/* SPDX-License-Identifier: Apache-2.0 */
/* From rows to the document of one device. */
#include "mp/notify/news.h"

#include <stdio.h>

#include "base/clock.h"
#include "mp/put.h"
#include "mp/targeting/resultant.h"
#include "store/device/notification.h"

enum { LIFE_MIN_S = 300 }; /* clocks differ */

struct news {
    struct mp_site *site;
    struct arena *arena;
    const struct store_device *device;
    json_t *collections; /* that the device is in; NULL: not looked up, which takes time */
    json_t *list;
    int64_t last, ends;
};

static enum result is_for(struct news *n, const struct store_notification *x, bool *ret, struct error *err)
{
    *ret = true;
    if (*x->guid || !*x->collection)
        return OK;
    enum result r = n->collections ? OK : mp_collections_of(n->site, n->arena, n->device, &n->collections, err);
    *ret = r == OK && json_array_has(n->collections, slice_of(x->collection));
    return r;
}

static void push(struct news *n, const struct store_notification *x)
{
    mp_push(n->list, json_pack("{s:I, s:s, s:s, s:I}", "id", (json_int_t)x->id, "what", x->what, "message", x->message,
                               "created", (json_int_t)x->created));
    n->last = x->id;
    n->ends = n->ends && n->ends < x->expires ? n->ends : x->expires;
}

static enum result collect(struct news *n, const struct store_notification *rows, size_t count, struct error *err)
{
    enum result r = OK;
    for (size_t i = 0; r == OK && i < count; i++) {
        bool mine = false;
        r = is_for(n, &rows[i], &mine, err);
        if (mine)
            push(n, &rows[i]);
    }
    return r;
}

static enum result sign(const struct news *n, const char *key, int64_t now, char **ret, struct error *err)
{
    struct mp_audience whose = {.audience = n->device->guid};
    int64_t life = n->ends - now > LIFE_MIN_S ? n->ends - now : LIFE_MIN_S;
    json_t *content = json_pack("{s:O}", "notifications", n->list);
    (void)snprintf(whose.key, sizeof whose.key, "%s", key);
    enum result r = mp_documents_notification(n->site, &whose, n->last, life, content, ret, err);
    json_decref(content);
    return r;
}

enum result mp_news_of(struct mp_site *site, struct arena *a, const struct store_device *d, const char *key,
                       int64_t after, char **ret_text, struct error *err)
{
    struct news n = {.site = site, .arena = a, .device = d};
    struct store_notification *rows;
    size_t count = 0;
    int64_t now = clock_wall_s();
    *ret_text = NULL;
    enum result r = store_notification_of(site->store, a, d->guid, after, now, &rows, &count, err);
    if (r != OK || !count)
        return r;
    n.list = json_array();
    r = collect(&n, rows, count, err);
    if (r == OK && json_array_size(n.list))
        r = sign(&n, key, now, ret_text, err);
    json_decref(n.collections);
    json_decref(n.list);
    return r;
}
