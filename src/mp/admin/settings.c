/* SPDX-License-Identifier: Apache-2.0 */
/* Client settings, default and custom, and the resultant ones of a device. */
#include <stdlib.h>

#include "mp/admin/admin.h"
#include "mp/answer/settings.h"
#include "mp/put.h"
#include "mp/targeting/resultant.h"
#include "store/targeting/client_settings.h"
#include "store/targeting/collection.h"

enum { NAME_MAX_BYTES = 64, SETTINGS_MAX = 64 * 1024 };

static json_t *settings_json(const struct store_client_settings *c)
{
    json_t *settings = NULL;
    if (json_parse(slice_of(c->settings), SETTINGS_MAX, &settings, NULL) != OK)
        settings = json_null();
    return json_pack("{s:s, s:I, s:s?, s:o, s:I}", "name", c->name, "priority", (json_int_t)c->priority, "collection",
                     c->collection, "settings", settings, "changed", (json_int_t)c->changed);
}

static bool is_default(const char *name)
{
    return strcmp(name, STORE_CLIENT_SETTINGS_DEFAULT) == 0;
}

/* What was said before stays where nothing new is said; null takes a setting out. */
static enum result merge(json_t *into, const json_t *given, struct error *err)
{
    const char *name;
    json_t *value;
    json_object_foreach((json_t *)(uintptr_t)given, name, value) {
        if (json_is_null(value)) {
            (void)json_object_del(into, name);
            continue;
        }
        json_t *kept = mp_resultant_value(name, value, err);
        if (!kept)
            return err->code;
        mp_put(into, name, kept);
    }
    return OK;
}

static enum result read_frame(struct mp_request *r, const json_t *body, struct store_client_settings *ret,
                              struct error *err)
{
    struct store_collection c;
    if (!mp_admin_name_good(ret->name, NAME_MAX_BYTES))
        return error_set(err, R_INVALID, "'name' is 1 to %d bytes without controls, invisible characters and '/'",
                         NAME_MAX_BYTES);
    if (is_default(ret->name)) {
        if (json_object_get(body, "collection") || json_object_get(body, "priority"))
            return error_set(err, R_INVALID,
                             "the default settings are of every device and come last: they take "
                             "neither collection nor priority");
        ret->priority = STORE_CLIENT_SETTINGS_LAST;
        ret->collection = NULL;
        return OK;
    }
    ret->priority = json_opt_int(body, "priority", ret->priority);
    ret->collection = json_opt_str(body, "collection", ret->collection);
    if (!ret->collection)
        return error_set(err, R_INVALID, "custom settings are for a collection: say which (--collection NAME)");
    if (ret->priority < 1 || ret->priority >= STORE_CLIENT_SETTINGS_LAST)
        return error_set(err, R_INVALID, "'priority' is 1 (wins) to %d (--priority N)", STORE_CLIENT_SETTINGS_LAST - 1);
    enum result result = store_collection_get(r->site->store, r->arena, ret->collection, &c, err);
    return result == R_NOTFOUND ? error_set(err, R_NOTFOUND, "there is no collection '%.64s'", ret->collection)
                                : result;
}

static enum result apply(struct mp_request *r, const json_t *body, struct store_client_settings *c, struct error *err)
{
    json_t *settings = NULL;
    const char *name = c->name;
    enum result result = store_client_settings_get(r->site->store, r->arena, name, c, err);
    if (result == R_NOTFOUND)
        *c = (struct store_client_settings){.name = name, .settings = "{}"};
    else if (result != OK)
        return result;
    result = read_frame(r, body, c, err);
    if (result == OK)
        result = json_parse(slice_of(c->settings), SETTINGS_MAX, &settings, err);
    if (result == OK)
        result = merge(settings, json_object_get(body, "settings"), err);
    char *text = result == OK ? json_dumps(settings, JSON_COMPACT | JSON_SORT_KEYS) : NULL;
    if (result == OK) {
        c->settings = arena_printf(r->arena, "%s", text).ptr;
        result = store_client_settings_put(r->site->store, c, err);
    }
    free(text);
    json_decref(settings);
    return result;
}

void mp_admin_client_settings_put(struct mp_request *r)
{
    struct store_client_settings c = {0};
    struct error err;
    json_t *body = mp_admin_body(r);
    if (!body)
        return;
    enum result result = json_need_str(body, "name", &c.name, &err);
    if (result == OK)
        result = store_begin(r->site->store, STORE_DURABLE, &err);
    if (result == OK) {
        result = apply(r, body, &c, &err);
        result = mp_admin_commit(r, result, "client-settings.put", c.name, result == OK ? c.settings : "", &err);
    }
    if (result == OK)
        mp_answer_json(r, 200, json_pack("{s:o}", "client_settings", settings_json(&c)));
    else
        mp_admin_fail(r, &err,
                      result == R_INVALID ? "correct it; see: cmg settings client set --help"
                                          : "see what there is: cmg settings client list, cmg collection list");
    json_decref(body);
}

void mp_admin_client_settings_list(struct mp_request *r)
{
    struct store_client_settings *list;
    size_t count;
    struct error err;
    if (store_client_settings_list(r->site->store, r->arena, &list, &count, &err) != OK) {
        mp_admin_fail(r, &err, NULL);
        return;
    }
    json_t *array = json_array();
    for (size_t i = 0; i < count; i++)
        mp_push(array, settings_json(&list[i]));
    mp_answer_json(r, 200, json_pack("{s:o}", "client_settings", array));
}

void mp_admin_client_settings_remove(struct mp_request *r)
{
    struct error err;
    enum result result = store_begin(r->site->store, STORE_DURABLE, &err);
    if (result == OK)
        result = mp_admin_commit(r, store_client_settings_remove(r->site->store, r->params[0], &err),
                                 "client-settings.remove", r->params[0], "", &err);
    if (result == OK)
        mp_answer(r, &(struct mp_answer){.status = 204});
    else
        mp_admin_fail(r, &err, "list them with: cmg settings client list");
}

void mp_admin_resultant(struct mp_request *r)
{
    struct store_device d;
    struct error err;
    json_t *resultant = NULL, *has = NULL;
    enum result result = mp_admin_device_find(r, r->params[0], &d, &err);
    if (result == OK)
        result = mp_resultant(r->site, r->arena, &d, &resultant, &err);
    if (result == OK)
        result = mp_settings_of_device(r, &d, resultant, &has, &err);
    if (result != OK) {
        json_decref(resultant);
        mp_admin_fail(r, &err, "list them with: cmg device list");
        return;
    }
    mp_put(resultant, "device", json_string(d.guid));
    mp_put(resultant, "name", json_string(d.name));
    mp_put(resultant, "device_has", has);
    mp_answer_json(r, 200, resultant);
}
