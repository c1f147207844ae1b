/* SPDX-License-Identifier: Apache-2.0 */
/* Collections: rules and listed devices; which devices they have. */
#include <stdlib.h>

#include "mp/admin/admin.h"
#include "mp/admin/page.h"
#include "mp/put.h"
#include "mp/targeting/rule.h"
#include "store/targeting/collection.h"

enum { NAME_MAX_BYTES = 64, COUNTED_A_PAGE = 20000 };

static json_t *rules_json(const char *rules)
{
    json_t *list = json_array();
    struct slice rest = slice_of(rules);
    while (rest.len) {
        struct slice one = slice_cut(&rest, '\n');
        mp_push(list, json_stringn(one.ptr, one.len));
    }
    return list;
}

static int compare_guids(const void *a, const void *b)
{
    return strcmp(*(const char *const *)a, *(const char *const *)b);
}

/* `guids` are sorted. */
static bool is_among(const char *guid, const char **guids, size_t count)
{
    return count && bsearch(&guid, guids, count, sizeof *guids, compare_guids);
}

/* [{"guid", "name", "by"}] of the devices it has, of one page of all devices. */
static enum result members(struct mp_request *r, const struct store_collection *c, const struct mp_page *page,
                           json_t *ret, const char **ret_next, struct error *err)
{
    struct store_device *list;
    const char **listed_guids;
    size_t found, listed_count;
    *ret_next = NULL;
    enum result result =
        store_device_page(r->site->store, r->arena, page->after, MP_PAGE_ROWS(page), &list, &found, err);
    size_t count = result == OK ? mp_page_rows(page, found) : 0;
    if (count == 0)
        return result;
    result = store_collection_listed_of_page(r->site->store, r->arena, c->name, list[0].guid, list[count - 1].guid,
                                             &listed_guids, &listed_count, err);
    for (size_t i = 0; result == OK && i < count; i++) {
        bool listed = is_among(list[i].guid, listed_guids, listed_count);
        if ((listed || mp_rules_hold(c->rules, &list[i])))
            mp_push(ret, json_pack("{s:s, s:s, s:s}", "guid", list[i].guid, "name", list[i].name, "by",
                                   listed ? "list" : "rule"));
    }
    if (count < found)
        *ret_next = list[count - 1].guid;
    return result;
}

static json_t *collection_json(const struct store_collection *c, int64_t listed)
{
    return json_pack("{s:s, s:o, s:I, s:I}", "name", c->name, "rules", rules_json(c->rules), "listed",
                     (json_int_t)listed, "created", (json_int_t)c->created);
}

static void answer_page(struct mp_request *r, const char *name, const struct mp_page *page, int status)
{
    struct store_collection c;
    struct error err;
    const char *next;
    int64_t listed;
    json_t *devices = json_array();
    enum result result = store_collection_get(r->site->store, r->arena, name, &c, &err);
    if (result == OK)
        result = store_collection_count(r->site->store, name, &listed, &err);
    if (result == OK)
        result = members(r, &c, page, devices, &next, &err);
    if (result != OK) {
        json_decref(devices);
        mp_admin_fail(r, &err, "list them with: cmg collection list");
        return;
    }
    json_t *o = collection_json(&c, listed), *whole = json_pack("{s:o}", "collection", o);
    mp_put(o, "devices", devices);
    mp_page_put_next(whole, next);
    mp_answer_json(r, status, whole);
}

/* After a change: with the first page of its devices. */
static void answer(struct mp_request *r, const char *name, int status)
{
    answer_page(r, name, &(struct mp_page){.after = "", .limit = MP_PAGE_ITEMS}, status);
}

/* --- changes --- */

static enum result read_rules(const json_t *list, struct buf *ret, struct error *err)
{
    const json_t *item;
    size_t i;
    if (list && !json_is_array(list))
        return error_set(err, R_INVALID, "'rules' must be a list");
    json_array_foreach(list, i, item) {
        const char *rule = json_string_value(item);
        enum result r = rule ? mp_rule_check(slice_of(rule), err) : error_set(err, R_INVALID, "a rule is a text");
        if (r != OK)
            return r;
        if (buf_printf(ret, "%s%s", i ? "\n" : "", rule) != OK)
            return error_set(err, R_LIMIT, "too many rules");
    }
    return OK;
}

/* "rules" absent: as they were. */
static enum result keep_rules(struct mp_request *r, const char *name, struct buf *rules, struct error *err)
{
    struct store_collection known;
    enum result result = store_collection_get(r->site->store, r->arena, name, &known, err);
    if (result == OK)
        return buf_append_str(rules, known.rules);
    return result == R_NOTFOUND ? OK : result;
}

