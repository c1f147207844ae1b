/* SPDX-License-Identifier: Apache-2.0 */
/* Policies: texts under names, with versions, for every device or for users. */
#include <openssl/evp.h>
#include <stdio.h>
#include <stdlib.h>

#include "mp/admin.h"
#include "mp/content.h"
#include "pki/cert.h"
#include "store/policy.h"

enum { NAME_MAX_BYTES = 128 };

/* [] for a policy of every device. */
static json_t *users_json(const char *users)
{
    json_t *list = json_array();
    struct slice rest = slice_of(users);
    while (rest.len) {
        struct slice one = slice_cut(&rest, '\n');
        mp_push(list, json_stringn(one.ptr, one.len));
    }
    return list;
}

static json_t *policy_json(const struct store_policy *p)
{
    return json_pack("{s:s, s:s, s:I, s:s, s:I, s:I, s:I, s:o}", "id", p->id, "name", p->name, "version",
                     (json_int_t)p->version, "sha256", p->sha256, "size", (json_int_t)strlen(p->content), "created",
                     (json_int_t)p->created, "changed", (json_int_t)p->changed, "users", users_json(p->users));
}

static void hash_of(const char *content, char ret[PKI_HASH_HEX])
{
    unsigned char hash[PKI_SHA256];
    if (EVP_Digest(content, strlen(content), hash, NULL, EVP_sha256(), NULL) != 1)
        fatal("SHA-256 failed");
    (void)encode_hex(slice_make(hash, sizeof hash), ret);
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
        char c = name.ptr[i] >= 'A' && name.ptr[i] <= 'Z' ? (char)(name.ptr[i] - 'A' + 'a') : name.ptr[i];
        if (buf_append(all, slice_make(&c, 1)) != OK)
            return error_set(err, R_LIMIT, "too many users");
    }
    return OK;
}

/* "users" absent: as it was, so that a new version of a user's policy does not suddenly reach every device. */
static enum result find_users(struct mp_request *r, const json_t *body, const char *name, struct buf *ret,
                              struct error *err)
{
    const json_t *list = json_object_get(body, "users"), *item;
    struct store_policy known;
    size_t i;
    if (!list) {
        enum result result = store_policy_get(r->site->store, r->arena, name, &known, err);
        if (result == OK)
            return buf_append_str(ret, known.users);
        return result == R_NOTFOUND ? OK : result;
    }
    if (!json_is_array(list))
        return error_set(err, R_INVALID, "'users' must be a list");
    json_array_foreach(list, i, item)
    {
        enum result result = add_user(ret, item, json_array_size(list) == 1, err);
        if (result != OK)
            return result;
    }
    return OK;
}

static enum result store_it(struct mp_request *r, const json_t *body, const char *name, const char *content,
                            struct error *err)
{
    char hash[PKI_HASH_HEX], detail[128];
    struct buf users;
    enum result result = store_begin(r->site->store, STORE_DURABLE, err);
    if (result != OK)
        return result;
    hash_of(content, hash);
    buf_init(&users, STORE_POLICY_USERS_MAX);
    result = find_users(r, body, name, &users, err);
    char *text = buf_take_str(&users);
    if (result == OK)
        result = store_policy_put(r->site->store, name, text, slice_of(content), hash, err);
    (void)snprintf(detail, sizeof detail, "%s%s", hash,
                   !*text              ? ""
                   : strcmp(text, "*") ? ", of users"
                                       : ", of every user");
    free(text);
    buf_free(&users);
    return mp_admin_commit(r, result, "policy.put", name, detail, err);
}

static enum result put(struct mp_request *r, const json_t *body, struct store_policy *ret, struct error *err)
{
    const char *name, *content;
    enum result result = json_need_str(body, "name", &name, err);
    if (result == OK)
        result = json_need_str(body, "content", &content, err);
    if (result == OK && !mp_admin_name_good(name, NAME_MAX_BYTES))
        result = error_set(err, R_INVALID, "'name' is 1 to %d bytes without controls and '/'", NAME_MAX_BYTES);
    if (result == OK)
        result = store_it(r, body, name, content, err);
    return result == OK ? store_policy_get(r->site->store, r->arena, name, ret, err) : result;
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
        mp_admin_fail(r, &err, NULL);
    json_decref(body);
}

void mp_admin_policy_list(struct mp_request *r)
{
    struct store_policy *list;
    size_t count;
    struct error err;
    if (store_policy_list(r->site->store, r->arena, &list, &count, &err) != OK) {
        mp_admin_fail(r, &err, NULL);
        return;
    }
    json_t *array = json_array();
    for (size_t i = 0; i < count; i++)
        mp_push(array, policy_json(&list[i]));
    mp_answer_json(r, 200, json_pack("{s:o}", "policies", array));
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
