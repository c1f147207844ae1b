/* SPDX-License-Identifier: Apache-2.0 */
/* Roles and endpoints of a bundle. What is published here decides what the Internet reaches: whatever is unclear is an
 * error of the whole bundle, so that the last good one stays in use. */
#include <stdlib.h>

#include "base/ascii.h"
#include "base/text/encode.h"
#include "bundle/member.h"
#include "bundle/model.h"
#include "json/json.h"

/* --- roles --- */

static enum result lower_key(struct arena *a, const char *text, struct slice *ret, struct error *err)
{
    struct slice copy = arena_dup(a, slice_of(text));
    if (!copy.ptr)
        return error_set(err, R_LIMIT, "the document needs more memory than a document may");
    ascii_lower_all((char *)(uintptr_t)copy.ptr, copy.len); /* our own copy */
    *ret = copy;
    return OK;
}

static enum result read_role(struct bundle *b, const json_t *o, struct bundle_role *ret, struct error *err)
{
    struct arena *a = b->index->arena;
    struct slice key;
    enum result r = member_id(a, o, "id", MEMBER_ROLE_ID, false, &ret->id, err);
    if (r == OK)
        r = member_mode(o, "mode", &ret->mode, err);
    if (r == OK)
        r = member_clients(o, "clients", &ret->clients, err);
    if (r == OK)
        r = lower_key(a, ret->id, &key, err);
    if (r == OK)
        index_map_add(&b->index->roles, key, ret);
    return r;
}

static enum result seal(struct index_map *m, const char *what, struct error *err)
{
    struct slice twice = index_map_seal(m);
    return twice.ptr ? error_set(err, R_INVALID, "%s '%" PRIslice "' stands twice", what, SLICE_ARG(twice)) : OK;
}

enum result bundle_read_roles(struct bundle *b, const json_t *content, struct error *err)
{
    json_t *list;
    void *room;
    enum result r = member_array(content, "roles", BUNDLE_ROLES_MAX, &list, err);
    if (r == OK)
        r = member_room(b->index->arena, json_array_size(list), sizeof *b->roles, &room, err);
    if (r != OK)
        return r;
    struct bundle_role *roles = room;
    for (size_t i = 0; i < json_array_size(list) && r == OK; i++) {
        r = read_role(b, json_array_get(list, i), &roles[i], err);
        if (r != OK)
            (void)error_prefix(err, "roles[%zu]", i);
    }
    b->roles = roles;
    b->role_count = json_array_size(list);
    return r == OK ? seal(&b->index->roles, "role", err) : r;
}

/* --- endpoints --- */

/* "" or segments with single slashes between them, none of which ends with a dot (bundle_endpoint_by_path). */
static bool name_ok(const char *name)
{
    struct slice rest = slice_of(name);
    size_t segments = 0;
    if (rest.len == 0)
        return true;
    if (rest.len > BUNDLE_NAME_MAX)
        return false;
    while (rest.ptr) {
        struct slice s = slice_cut(&rest, '/');
        if (s.len == 0 || ++segments > BUNDLE_NAME_SEGMENTS_MAX || s.ptr[s.len - 1] == '.')
            return false;
        for (size_t i = 0; i < s.len; i++) {
            if (!ascii_is_alnum_or(s.ptr[i], "._~@+-"))
                return false;
        }
    }
    return true;
}

static enum result read_by_host(struct bundle *b, const json_t *o, struct bundle_endpoint *e, struct error *err)
{
    if (json_object_get(o, "role") || json_object_get(o, "name"))
        return error_set(err, R_INVALID, "is reached by 'host' or by 'role' and 'name', not by both");
    e->name = "";
    enum result r = member_id(b->index->arena, o, "host", MEMBER_HOST, true, &e->host, err);
    if (r == OK)
        index_map_add(&b->index->hosts, slice_of(e->host), e);
    return r;
}

static enum result read_by_path(struct bundle *b, const json_t *o, struct bundle_endpoint *e, struct error *err)
{
    struct arena *a = b->index->arena;
    const char *name;
    enum result r = member_id(a, o, "role", MEMBER_ROLE_ID, false, &e->role, err);
    if (r == OK)
        r = json_need_str(o, "name", &name, err);
    if (r != OK)
        return r;
    if (!name_ok(name))
        return error_set(err, R_INVALID, "member 'name' is no path of 1 to %d segments and %d bytes (or \"\")",
                         BUNDLE_NAME_SEGMENTS_MAX, BUNDLE_NAME_MAX);
    r = member_copy(a, name, &e->name, err);
    struct slice key = r == OK ? arena_printf(a, "%s/%s", e->role, name) : SLICE_NONE;
    if (key.ptr)
        r = lower_key(a, key.ptr, &key, err);
    else
        r = error_set(err, R_LIMIT, "the document needs more memory than a document may");
    if (r == OK)
        index_map_add(&b->index->paths, key, e);
    return r;
}

