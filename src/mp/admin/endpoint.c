/* SPDX-License-Identifier: Apache-2.0 */
/* Published endpoints. What gateways and connectors would refuse to read is refused here already. */
#include "store/site/endpoint.h"
#include "base/text/name.h"
#include "mp/admin/admin.h"
#include "mp/content/documents.h"
#include "mp/put.h"
#include "net/url.h"
#include "pki/cert/cert.h"
#include "store/site/role.h"
#include "store/site/trust.h"

enum { MIB = 1024 * 1024, WORDS_MAX = 32, ANCHORS_MAX = 64 };

static json_t *endpoint_json(const struct store_endpoint *e)
{
    json_t *o =
        json_pack("{s:s, s:o, s:s, s:o, s:I, s:s, s:b, s:s}", "id", e->id, "auth", mp_content_words(e->auth), "purpose",
                  e->purpose, "methods", mp_content_words(e->methods), "max_body", (json_int_t)e->max_body, "headers",
                  e->headers, "management_point", (int)e->management_point, "url", e->url);
    if (e->host[0]) {
        mp_put(o, "host", json_string(e->host));
    } else {
        mp_put(o, "role", json_string(e->role));
        mp_put(o, "name", json_string(e->name));
    }
    if (e->upstream_host[0])
        mp_put(o, "upstream_host", json_string(e->upstream_host));
    if (e->anchors_pem)
        mp_put(o, "anchors_pem", json_string(e->anchors_pem));
    if (e->answer_s)
        mp_put(o, "answer_s", json_integer(e->answer_s));
    if (e->allow_encoded_slash)
        mp_put(o, "allow_encoded_slash", json_true());
    if (e->websocket)
        mp_put(o, "upgrade", json_string("websocket"));
    if (e->keep_host)
        mp_put(o, "keep_host", json_true());
    if (e->x_forwarded)
        mp_put(o, "x_forwarded", json_true());
    if (e->client_anchors[0])
        mp_put(o, "client_anchors", mp_content_words(e->client_anchors));
    return o;
}

/* ["pki", "token"] → "pki token". */
static enum result read_words(struct mp_request *r, const json_t *body, const char *name, const char **ret,
                              struct error *err)
{
    const json_t *array = json_object_get(body, name);
    size_t count = json_array_size(array);
    const char *text = "";
    if (array && (!json_is_array(array) || count > WORDS_MAX))
        return error_set(err, R_INVALID, "'%s' is a list of at most %d words", name, WORDS_MAX);
    for (size_t i = 0; i < count; i++) {
        const char *word = json_string_value(json_array_get(array, i));
        if (!word || !*word || strpbrk(word, " \t\r\n"))
            return error_set(err, R_INVALID, "'%s' holds something that is no word", name);
        text = arena_printf(r->arena, "%s%s%s", text, *text ? " " : "", word).ptr;
    }
    *ret = text;
    return OK;
}

static enum result read_place(struct store_endpoint *e, struct error *err)
{
    if (!e->role[0] == !e->host[0])
        return error_set(err, R_INVALID, "an endpoint has either 'role' (and 'name') or 'host'");
    if (e->role[0] && !name_valid(NAME_ROLE, slice_of(e->role)))
        return error_set(err, R_INVALID, "'role' is 1 to 40 of A-Za-z0-9._-");
    if (e->host[0] && e->name[0])
        return error_set(err, R_INVALID, "'name' belongs to 'role', not to 'host'");
    if (e->keep_host && (!e->host[0] || e->upstream_host[0]))
        return error_set(err, R_INVALID,
                         "'keep_host' belongs to 'host', without 'upstream_host': by path, clients name any host");
    return OK;
}

static enum result read_target(const json_t *body, struct store_endpoint *e, struct error *err)
{
    STACK_OF(X509) *anchors = NULL;
    struct net_url url;
    enum result r = json_need_str(body, "url", &e->url, err);
    if (r == OK)
        r = net_url_parse(slice_of(e->url), &url, err);
    e->anchors_pem = json_opt_str(body, "anchors_pem", NULL);
    e->answer_s = json_opt_int(body, "answer_s", 0);
    if (r == OK && e->anchors_pem) {
        r = pki_cert_read_all(slice_of(e->anchors_pem), ANCHORS_MAX, &anchors, err);
        if (r == OK)
            sk_X509_pop_free(anchors, X509_free);
        else
            (void)error_prefix(err, "anchors_pem");
    }
    return r;
}