static enum result add_devices(struct mp_request *r, const char *name, const json_t *list, struct error *err)
{
    const json_t *item;
    size_t i;
    json_array_foreach(list, i, item) {
        struct store_device d;
        const char *text = json_is_string(item) ? json_string_value(item) : "";
        enum result result = mp_admin_device_find(r, text, &d, err);
        if (result != OK)
            return error_prefix(err, "device '%.64s'", text);
        result = store_collection_member(r->site->store, name, d.guid, true, err);
        if (result != OK)
            return result;
    }
    return OK;
}

static enum result put(struct mp_request *r, const json_t *body, const char *name, struct error *err)
{
    struct buf rules;
    const json_t *given = json_object_get(body, "rules");
    enum result result = store_begin(r->site->store, STORE_DURABLE, err);
    if (result != OK)
        return result;
    buf_init(&rules, STORE_COLLECTION_RULES_MAX);
    result = given ? read_rules(given, &rules, err) : keep_rules(r, name, &rules, err);
    char *text = buf_take_str(&rules);
    if (result == OK)
        result = store_collection_put(r->site->store, name, text, err);
    if (result == OK)
        result = add_devices(r, name, json_object_get(body, "devices"), err);
    result = mp_admin_commit(r, result, "collection.put", name, text, err);
    free(text);
    buf_free(&rules);
    return result;
}

void mp_admin_collection_put(struct mp_request *r)
{
    const char *name;
    struct error err;
    json_t *body = mp_admin_body(r);
    if (!body)
        return;
    enum result result = json_need_str(body, "name", &name, &err);
    if (result == OK && !mp_admin_name_good(name, NAME_MAX_BYTES))
        result = error_set(&err, R_INVALID, "'name' is 1 to %d bytes without controls, invisible characters and '/'",
                           NAME_MAX_BYTES);
    if (result == OK)
        result = put(r, body, name, &err);
    if (result == OK)
        answer(r, name, 201);
    else
        mp_admin_fail(r, &err, NULL);
    json_decref(body);
}

/* Listed devices are counted; a page ends where they became many. */
static enum result list_page(struct mp_request *r, const struct mp_page *page, json_t *answer, struct error *err)
{
    struct store_collection *list;
    size_t found, i = 0;
    int64_t listed, counted = 0;
    json_t *array = json_array();
    mp_put(answer, "collections", array);
    enum result result =
        store_collection_page(r->site->store, r->arena, page->after, MP_PAGE_ROWS(page), &list, &found, err);
    size_t count = result == OK ? mp_page_rows(page, found) : 0;
    for (; result == OK && i < count && counted < COUNTED_A_PAGE; i++) {
        result = store_collection_count(r->site->store, list[i].name, &listed, err);
        if (result == OK)
            mp_push(array, collection_json(&list[i], listed));
        counted += result == OK ? listed : 0;
    }
    if (result == OK)
        mp_page_put_next(answer, i < found ? list[i - 1].name : NULL);
    return result;
}

void mp_admin_collection_list(struct mp_request *r)
{
    mp_page_answer(r, list_page);
}

void mp_admin_collection_get(struct mp_request *r)
{
    struct mp_page page;
    if (mp_page_read(r, &page))
        answer_page(r, r->params[0], &page, 200);
}

void mp_admin_collection_remove(struct mp_request *r)
{
    struct error err;
    enum result result = store_begin(r->site->store, STORE_DURABLE, &err);
    if (result == OK)
        result = mp_admin_commit(r, store_collection_remove(r->site->store, r->params[0], &err), "collection.remove",
                                 r->params[0], "", &err);
    if (result == OK)
        mp_answer(r, &(struct mp_answer){.status = 204});
    else
        mp_admin_fail(r, &err, "list them with: cmg collection list, cmg settings client list");
}

static void change_member(struct mp_request *r, bool member)
{
    struct store_collection c;
    struct store_device d;
    struct error err;
    enum result result = store_begin(r->site->store, STORE_DURABLE, &err);
    if (result != OK) {
        mp_admin_fail(r, &err, NULL);
        return;
    }
    result = store_collection_get(r->site->store, r->arena, r->params[0], &c, &err);
    if (result == OK)
        result = mp_admin_device_find(r, r->params[1], &d, &err);
    if (result == OK)
        result = store_collection_member(r->site->store, c.name, d.guid, member, &err);
    result = mp_admin_commit(r, result, member ? "collection.device-add" : "collection.device-remove", r->params[0],
                             r->params[1], &err);
    if (result == OK)
        answer(r, r->params[0], 200);
    else
        mp_admin_fail(r, &err, "list them with: cmg collection list, cmg device list");
}

void mp_admin_collection_device_add(struct mp_request *r)
{
    change_member(r, true);
}

void mp_admin_collection_device_remove(struct mp_request *r)
{
    change_member(r, false);
}
