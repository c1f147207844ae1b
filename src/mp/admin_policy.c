/* SPDX-License-Identifier: Apache-2.0 */
/* Policies: texts under names, with versions. */
#include <openssl/evp.h>

#include "mp/admin.h"
#include "mp/content.h"
#include "pki/cert.h"
#include "store/policy.h"

enum { NAME_MAX_BYTES = 128 };

static json_t *policy_json(const struct store_policy *p)
{
    return json_pack("{s:s, s:s, s:I, s:s, s:I, s:I, s:I}", "id", p->id, "name", p->name, "version",
                     (json_int_t)p->version, "sha256", p->sha256, "size", (json_int_t)strlen(p->content), "created",
                     (json_int_t)p->created, "changed", (json_int_t)p->changed);
}

static void hash_of(const char *content, char ret[PKI_HASH_HEX])
{
    unsigned char hash[PKI_SHA256];
    if (EVP_Digest(content, strlen(content), hash, NULL, EVP_sha256(), NULL) != 1)
        fatal("SHA-256 failed");
    (void)encode_hex(slice_make(hash, sizeof hash), ret);
}

static bool name_good(const char *name)
{
    size_t len = strlen(name);
    for (size_t i = 0; i < len; i++) {
        if ((unsigned char)name[i] < 0x20 || name[i] == 0x7f || name[i] == '/')
            return false;
    }
    return len && len <= NAME_MAX_BYTES;
}

static enum result put(struct mp_request *r, const json_t *body, struct store_policy *ret, struct error *err)
{
    const char *name, *content;
    char hash[PKI_HASH_HEX];
    enum result result = json_need_str(body, "name", &name, err);
    if (result == OK)
        result = json_need_str(body, "content", &content, err);
    if (result == OK && !name_good(name))
        result = error_set(err, R_INVALID, "'name' is 1 to %d bytes without controls and '/'", NAME_MAX_BYTES);
    if (result == OK)
        result = store_begin(r->site->store, STORE_DURABLE, err);
    if (result != OK)
        return result;
    hash_of(content, hash);
    result = store_policy_put(r->site->store, name, slice_of(content), hash, err);
    result = mp_admin_commit(r, result, "policy.put", name, hash, err);
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