/* The site itself answers to this id inside a tunnel (docs/protocol/wire.md section 4): published, every client would
 * reach what is meant for gateways. */
static enum result check_not_reserved(const char *id, struct error *err)
{
    static const char *const reserved[] = {"site", "source"};
    for (size_t i = 0; i < ARRAY_LEN(reserved); i++) {
        if (slice_eq_nocase(slice_of(id), slice_of(reserved[i])))
            return error_set(err, R_INVALID, "id: '%s' is reserved for what gateways ask the site", reserved[i]);
    }
    return OK;
}

static enum result read_route(struct bundle *b, const json_t *o, struct bundle_endpoint *e, struct error *err)
{
    struct arena *a = b->index->arena;
    json_t *host;
    enum result r = member_id(a, o, "id", MEMBER_ENDPOINT_ID, false, &e->id, err);
    if (r == OK)
        r = check_not_reserved(e->id, err);
    if (r == OK)
        r = member_opt(o, "host", JSON_STRING, &host, err);
    if (r == OK)
        r = host ? read_by_host(b, o, e, err) : read_by_path(b, o, e, err);
    if (r == OK)
        index_map_add(&b->index->ids, slice_of(e->id), e);
    return r;
}

static enum result read_management_point(const struct bundle *b, const json_t *o, struct bundle_endpoint *e,
                                         struct error *err)
{
    enum result r = member_bool(o, "management_point", false, &e->management_point, err);
    if (r != OK || !e->management_point)
        return r;
    e->mp = e->role ? bundle_role_find(b, slice_of(e->role)) : NULL;
    if (!e->mp)
        return error_set(err, R_INVALID, "is of a management point whose role is not in 'roles'");
    return OK;
}

static enum result read_method(struct arena *a, const json_t *item, const char **ret, struct error *err)
{
    static const char *const never[] = {"CONNECT", "TRACE"};
    const char *text = json_is_string(item) ? json_string_value(item) : "";
    if (!member_form_ok(MEMBER_METHOD, text))
        return error_set(err, R_INVALID, "member 'methods' holds something that is no method of HTTP");
    for (size_t i = 0; i < ARRAY_LEN(never); i++) {
        if (strcmp(text, never[i]) == 0)
            return error_set(err, R_INVALID, "member 'methods' holds %s, which is never passed on", never[i]);
    }
    return member_copy(a, text, ret, err);
}

static enum result join_methods(struct arena *a, struct bundle_endpoint *e, struct error *err)
{
    struct slice all = SLICE("");
    for (size_t i = 0; i < e->method_count; i++) {
        all = arena_printf(a, "%s%s%s", all.ptr, i ? ", " : "", e->methods[i]);
        if (!all.ptr)
            return error_set(err, R_LIMIT, "the document needs more memory than a document may");
    }
    e->allow = all.ptr;
    return OK;
}

static enum result read_methods(struct arena *a, const json_t *o, struct bundle_endpoint *e, struct error *err)
{
    json_t *list;
    void *room;
    enum result r = member_array(o, "methods", BUNDLE_METHODS_MAX, &list, err);
    if (r == OK && list && json_array_size(list) == 0)
        r = error_set(err, R_INVALID, "member 'methods' is empty (leave it out to take any)");
    if (r == OK)
        r = member_room(a, json_array_size(list), sizeof(char *), &room, err);
    if (r != OK)
        return r;
    const char **methods = room;
    for (size_t i = 0; i < json_array_size(list) && r == OK; i++)
        r = read_method(a, json_array_get(list, i), &methods[i], err);
    e->methods = methods;
    e->method_count = json_array_size(list);
    return r == OK ? join_methods(a, e, err) : r;
}

static enum result read_purpose(const json_t *o, struct bundle_endpoint *e, struct error *err)
{
    const char *word;
    enum result r = json_need_str(o, "purpose", &word, err);
    if (r == OK && !token_purpose_parse(slice_of(word), &e->purpose))
        r = error_set(err, R_INVALID, "member 'purpose' is none of registration, sts, metadata, general, user");
    return r;
}

