/* SPDX-License-Identifier: Apache-2.0 */
/* Policies: texts under names, with versions, for devices or users, everywhere or in collections. */
#include <stdio.h>
#include <stdlib.h>

#include "base/ascii.h"
#include "base/text/name.h"
#include "base/utf8.h"
#include "digest/digest.h"
#include "mp/admin/admin.h"
#include "mp/admin/page.h"
#include "mp/put.h"
#include "mp/targeting/resultant.h"
#include "mp/targeting/target.h"
#include "pki/cert/cert.h"
#include "store/targeting/content.h"
#include "store/targeting/policy.h"

enum { NAME_MAX_BYTES = 128 };

/* Users or collections; [] for a policy of every device. */
static json_t *lines_json(const char *lines)
{
    json_t *list = json_array();
    struct slice rest = slice_of(lines);
    while (rest.len) {
        struct slice one = slice_cut(&rest, '\n');
        mp_push(list, json_stringn(one.ptr, one.len));
    }
    return list;
}

/* null: it brings nothing. */
static json_t *deploy_json(const struct store_policy *p)
{
    return *p->content_name ? json_pack("{s:s, s:s, s:s}", "content", p->content_name, "version", p->content_version,
                                        "handler", p->handler)
                            : json_null();
}

static json_t *policy_json(const struct store_policy *p)
{
    return json_pack("{s:s, s:s, s:I, s:s, s:I, s:I, s:I, s:o, s:o, s:o}", "id", p->id, "name", p->name, "version",
                     (json_int_t)p->version, "sha256", p->sha256, "size", (json_int_t)p->size, "created",
                     (json_int_t)p->created, "changed", (json_int_t)p->changed, "users", lines_json(p->users),
                     "collections", lines_json(p->collections), "deploy", deploy_json(p));
}

static bool user_good(struct slice name)
{
    for (size_t i = 0; i < name.len; i++) {
        if ((unsigned char)name.ptr[i] <= ' ' || name.ptr[i] == 0x7f || name.ptr[i] == '*')
            return false;
    }
    return name.len && name.len <= NAME_MAX_BYTES;
}

static enum result add_user(struct buf *all, const json_t *item, bool alone, struct error *err)
{
    struct slice name = slice_of(json_is_string(item) ? json_string_value(item) : "");
    bool everybody = alone && slice_eq(name, SLICE("*"));
    if (!everybody && !user_good(name))
        return error_set(
            err, R_INVALID,
            "'users' is [\"*\"] or a list of user names (ada@example.com) of at most %d bytes without blanks",
            NAME_MAX_BYTES);
    if (buf_len(all) && buf_append_str(all, "\n") != OK)
        return error_set(err, R_LIMIT, "too many users");
    for (size_t i = 0; i < name.len; i++) {
        char c = ascii_lower(name.ptr[i]);
        if (buf_append(all, slice_make(&c, 1)) != OK)
            return error_set(err, R_LIMIT, "too many users");
    }
    return OK;
}

static enum result add_collection(struct buf *all, const json_t *item, bool alone, struct error *err)
{
    struct slice name = slice_of(json_is_string(item) ? json_string_value(item) : "");
    (void)alone;
    if (!name.len || name.len > NAME_MAX_BYTES || slice_find(name, '\n') != SIZE_MAX)
        return error_set(err, R_INVALID, "'collections' is a list of names of collections");
    if ((buf_len(all) && buf_append_str(all, "\n") != OK) || buf_append(all, name) != OK)
        return error_set(err, R_LIMIT, "too many collections");
    return OK;
}

struct target {
    const char *member;
    enum result (*add)(struct buf *all, const json_t *item, bool alone, struct error *err);
};
static const struct target users = {"users", add_user}, collections = {"collections", add_collection};

