/* SPDX-License-Identifier: Apache-2.0 */
/* The same winner as in resultant.c, for one setting and all devices at once: collections are read once. */
#include "mp/targeting/disallowed.h"

#include <stdlib.h>

#include "base/host/log.h"
#include "mp/put.h"
#include "mp/targeting/resultant.h"
#include "mp/targeting/rule.h"
#include "store/device/device.h"
#include "store/site/endpoint.h"
#include "store/targeting/client_settings.h"
#include "store/targeting/collection.h"
#include "json/json.h"

enum { ROWS_MAX = 512 * 1024 * 1024, LISTED_MAX = 200000, SETTINGS_TEXT_MAX = 1024 * 1024 };

/* Client settings that say something of allow_cmg. */
struct voice {
    const struct store_client_settings *settings;
    bool allows;
    const char *rules, **listed; /* of the collection; rules NULL: every device */
    size_t listed_count;
    json_t *group; /* NULL: none was listed yet */
};

struct census {
    struct mp_site *site;
    struct arena *rows;
    struct voice voices[STORE_CLIENT_SETTINGS_MAX + 1];
    size_t count;
    bool forbids;             /* one of them does */
    const struct voice *last; /* the default settings, when they say something of it */
    size_t listed;            /* certificates and devices, in all groups */
};

static enum result add_voice(struct census *c, const struct store_client_settings *settings, struct error *err)
{
    json_t *o = NULL;
    struct store_collection collection;
    enum result r = json_parse(slice_of(settings->settings), SETTINGS_TEXT_MAX, &o, err);
    const json_t *value = json_object_get(o, "allow_cmg");
    if (r == OK && value && c->count < ARRAY_LEN(c->voices)) {
        struct voice *v = &c->voices[c->count++];
        *v = (struct voice){.settings = settings, .allows = json_is_true(value)};
        c->forbids = c->forbids || !v->allows;
        if (!settings->collection) {
            c->last = v;
        } else {
            r = store_collection_get(c->site->store, c->rows, settings->collection, &collection, err);
            if (r == OK)
                r = store_collection_listed(c->site->store, c->rows, settings->collection, &v->listed, &v->listed_count,
                                            err);
            v->rules = r == OK ? collection.rules : "";
        }
    }
    json_decref(o);
    return r;
}

static int by_text(const void *a, const void *b)
{
    return strcmp(a, *(const char *const *)b);
}

static bool concerns(const struct voice *v, const struct store_device *d)
{
    return !v->settings->collection || mp_rules_hold(v->rules, d) ||
           (v->listed_count && bsearch(d->guid, v->listed, v->listed_count, sizeof *v->listed, by_text));
}

static json_t *group_of(struct voice *v, bool but)
{
    char by[256];
    if (!v->group) {
        mp_resultant_name(v->settings, by, sizeof by);
        v->group = json_pack("{s:s, s:b, s:[], s:[], s:[]}", "by", by, "but", but, "guids", "spki", "certificates");
    }
    return v->group;
}

static enum result push(struct census *c, json_t *group, const struct store_device *d, struct error *err)
{
    struct store_certificate *list;
    size_t count;
    enum result r = store_certificate_list(c->site->store, c->rows, d->guid, &list, &count, err);
    if (r != OK || c->listed + count + 1 > LISTED_MAX)
        return r;
    c->listed += count + 1;
    mp_push(json_object_get(group, "guids"), json_string(d->guid));
    mp_push(json_object_get(group, "spki"), json_string(d->spki));
    for (size_t i = 0; i < count; i++)
        mp_push(json_object_get(group, "certificates"), json_string(list[i].sha256));
    return OK;
}

/* Where the default forbids it to everybody, those about whom custom settings decide are the exceptions; of them, those
 * that are forbidden it too stand in groups of their own. */
static enum result decide(struct census *c, const struct store_device *d, struct error *err)
{
    struct voice *winner = NULL;
    for (size_t i = 0; i < c->count && !winner; i++)
        winner = concerns(&c->voices[i], d) ? &c->voices[i] : NULL;
    if (!winner || winner == c->last)
        return OK;
    enum result r = winner->allows ? OK : push(c, group_of(winner, false), d, err);
    if (r == OK && c->last && !c->last->allows)
        r = push(c, group_of((struct voice *)(uintptr_t)c->last, true), d, err);
    return r;
}

static enum result decide_all(struct census *c, json_t *ret, struct error *err)
{
    struct store_device *list;
    size_t count;
    enum result r = store_device_list(c->site->store, c->rows, &list, &count, err);
    for (size_t i = 0; r == OK && i < count; i++)
        r = decide(c, &list[i], err);
    if (r == OK && c->last && !c->last->allows)
        (void)group_of((struct voice *)(uintptr_t)c->last, true);
    if (c->listed + STORE_CERTIFICATES_A_DEVICE >= LISTED_MAX)
        log_msg(LOG_WARN, "settings",
                "more devices than a bundle holds are forbidden the gateways: management points "
                "refuse all of them, published endpoints some; forbid it by the default settings");
    for (size_t i = 0; i < c->count; i++) {
        if (c->voices[i].group)
            mp_push(ret, c->voices[i].group);
    }
    return r;
}

static enum result publishes(struct mp_site *site, struct arena *a, bool *ret, struct error *err)
{
    struct store_endpoint *list;
    size_t count = 0;
    enum result r = store_endpoint_list(site->store, a, &list, &count, err);
    *ret = count > 0;
    return r;
}

static enum result gather(struct census *c, json_t *ret, struct error *err)
{
    struct store_client_settings *list;
    size_t count;
    bool needed = false;
    enum result r = store_client_settings_list(c->site->store, c->rows, &list, &count, err);
    for (size_t i = 0; r == OK && i < count; i++)
        r = add_voice(c, &list[i], err);
    if (r == OK && c->forbids)
        r = publishes(c->site, c->rows, &needed, err);
    return r == OK && needed ? decide_all(c, ret, err) : r;
}

enum result mp_disallowed(struct mp_site *site, struct arena *a, json_t *ret, struct error *err)
{
    struct census *c = arena_alloc(a, sizeof *c);
    if (!c)
        return error_set(err, R_LIMIT, "too much for one bundle");
    memset(c, 0, sizeof *c);
    c->site = site;
    c->rows = arena_new(ROWS_MAX); /* of all devices: not in the one that the rest of the bundle is made in */
    enum result r = gather(c, ret, err);
    arena_free(c->rows);
    return r;
}
