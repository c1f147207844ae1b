/* SPDX-License-Identifier: Apache-2.0 */
/* Pages of the listings (page.h). */
#include "mp/admin/page.h"

#include "base/utf8.h"
#include "mp/admin/admin.h"
#include "mp/put.h"
#include "mp/server/form.h"

enum result mp_page_read_word(struct mp_request *r, const char *name, const char **ret, struct error *err)
{
    struct slice text;
    enum result result = mp_form_get(r->query, name, r->arena, &text, err);
    if (result == OK && (text.len > MP_PAGE_WORD_MAX || !utf8_all_shown(text)))
        result = error_set(err, R_INVALID, "'%s' is a text of at most %d bytes", name, MP_PAGE_WORD_MAX);
    if (result == OK && text.len)
        *ret = arena_dup(r->arena, text).ptr;
    return result;
}

static enum result read_limit(struct mp_request *r, int64_t *ret, struct error *err)
{
    struct slice limit;
    uint64_t number = MP_PAGE_ITEMS;
    enum result result = mp_form_get(r->query, "limit", r->arena, &limit, err);
    if (result != OK)
        return result;
    if (limit.ptr && (!slice_to_u64(limit, &number) || number < 1 || number > MP_PAGE_ITEMS_MAX))
        return error_set(err, R_INVALID, "'limit' is 1 to %d", MP_PAGE_ITEMS_MAX);
    *ret = (int64_t)number;
    return OK;
}

bool mp_page_read(struct mp_request *r, struct mp_page *ret)
{
    struct error err;
    ret->after = "";
    enum result result = mp_page_read_word(r, "after", &ret->after, &err);
    if (result == OK)
        result = read_limit(r, &ret->limit, &err);
    if (result == OK)
        return true;
    mp_admin_fail(r, &err, NULL);
    return false;
}

size_t mp_page_rows(const struct mp_page *page, size_t count)
{
    return count > (size_t)page->limit ? (size_t)page->limit : count;
}

void mp_page_put_next(json_t *answer, const char *next)
{
    mp_put(answer, "next", next ? json_string(next) : json_null());
}

void mp_page_answer(struct mp_request *r, mp_page_fill_fn *fill)
{
    struct mp_page page;
    struct error err;
    if (!mp_page_read(r, &page))
        return;
    json_t *answer = json_object();
    if (fill(r, &page, answer, &err) == OK) {
        mp_answer_json(r, 200, answer);
    } else {
        json_decref(answer);
        mp_admin_fail(r, &err, NULL);
    }
}
