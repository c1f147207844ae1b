/* SPDX-License-Identifier: Apache-2.0 */
/* Bulk registration tokens: made, listed, blocked. The token is told once and never stored. */
#include <stdio.h>
#include <stdlib.h>

#include "base/clock.h"
#include "base/mem.h"
#include "bundle/join/string.h"
#include "jose/token.h"
#include "mp/admin/admin.h"
#include "mp/admin/page.h"
#include "mp/admin/role.h"
#include "mp/put.h"
#include "mp/sender/scope.h"
#include "store/device/token.h"

enum { USES_MAX = 1000000, LIFETIME_MIN_S = 60 };

static json_t *token_json(const struct store_token *t)
{
    return json_pack("{s:s, s:I, s:I, s:I, s:I, s:s, s:o, s:o, s:s}", "id", t->id, "issued", (json_int_t)t->issued,
                     "expires", (json_int_t)t->expires, "uses", (json_int_t)t->uses, "used", (json_int_t)t->used,
                     "state", store_token_state(t, clock_wall_s()), "networks", mp_content_words(t->networks), "names",
                     mp_content_words(t->names), "collection", t->collection);
}

/* A join string counts as long as the token in it. */
static enum result read_limits(const json_t *body, int64_t *lifetime, int64_t *uses, struct error *err)
{
    int64_t usual = TOKEN_BULK_S;
    if (json_object_get(body, "join") && mp_role_join_valid(body, &usual, err) != OK)
        return R_INVALID;
    *lifetime = json_opt_int(body, "lifetime_s", usual);
    *uses = json_opt_int(body, "uses", 1);
    if (*lifetime < LIFETIME_MIN_S || *lifetime > TOKEN_BULK_MAX_S)
        return error_set(err, R_INVALID, "'lifetime_s' is %d to %d seconds (7 days)", LIFETIME_MIN_S, TOKEN_BULK_MAX_S);
    if (*uses < 1 || *uses > USES_MAX)
        return error_set(err, R_INVALID, "'uses' is 1 to %d", USES_MAX);
    return OK;
}

/* What a device must know of its site, and the token: in one string instead of a file and a token. */
static enum result as_join_string(struct mp_request *r, const json_t *body, const char *jwt, json_t *answer,
                                  struct error *err)
{
    json_t *o, *join = json_object_get(body, "join"), *ca = json_object_get(join, "gateway_ca_pem");
    enum result result = mp_admin_enrollment_json(r, &o, err);
    if (result != OK)
        return result;
    if (json_is_string(ca))
        (void)json_object_set(o, "gateway_ca_pem", ca);
    (void)json_object_del(o, "opencmg");
    (void)json_object_del(o, "version");
    (void)json_object_del(o, "site_key");
    mp_put(o, "pin", json_string(r->site->keys.pin));
    mp_put(o, "token", json_string(jwt));
    (void)json_object_set(o, "expires", json_object_get(answer, "expires"));
    char *text = join_string_make(JOIN_DEVICE, o);
    (void)json_object_del(answer, "token");
    mp_put(answer, "join", json_string(text));
    mem_free_secret(text, strlen(text));
    json_decref(o);
    return OK;
}

static enum result add(struct mp_request *r, const json_t *body, json_t **ret, struct error *err)
{
    int64_t lifetime, uses;
    char *jwt = NULL, detail[64];
    struct token t = {.kind = TOKEN_BULK};
    struct store_token row = {.id = t.id};
    enum result result = read_limits(body, &lifetime, &uses, err);
    if (result == OK)
        result = mp_scope_read(r->site->store, r->arena, body, &row, err);
    if (result != OK)
        return result;
    guid_new(t.id);
    t.issued = t.not_before = clock_wall_s();
    t.expires = t.issued + lifetime;
    result = token_issue(r->site->keys.token, r->site->keys.site, &t, &jwt, err);
    if (result == OK)
        result = store_begin(r->site->store, STORE_DURABLE, err);
    if (result == OK) {
        row.issued = t.issued;
        row.expires = t.expires;
        row.uses = uses;
        (void)snprintf(detail, sizeof detail, "%lld uses, %lld s", (long long)uses, (long long)lifetime);
        result = mp_admin_commit(r, store_token_add(r->site->store, &row, err), "token.new", t.id, detail, err);
    }
    if (result == OK)
        *ret =
            json_pack("{s:s, s:o, s:I, s:I}", "id", t.id, "token", json_sprintf("cmg1.%s.%s", r->site->keys.pin, jwt),
                      "expires", (json_int_t)t.expires, "uses", (json_int_t)uses);
    if (result == OK && json_object_get(body, "join"))
        result = as_join_string(r, body, jwt, *ret, err);
    if (jwt)
        mem_free_secret(jwt, strlen(jwt));
    return result;
}

void mp_admin_token_add(struct mp_request *r)
{
    struct error err;
    json_t *answer = NULL, *body = mp_admin_body(r);
    if (!body)
        return;
    if (add(r, body, &answer, &err) == OK)
        mp_answer_json(r, 201, answer);
    else
        mp_admin_fail(r, &err, err.code == R_NOTFOUND ? "list them with: cmg collection list" : NULL);
    json_decref(body);
}

/* "<issued>.<id>" */
static enum result read_after(const char *text, struct store_token *ret, struct error *err)
{
    struct slice id = slice_of(text), issued = slice_cut(&id, '.');
    uint64_t number;
    if (!slice_to_u64(issued, &number) || number > INT64_MAX || !guid_valid(id))
        return error_set(err, R_INVALID, "'after' is what an answer's 'next' said");
    *ret = (struct store_token){.issued = (int64_t)number, .id = id.ptr};
    return OK;
}

static enum result list_page(struct mp_request *r, const struct mp_page *page, json_t *answer, struct error *err)
{
    struct store_token after, *list;
    size_t found;
    bool first = !*page->after;
    json_t *array = json_array();
    mp_put(answer, "tokens", array);
    enum result result = first ? OK : read_after(page->after, &after, err);
    if (result == OK)
        result =
            store_token_page(r->site->store, r->arena, first ? NULL : &after, MP_PAGE_ROWS(page), &list, &found, err);
    size_t count = result == OK ? mp_page_rows(page, found) : 0;
    for (size_t i = 0; i < count; i++)
        mp_push(array, token_json(&list[i]));
    if (result == OK)
        mp_page_put_next(
            answer, count < found
                        ? arena_printf(r->arena, "%lld.%s", (long long)list[count - 1].issued, list[count - 1].id).ptr
                        : NULL);
    return result;
}

void mp_admin_token_list(struct mp_request *r)
{
    mp_page_answer(r, list_page);
}

static void set_blocked(struct mp_request *r, bool blocked)
{
    struct store_token t;
    struct error err;
    enum result result = store_begin(r->site->store, STORE_DURABLE, &err);
    if (result == OK)
        result = mp_admin_commit(r, store_token_block(r->site->store, r->params[0], blocked, &err),
                                 blocked ? "token.block" : "token.unblock", r->params[0], "", &err);
    if (result == OK)
        result = store_token_get(r->site->store, r->arena, r->params[0], &t, &err);
    if (result == OK)
        mp_answer_json(r, 200, json_pack("{s:o}", "token", token_json(&t)));
    else
        mp_admin_fail(r, &err, "list them with: cmg token list");
}

void mp_admin_token_block(struct mp_request *r)
{
    set_blocked(r, true);
}

void mp_admin_token_unblock(struct mp_request *r)
{
    set_blocked(r, false);
}