static enum result read_endpoint(struct mp_request *r, const json_t *body, struct store_endpoint *e, struct error *err)
{
    enum result result = json_need_str(body, "id", &e->id, err);
    if (result == OK && !name_valid(NAME_ENDPOINT, slice_of(e->id)))
        result = error_set(err, R_INVALID, "'id' is 1 to 64 of A-Za-z0-9._-");
    e->role = json_opt_str(body, "role", "");
    e->name = json_opt_str(body, "name", "");
    e->host = json_opt_str(body, "host", "");
    e->purpose = json_opt_str(body, "purpose", "general");
    e->headers = json_opt_str(body, "headers", "cmg");
    e->upstream_host = json_opt_str(body, "upstream_host", "");
    e->max_body = json_opt_int(body, "max_body", MIB);
    e->allow_encoded_slash = json_opt_bool(body, "allow_encoded_slash", false);
    e->keep_host = json_opt_bool(body, "keep_host", false);
    e->x_forwarded = json_opt_bool(body, "x_forwarded", false);
    const char *upgrade = json_opt_str(body, "upgrade", "");
    e->websocket = strcmp(upgrade, "websocket") == 0;
    if (result == OK && upgrade[0] && !e->websocket)
        result = error_set(err, R_INVALID, "'upgrade' is websocket, or absent");
    if (result == OK)
        result = read_place(e, err);
    if (result == OK)
        result = read_words(r, body, "auth", &e->auth, err);
    if (result == OK)
        result = read_words(r, body, "methods", &e->methods, err);
    if (result == OK)
        result = read_words(r, body, "client_anchors", &e->client_anchors, err);
    if (result == OK && !e->auth[0])
        result = error_set(err, R_INVALID, "'auth' names at least one of pki, entra, token");
    if (result == OK && strcmp(e->purpose, "general") != 0)
        result = error_set(err, R_INVALID, "'purpose' of a published endpoint is general");
    return result == OK ? read_target(body, e, err) : result;
}

/* What is no anchor of the site could only shut everybody out. */
static enum result check_anchors(struct mp_request *r, const struct store_endpoint *e, struct error *err)
{
    struct store_trust *list;
    size_t count;
    enum result result = e->client_anchors[0] ? store_trust_list(r->site->store, 0, r->arena, &list, &count, err) : OK;
    struct slice rest = e->client_anchors[0] ? slice_of(e->client_anchors) : SLICE_NONE;
    while (result == OK && rest.ptr) {
        struct slice id = slice_cut(&rest, ' ');
        bool known = false;
        for (size_t i = 0; i < count; i++)
            known |= list[i].kind == STORE_ANCHOR && slice_eq(slice_of(list[i].id), id);
        if (!known)
            result =
                error_set(err, R_INVALID, "'client_anchors': the site has no anchor '%" PRIslice "'", SLICE_ARG(id));
    }
    return result;
}

static bool lets_in(const struct store_endpoint *e, struct slice method)
{
    struct slice rest = slice_of(e->auth);
    while (rest.ptr) {
        if (slice_eq(slice_cut(&rest, ' '), method))
            return true;
    }
    return false;
}

/* PROTOCOL 8: names in certificates are one PKI's own. */
static enum result check_headers(struct mp_request *r, const struct store_endpoint *e, struct error *err)
{
    size_t anchors;
    if (strcmp(e->headers, "cmg") == 0)
        return OK;
    if (!lets_in(e, SLICE("pki")))
        return error_set(err, R_INVALID, "'headers': %s tells of certificates, and 'auth' lets none in: add pki",
                         e->headers);
    enum result result = store_trust_anchors(r->site->store, &anchors, err);
    if (result == OK && anchors > 1 && !e->client_anchors[0])
        result =
            error_set(err, R_INVALID,
                      "'headers': a server that reads %s's fields believes the name in a certificate, whichever PKI "
                      "it is of, and this site trusts %zu anchors: name those that count here with "
                      "--client-anchors (cmg trust list)",
                      e->headers, anchors);
    return result;
}

/* A management point's own paths are not to be taken over. */
static enum result check_role(struct mp_request *r, const struct store_endpoint *e, struct error *err)
{
    struct store_mp *list;
    size_t count;
    enum result result = store_mp_list(r->site->store, r->arena, &list, &count, err);
    for (size_t i = 0; result == OK && i < count; i++) {
        if (slice_eq_nocase(slice_of(list[i].id), slice_of(e->role)))
            return error_set(err, R_CONFLICT, "'role' is a management point's: take another");
    }
    return result;
}

typedef enum result write_fn(struct store *s, const struct store_endpoint *e, struct error *err);