/* Absent: as it was, so that a new version of a policy does not suddenly reach every device. *ret is malloc'ed. */
static enum result find_target(const struct target *t, const json_t *body, const char *known, char **ret,
                               struct error *err)
{
    const json_t *list = json_object_get(body, t->member), *item;
    struct buf all;
    size_t i;
    enum result r = OK;
    buf_init(&all, STORE_POLICY_USERS_MAX);
    if (!list)
        r = buf_append_str(&all, known);
    else if (!json_is_array(list))
        r = error_set(err, R_INVALID, "'%s' must be a list", t->member);
    for (i = 0; r == OK && i < json_array_size(list); i++) {
        item = json_array_get(list, i);
        r = t->add(&all, item, json_array_size(list) == 1, err);
    }
    *ret = buf_take_str(&all);
    buf_free(&all);
    return r;
}

/* The content and the handler that the body names; the newest version where it names none. Absent: as it was. */
static enum result find_deploy(struct mp_request *r, const json_t *body, const struct store_policy *known,
                               struct store_policy *p, struct error *err)
{
    const json_t *deploy = json_object_get(body, "deploy");
    struct store_content c;
    p->content_name = deploy ? "" : known->content_name;
    p->content_version = deploy ? "" : known->content_version;
    p->handler = deploy ? "" : known->handler;
    if (!deploy || json_is_null(deploy))
        return OK;
    enum result result = json_need_str(deploy, "content", &p->content_name, err);
    p->handler = json_opt_str(deploy, "handler", "");
    if (result == OK && *p->handler && !name_valid(NAME_ROLE, slice_of(p->handler)))
        result = error_set(err, R_INVALID,
                           "'handler' is the name of a program in the devices' folder ContentHandlers: "
                           "1 to 40 of A-Z a-z 0-9 . _ -, and no path");
    if (result == OK)
        result =
            store_content_get(r->site->store, r->arena, p->content_name, json_opt_str(deploy, "version", ""), &c, err);
    if (result == R_NOTFOUND)
        error_remedy(err, "list it with: cmg content list; add it with: cmg content add");
    if (result == OK)
        p->content_version = c.version;
    return result;
}

/* For the audit: of a name that is cut no half a letter. */
static void tell_target(const struct store_policy *p, char *ret, size_t size)
{
    const char *whose = !*p->users ? "" : strcmp(p->users, "*") != 0 ? ", of users" : ", of every user";
    (void)snprintf(ret, size, "%s%s%s%.64s%s%.64s%s%.100s", p->sha256, whose, *p->content_name ? ", brings " : "",
                   p->content_name, *p->content_name ? ":" : "", p->content_version,
                   *p->collections ? ", in collections " : "", p->collections);
    utf8_mend_end(ret);
}

static enum result store_it(struct mp_request *r, const json_t *body, struct store_policy *p, struct error *err)
{
    char hash[PKI_HASH_HEX], detail[512] = "", *of_users = NULL, *of_collections = NULL;
    struct store_policy known = {
        .users = "", .collections = "", .content_name = "", .content_version = "", .handler = ""};
    enum result result = store_begin(r->site->store, STORE_DURABLE, err);
    if (result != OK)
        return result;
    digest_hex_of(slice_of(p->content), hash);
    result = store_policy_get(r->site->store, r->arena, p->name, &known, err);
    if (result == OK || result == R_NOTFOUND)
        result = find_target(&users, body, known.users, &of_users, err);
    if (result == OK)
        result = find_target(&collections, body, known.collections, &of_collections, err);
    if (result == OK)
        result = find_deploy(r, body, &known, p, err);
    if (result == OK && *p->content_name && *of_users)
        result = error_set(err, R_INVALID, "content comes with policies of devices, not of users");
    p->sha256 = hash;
    p->users = of_users;
    p->collections = of_collections;
    if (result == OK) {
        tell_target(p, detail, sizeof detail);
        result = store_policy_put(r->site->store, p, err);
    }
    free(of_users);
    free(of_collections);
    return mp_admin_commit(r, result, "policy.put", p->name, detail, err);
}

