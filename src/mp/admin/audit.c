/* SPDX-License-Identifier: Apache-2.0 */
/* The audit: searched page by page, the newest first. */
#include "store/site/audit.h"

#include "mp/admin/admin.h"
#include "mp/admin/page.h"
#include "mp/put.h"
#include "mp/server/form.h"

static enum result read_number(const char *name, struct slice text, int64_t *ret, struct error *err)
{
    uint64_t number = 0;
    if (text.len && (!slice_to_u64(text, &number) || number > INT64_MAX))
        return error_set(err, R_INVALID, "'%s' is a number", name);
    *ret = (int64_t)number;
    return OK;
}

static enum result read_search(struct mp_request *r, const struct mp_page *page, struct store_audit_search *ret,
                               struct error *err)
{
    struct slice since;
    *ret = (struct store_audit_search){.limit = page->limit};
    enum result result = mp_form_get(r->query, "since", r->arena, &since, err);
    if (result == OK)
        result = read_number("since", since, &ret->since, err);
    if (result == OK)
        result = read_number("after", slice_of(page->after), &ret->before, err);
    if (result == OK)
        result = mp_page_read_word(r, "action", &ret->action, err);
    return result == OK ? mp_page_read_word(r, "object", &ret->object, err) : result;
}

static json_t *event_json(const struct store_audit *a)
{
    return json_pack("{s:I, s:I, s:s, s:s, s:s, s:s}", "id", (json_int_t)a->id, "at", (json_int_t)a->at, "caller",
                     a->caller, "action", a->action, "object", a->object, "detail", a->detail);
}

static enum result list_page(struct mp_request *r, const struct mp_page *page, json_t *answer, struct error *err)
{
    struct store_audit_search search;
    struct store_audit *list;
    size_t count = 0;
    int64_t next = 0;
    json_t *array = json_array();
    mp_put(answer, "events", array);
    enum result result = read_search(r, page, &search, err);
    if (result == OK)
        result = store_audit_list(r->site->store, r->arena, &search, &list, &count, &next, err);
    for (size_t i = 0; result == OK && i < count; i++)
        mp_push(array, event_json(&list[i]));
    mp_page_put_next(answer, next ? arena_printf(r->arena, "%lld", (long long)next).ptr : NULL);
    return result;
}

void mp_admin_audit(struct mp_request *r)
{
    mp_page_answer(r, list_page);
}