enum result bundle_read_headers(const json_t *o, enum bundle_headers *ret, struct error *err)
{
    static const char *const words[] = {
        [BUNDLE_HEADERS_CMG] = "cmg", [BUNDLE_HEADERS_PUPPET] = "puppet", [BUNDLE_HEADERS_HAWKBIT] = "hawkbit"};
    json_t *word;
    *ret = BUNDLE_HEADERS_CMG;
    enum result r = member_opt(o, "headers", JSON_STRING, &word, err);
    if (r != OK || !word)
        return r;
    for (size_t i = 0; i < ARRAY_LEN(words); i++) {
        if (strcmp(json_string_value(word), words[i]) == 0) {
            *ret = (enum bundle_headers)i;
            return OK;
        }
    }
    return error_set(err, R_INVALID, "member 'headers' is none of cmg, puppet, hawkbit");
}

static enum result read_client_anchors(struct arena *a, const json_t *o, struct bundle_endpoint *e, struct error *err)
{
    json_t *list;
    void *room;
    enum result r = member_array(o, "client_anchors", BUNDLE_CLIENT_ANCHORS_MAX, &list, err);
    if (r == OK && list && json_array_size(list) == 0)
        r = error_set(err, R_INVALID, "member 'client_anchors' is empty (leave it out to take any)");
    if (r == OK)
        r = member_room(a, json_array_size(list), PKI_SHA256, &room, err);
    if (r != OK)
        return r;
    unsigned char(*anchors)[PKI_SHA256] = room;
    for (size_t i = 0; i < json_array_size(list); i++) {
        const char *text = json_string_value(json_array_get(list, i));
        size_t len = 0;
        if (!text || !decode_hex(slice_of(text), anchors[i], PKI_SHA256, &len) || len != PKI_SHA256)
            return error_set(err, R_INVALID,
                             "member 'client_anchors' holds SHA-256s of certificates, 64 hex digits each");
    }
    e->client_anchors = (const unsigned char(*)[PKI_SHA256])anchors;
    e->client_anchor_count = json_array_size(list);
    return OK;
}

static enum result read_auth(const json_t *o, struct bundle_endpoint *e, struct error *err)
{
    enum result r = member_clients(o, "auth", &e->auth, err);
    if (r == OK && e->auth == 0)
        r = error_set(err, R_INVALID, "member 'auth' is missing or empty: nobody could come in");
    return r;
}

static enum result read_endpoint(struct bundle *b, const json_t *o, struct bundle_endpoint *e, struct error *err)
{
    enum result r = read_route(b, o, e, err);
    if (r == OK)
        r = read_management_point(b, o, e, err);
    if (r == OK)
        r = read_auth(o, e, err);
    if (r == OK)
        r = read_purpose(o, e, err);
    if (r == OK)
        r = read_methods(b->index->arena, o, e, err);
    if (r == OK)
        r = member_int(o, "max_body", 0, BUNDLE_BODY_MAX, BUNDLE_BODY_DEFAULT, &e->max_body, err);
    if (r == OK)
        r = bundle_read_headers(o, &e->headers, err);
    if (r == OK)
        r = member_upgrade(o, &e->websocket, err);
    if (r == OK)
        r = read_client_anchors(b->index->arena, o, e, err);
    if (r == OK)
        r = member_bool(o, "allow_encoded_slash", false, &e->allow_encoded_slash, err);
    if (r == OK)
        r = member_int(o, "answer_s", 0, BUNDLE_ANSWER_MAX_S, 0, &e->answer_s, err);
    return r;
}

enum result bundle_read_endpoints(struct bundle *b, const json_t *content, struct error *err)
{
    json_t *list;
    void *room;
    enum result r = member_array(content, "endpoints", BUNDLE_ENDPOINTS_MAX, &list, err);
    if (r == OK)
        r = member_room(b->index->arena, json_array_size(list), sizeof *b->endpoints, &room, err);
    if (r != OK)
        return r;
    struct bundle_endpoint *endpoints = room;
    for (size_t i = 0; i < json_array_size(list) && r == OK; i++) {
        r = read_endpoint(b, json_array_get(list, i), &endpoints[i], err);
        if (r != OK)
            (void)error_prefix(err, "endpoints[%zu]", i);
    }
    b->endpoints = endpoints;
    b->endpoint_count = json_array_size(list);
    if (r == OK)
        r = seal(&b->index->ids, "endpoint id", err);
    if (r == OK)
        r = seal(&b->index->paths, "endpoint", err);
    return r == OK ? seal(&b->index->hosts, "endpoint of host", err) : r;
}