static enum result check_and_write(struct mp_request *r, const struct store_endpoint *e, write_fn *write,
                                   struct error *err)
{
    enum result result = check_role(r, e, err);
    if (result == OK)
        result = check_anchors(r, e, err);
    if (result == OK)
        result = check_headers(r, e, err);
    if (result == OK)
        result = write(r->site->store, e, err);
    return result == OK ? mp_documents_check(r->site, err) : result;
}

static enum result add(struct mp_request *r, const struct store_endpoint *e, struct error *err)
{
    enum result result = store_begin(r->site->store, STORE_DURABLE, err);
    if (result != OK)
        return result;
    return mp_admin_commit(r, check_and_write(r, e, store_endpoint_add, err), "endpoint.add", e->id, e->url, err);
}

void mp_admin_endpoint_add(struct mp_request *r)
{
    struct store_endpoint e = {0};
    struct error err;
    json_t *body = mp_admin_body(r);
    if (!body)
        return;
    enum result result = read_endpoint(r, body, &e, &err);
    if (result == OK)
        result = add(r, &e, &err);
    if (result == OK)
        mp_answer_json(r, 201, json_pack("{s:o}", "endpoint", endpoint_json(&e)));
    else
        mp_admin_fail(r, &err, NULL);
    json_decref(body);
}

/* --- change --- */

/* The endpoint as it is, with what the body says in its place; NULL takes a member out. */
static json_t *merged(const struct store_endpoint *now, const json_t *body)
{
    json_t *o = endpoint_json(now), *value;
    const char *name;
    if (json_object_get(body, "host") && now->role[0]) {
        (void)json_object_del(o, "role");
        (void)json_object_del(o, "name");
    } else if (json_object_get(body, "role") && now->host[0]) {
        (void)json_object_del(o, "host");
    }
    json_object_foreach((json_t *)(uintptr_t)body, name, value) {
        if (json_is_null(value))
            (void)json_object_del(o, name);
        else
            mp_put(o, name, json_incref(value));
    }
    mp_put(o, "id", json_string(now->id));
    return o;
}

static enum result set(struct mp_request *r, const json_t *body, json_t **ret, struct error *err)
{
    struct store_endpoint now, e = {0};
    enum result result = store_endpoint_get(r->site->store, r->arena, r->params[0], &now, err);
    if (result == OK && now.management_point)
        result = error_set(err, R_CONFLICT, "this endpoint is a management point's own: its configuration says it all");
    if (result != OK)
        return result;
    json_t *whole = merged(&now, body);
    result = read_endpoint(r, whole, &e, err);
    if (result == OK)
        result = check_and_write(r, &e, store_endpoint_put, err);
    if (result == OK)
        *ret = endpoint_json(&e);
    json_decref(whole);
    return result;
}

void mp_admin_endpoint_set(struct mp_request *r)
{
    struct error err;
    json_t *body = mp_admin_body(r), *changed = NULL;
    if (!body)
        return;
    enum result result = store_begin(r->site->store, STORE_DURABLE, &err);
    if (result == OK)
        result = mp_admin_commit(r, set(r, body, &changed, &err), "endpoint.set", r->params[0], "", &err);
    if (result == OK) {
        mp_answer_json(r, 200, json_pack("{s:o}", "endpoint", changed));
    } else {
        json_decref(changed);
        mp_admin_fail(r, &err, NULL);
    }
    json_decref(body);
}

void mp_admin_endpoint_list(struct mp_request *r)
{
    struct store_endpoint *list;
    size_t count;
    struct error err;
    if (store_endpoint_list(r->site->store, r->arena, &list, &count, &err) != OK) {
        mp_admin_fail(r, &err, NULL);
        return;
    }
    json_t *array = json_array();
    for (size_t i = 0; i < count; i++)
        mp_push(array, endpoint_json(&list[i]));
    mp_answer_json(r, 200, json_pack("{s:o}", "endpoints", array));
}

static enum result remove_one(struct mp_request *r, struct error *err)
{
    struct store_endpoint e;
    enum result result = store_endpoint_get(r->site->store, r->arena, r->params[0], &e, err);
    if (result == OK && e.management_point)
        return error_set(err, R_CONFLICT, "this endpoint is a management point's own");
    return result == OK ? store_endpoint_remove(r->site->store, e.id, err) : result;
}

void mp_admin_endpoint_remove(struct mp_request *r)
{
    struct error err;
    enum result result = store_begin(r->site->store, STORE_DURABLE, &err);
    if (result == OK)
        result = mp_admin_commit(r, remove_one(r, &err), "endpoint.remove", r->params[0], "", &err);
    if (result == OK)
        mp_answer(r, &(struct mp_answer){.status = 204});
    else
        mp_admin_fail(r, &err, "list them with: cmg endpoint list");
}