static enum result put(struct mp_request *r, const json_t *body, struct store_policy *ret, struct error *err)
{
    struct store_policy p = {0};
    enum result result = json_need_str(body, "name", &p.name, err);
    if (result == OK)
        result = json_need_str(body, "content", &p.content, err);
    if (result == OK && !mp_admin_name_good(p.name, NAME_MAX_BYTES))
        result = error_set(err, R_INVALID, "'name' is 1 to %d bytes without controls, invisible characters and '/'",
                           NAME_MAX_BYTES);
    if (result == OK)
        result = store_it(r, body, &p, err);
    return result == OK ? store_policy_get(r->site->store, r->arena, p.name, ret, err) : result;
}

void mp_admin_policy_put(struct mp_request *r)
{
    struct store_policy p;
    struct error err;
    json_t *body = mp_admin_body(r);
    if (!body)
        return;
    if (put(r, body, &p, &err) == OK)
        mp_answer_json(r, p.version == 1 ? 201 : 200, json_pack("{s:o}", "policy", policy_json(&p)));
    else
        mp_admin_fail(r, &err, err.code == R_NOTFOUND ? "list them with: cmg collection list" : NULL);
    json_decref(body);
}

static enum result list_page(struct mp_request *r, const struct mp_page *page, json_t *answer, struct error *err)
{
    struct store_policy *list;
    size_t found;
    json_t *array = json_array();
    mp_put(answer, "policies", array);
    enum result result =
        store_policy_page(r->site->store, r->arena, page->after, MP_PAGE_ROWS(page), &list, &found, err);
    size_t count = result == OK ? mp_page_rows(page, found) : 0;
    for (size_t i = 0; i < count; i++)
        mp_push(array, policy_json(&list[i]));
    if (result == OK)
        mp_page_put_next(answer, count < found ? list[count - 1].name : NULL);
    return result;
}

void mp_admin_policy_list(struct mp_request *r)
{
    mp_page_answer(r, list_page);
}

/* Every policy there is, whether it reaches the device, and why. */
static enum result resultant(struct mp_request *r, const struct store_device *d, json_t *o, struct error *err)
{
    struct store_policy *list;
    size_t count = 0;
    json_t *has, *array = json_array();
    enum result result = mp_collections_of(r->site, r->arena, d, &has, err);
    if (result == OK)
        result = store_policy_page(r->site->store, r->arena, "", INT64_MAX, &list, &count, err);
    for (size_t i = 0; result == OK && i < count; i++) {
        char why[MP_TARGET_WHY_SIZE];
        bool reaches = mp_target_reaches(&list[i], has, NULL, why);
        mp_push(array, json_pack("{s:s, s:I, s:b, s:s, s:o, s:o}", "name", list[i].name, "version",
                                 (json_int_t)list[i].version, "reaches", (int)reaches, "why", why, "users",
                                 lines_json(list[i].users), "collections", lines_json(list[i].collections)));
    }
    mp_put(o, "collections", has);
    mp_put(o, "policies", array);
    return result;
}

void mp_admin_policy_resultant(struct mp_request *r)
{
    struct store_device d;
    struct error err;
    json_t *o = json_object();
    enum result result = mp_admin_device_find(r, r->params[0], &d, &err);
    if (result == OK)
        result = resultant(r, &d, o, &err);
    if (result != OK) {
        json_decref(o);
        mp_admin_fail(r, &err, "list them with: cmg device list");
        return;
    }
    mp_put(o, "device", json_string(d.guid));
    mp_put(o, "name", json_string(d.name));
    mp_answer_json(r, 200, o);
}

void mp_admin_policy_remove(struct mp_request *r)
{
    struct error err;
    enum result result = store_begin(r->site->store, STORE_DURABLE, &err);
    if (result == OK)
        result = mp_admin_commit(r, store_policy_remove(r->site->store, r->params[0], &err), "policy.remove",
                                 r->params[0], "", &err);
    if (result == OK)
        mp_answer(r, &(struct mp_answer){.status = 204});
    else
        mp_admin_fail(r, &err, "list them with: cmg policy list");
}
