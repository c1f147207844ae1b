/* SPDX-License-Identifier: Apache-2.0 */
/* Configuration Manager sites whose tokens are taken. What gateways would refuse to read is refused here already. */
#include <stdlib.h>

#include "jose/foreign.h"
#include "mp/admin/admin.h"
#include "mp/content/documents.h"
#include "mp/put.h"
#include "store/site/endpoint.h"
#include "store/site/foreign.h"

static json_t *foreign_json(const struct store_foreign *f)
{
    return json_pack("{s:s, s:s, s:s, s:s, s:s, s:o}", "id", f->id, "issuer", f->issuer, "audience", f->audience,
                     "header", f->header, "key", f->key_name, "endpoints", mp_content_words(f->endpoints));
}

/* Only what is published and is no management point's: that believes the tokens of its own site alone. */
static enum result take_endpoint(struct mp_request *r, const char *id, const char **words, struct error *err)
{
    struct store_endpoint e;
    enum result result = store_endpoint_get(r->site->store, r->arena, id, &e, err);
    if (result != OK)
        return error_prefix(err, "endpoint '%.64s'", id);
    if (e.management_point)
        return error_set(err, R_INVALID,
                         "endpoint '%s' is this site's management point's, which takes tokens of its own site alone; "
                         "publish the other site's server with cmg endpoint add",
                         id);
    *words = arena_printf(r->arena, "%s%s%s", *words, **words ? " " : "", id).ptr;
    return *words ? OK : error_set(err, R_LIMIT, "'endpoints' is too long");
}

static enum result read_endpoints(struct mp_request *r, const json_t *body, const char **ret, struct error *err)
{
    json_t *list;
    enum result result = json_need_array(body, "endpoints", &list, err);
    *ret = "";
    for (size_t i = 0; result == OK && i < json_array_size(list); i++) {
        const char *id = json_string_value(json_array_get(list, i));
        result = id ? take_endpoint(r, id, ret, err) : error_set(err, R_INVALID, "'endpoints' holds what is no string");
    }
    if (result == OK && !**ret)
        result = error_set(err, R_INVALID, "'endpoints' names none: which ones may its tokens open?");
    return result;
}

/* By x5t, which the certificate gives, or by what 'key' says. */
static enum result read_key(struct mp_request *r, const json_t *body, struct store_foreign *ret, struct error *err)
{
    const char *pem;
    char x5t[FOREIGN_X5T_SIZE];
    json_t *jwks;
    ret->header = json_opt_str(body, "header", FOREIGN_X5T);
    const char *named = json_opt_str(body, "key", "");
    bool by_kid = strcmp(ret->header, FOREIGN_KID) == 0;
    if (!by_kid && strcmp(ret->header, FOREIGN_X5T) != 0)
        return error_set(err, R_INVALID, "'header' is " FOREIGN_X5T " or " FOREIGN_KID ", not '%.32s'", ret->header);
    if (by_kid && !*named)
        return error_set(err, R_INVALID, "give this key's kid: --header kid=VALUE");
    enum result result = json_need_str(body, "pem", &pem, err);
    if (result == OK)
        result = foreign_read_key(slice_of(pem), by_kid ? named : NULL, &jwks, x5t, err);
    if (result != OK)
        return result;
    char *text = json_text(jwks);
    ret->jwks = arena_dup(r->arena, slice_of(text)).ptr;
    ret->key_name = arena_dup(r->arena, slice_of(*named ? named : x5t)).ptr;
    free(text);
    json_decref(jwks);
    if (!ret->jwks || !ret->key_name)
        return error_set(err, R_LIMIT, "the key is too large");
    if (!*ret->key_name)
        return error_set(err, R_INVALID,
                         "x5t is made of the certificate: give that, not the bare key, or say --header x5t=VALUE");
    return OK;
}

static enum result read_body(struct mp_request *r, const json_t *body, struct store_foreign *ret, struct error *err)
{
    enum result result = json_need_str(body, "id", &ret->id, err);
    if (result == OK)
        result = json_need_str(body, "issuer", &ret->issuer, err);
    ret->audience = json_opt_str(body, "audience", FOREIGN_AUDIENCE);
    if (result == OK)
        result = read_key(r, body, ret, err);
    return result == OK ? read_endpoints(r, body, &ret->endpoints, err) : result;
}

static enum result put(struct mp_request *r, const struct store_foreign *f, struct error *err)
{
    enum result result = store_begin(r->site->store, STORE_DURABLE, err);
    if (result != OK)
        return result;
    result = store_foreign_put(r->site->store, f, err);
    if (result == OK)
        result = mp_documents_check(r->site, err);
    return mp_admin_commit(r, result, "foreign.add", f->id, f->issuer, err);
}

void mp_admin_foreign_add(struct mp_request *r)
{
    struct store_foreign f = {0};
    struct error err;
    json_t *body = mp_admin_body(r);
    if (body && read_body(r, body, &f, &err) == OK && put(r, &f, &err) == OK)
        mp_answer_json(r, 201, json_pack("{s:o}", "foreign_site", foreign_json(&f)));
    else if (body)
        mp_admin_fail(r, &err, NULL);
    json_decref(body);
}

void mp_admin_foreign_list(struct mp_request *r)
{
    struct store_foreign *list;
    size_t count;
    struct error err;
    if (store_foreign_list(r->site->store, r->arena, &list, &count, &err) != OK) {
        mp_admin_fail(r, &err, NULL);
        return;
    }
    json_t *array = json_array();
    for (size_t i = 0; i < count; i++)
        mp_push(array, foreign_json(&list[i]));
    mp_answer_json(r, 200, json_pack("{s:o}", "foreign_sites", array));
}

void mp_admin_foreign_remove(struct mp_request *r)
{
    struct error err;
    enum result result = store_begin(r->site->store, STORE_DURABLE, &err);
    if (result == OK)
        result = mp_admin_commit(r, store_foreign_remove(r->site->store, r->params[0], &err), "foreign.remove",
                                 r->params[0], "", &err);
    if (result == OK)
        mp_answer(r, &(struct mp_answer){.status = 204});
    else
        mp_admin_fail(r, &err, "list them with: cmg trust list-foreign");
}
