/* SPDX-License-Identifier: Apache-2.0 */
/* Reads the connector document: which published endpoint leads to which server inside. */
#include <stdio.h>
#include <stdlib.h>

#include <arpa/inet.h>

#include "base/ascii.h"
#include "base/mem.h"
#include "bundle/bundle.h"
#include "bundle/index.h"
#include "bundle/member.h"
#include "bundle/model.h"
#include "json/json.h"

enum { ARENA_MAX = 64 * 1024 * 1024, PEM_MAX = 1024 * 1024, BASE_PATH_MAX = 1024, URL_MAX = 2048, HOST_MAX = 261 };

/* --- URL (RFC 3986 3, the part of it that names a server and a prefix) --- */

struct url {
    bool tls;
    struct slice host, port, path;
};

static bool split_scheme(struct slice *at, bool *ret_tls)
{
    static const struct {
        const char *prefix;
        bool tls;
    } schemes[] = {{"https://", true}, {"http://", false}};
    for (size_t i = 0; i < ARRAY_LEN(schemes); i++) {
        struct slice prefix = slice_of(schemes[i].prefix);
        if (slice_starts_nocase(*at, prefix)) {
            *at = slice_skip(*at, prefix.len);
            *ret_tls = schemes[i].tls;
            return true;
        }
    }
    return false;
}

/* "host", "host:port", "[v6]", "[v6]:port". */
static bool split_authority(struct slice s, struct url *ret)
{
    size_t end = SIZE_MAX;
    if (s.len && s.ptr[0] == '[') {
        end = slice_find(s, ']');
        if (end == SIZE_MAX)
            return false;
        ret->host = slice_make(s.ptr + 1, end - 1);
        s = slice_skip(s, end + 1);
        if (s.len && s.ptr[0] != ':')
            return false;
        ret->port = s.len ? slice_skip(s, 1) : SLICE_NONE;
        return !s.len || ret->port.len;
    }
    end = slice_find(s, ':');
    ret->host = end == SIZE_MAX ? s : slice_make(s.ptr, end);
    ret->port = end == SIZE_MAX ? SLICE_NONE : slice_skip(s, end + 1);
    return end == SIZE_MAX || ret->port.len;
}

static bool host_ok(struct slice host, bool is_v6)
{
    char text[HOST_MAX];
    if (!slice_to_cstr(host, text, sizeof text))
        return false;
    struct in6_addr address;
    if (is_v6)
        return inet_pton(AF_INET6, text, &address) == 1;
    return member_form_ok(MEMBER_HOST, text);
}

/* The prefix of every request that goes there: no query, no dot segments, nothing that two servers read differently. */
static bool path_ok(struct slice path)
{
    struct slice rest = slice_skip(path, 1);
    if (path.len > BASE_PATH_MAX)
        return false;
    for (size_t i = 0; i < path.len; i++) {
        if (path.ptr[i] <= 0x20 || path.ptr[i] > 0x7e || strchr("?#%\\\"<>^`{|}", path.ptr[i]))
            return false;
    }
    while (rest.len) {
        struct slice s = slice_cut(&rest, '/');
        if (s.len == 0 || slice_eq(s, SLICE(".")) || slice_eq(s, SLICE("..")))
            return false;
    }
    return true;
}

static bool url_split(struct slice text, struct url *ret)
{
    struct slice at = text;
    if (text.len > URL_MAX || !split_scheme(&at, &ret->tls))
        return false;
    size_t slash = slice_find(at, '/');
    struct slice authority = slash == SIZE_MAX ? at : slice_make(at.ptr, slash);
    ret->path = slash == SIZE_MAX ? SLICE_NONE : slice_skip(at, slash);
    while (ret->path.len && ret->path.ptr[ret->path.len - 1] == '/')
        ret->path.len--;
    return split_authority(authority, ret) && host_ok(ret->host, authority.ptr[0] == '[') && path_ok(ret->path);
}

static bool read_port(const struct url *u, uint16_t *ret)
{
    uint64_t port = u->tls ? 443 : 80;
    if (u->port.ptr && !slice_to_u64(u->port, &port))
        return false;
    *ret = (uint16_t)port;
    return port >= 1 && port <= 65535;
}

static enum result no_room(struct error *err)
{
    return error_set(err, R_LIMIT, "the document needs more memory than a document may");
}

/* Host as a client would send it (RFC 9110 7.2): the port only when it is not the scheme's. */
static enum result make_authority(struct arena *a, struct connector_endpoint *e, struct error *err)
{
    bool v6 = strchr(e->host, ':') != NULL;
    struct slice text = arena_printf(a, "%s%s%s", v6 ? "[" : "", e->host, v6 ? "]" : "");
    if (text.ptr && e->port != (e->tls ? 443 : 80))
        text = arena_printf(a, "%s:%u", text.ptr, (unsigned)e->port);
    e->authority = text.ptr;
    return text.ptr ? OK : no_room(err);
}

static enum result read_url(struct arena *a, const json_t *o, struct connector_endpoint *e, struct error *err)
{
    const char *text;
    struct url u = {.tls = false};
    enum result r = json_need_str(o, "url", &text, err);
    if (r != OK)
        return r;
    if (!url_split(slice_of(text), &u) || !read_port(&u, &e->port))
        return error_set(err, R_INVALID,
                         "member 'url' is not http(s)://host[:port][/path] (without user, query, fragment, escapes)");
    e->tls = u.tls;
    struct slice host = arena_dup(a, u.host), path = arena_dup(a, u.path);
    if (!host.ptr || !path.ptr)
        return no_room(err);
    ascii_lower_all((char *)(uintptr_t)host.ptr, host.len); /* our own copy */
    e->host = host.ptr;
    e->base_path = path.ptr;
    return make_authority(a, e, err);
}

/* --- endpoints --- */

/* A virtual host: "name" or "name:port". */
static enum result read_host(struct arena *a, const json_t *o, struct connector_endpoint *e, struct error *err)
{
    json_t *value;
    struct url u = {.tls = e->tls};
    uint16_t port;
    enum result r = member_opt(o, "host", JSON_STRING, &value, err);
    if (r != OK || !value)
        return r;
    struct slice text = slice_of(json_string_value(value));
    if (text.len == 0 || !split_authority(text, &u) || !host_ok(u.host, text.ptr[0] == '[') || !read_port(&u, &port))
        return error_set(err, R_INVALID, "member 'host' is not name[:port]");
    return member_copy(a, text.ptr, &e->authority, err);
}

static enum result read_management_point(struct arena *a, const json_t *o, struct connector_endpoint *e,
                                         struct error *err)
{
    json_t *mp;
    enum result r = member_opt(o, "mp", JSON_STRING, &mp, err);
    if (r != OK || !mp)
        return r;
    r = member_id(a, o, "mp", MEMBER_ROLE_ID, false, &e->mp, err);
    if (r == OK)
        r = member_mode(o, "mode", &e->mode, err);
    if (r == OK)
        r = member_clients(o, "clients", &e->clients, err);
    if (r == OK && !e->tls)
        r = error_set(err, R_INVALID, "is a management point without https");
    return r;
}

static enum result read_endpoint(struct arena *a, const json_t *o, struct connector_endpoint *e, struct error *err)
{
    enum result r = member_id(a, o, "id", MEMBER_ENDPOINT_ID, false, &e->id, err);
    if (r == OK)
        r = read_url(a, o, e, err);
    if (r == OK)
        r = read_host(a, o, e, err);
    if (r == OK)
        r = member_text(a, o, "anchors_pem", PEM_MAX, NULL, &e->anchors_pem, err);
    if (r == OK)
        r = read_management_point(a, o, e, err);
    if (r == OK)
        r = member_int(o, "answer_s", 0, BUNDLE_ANSWER_MAX_S, 0, &e->answer_s, err);
    if (r == OK)
        r = member_upgrade(o, &e->websocket, err);
    if (r == OK)
        r = bundle_read_headers(o, &e->headers, err);
    if (r == OK)
        r = member_bool(o, "keep_host", false, &e->keep_host, err);
    if (r == OK)
        r = member_bool(o, "x_forwarded", false, &e->x_forwarded, err);
    return r;
}

static enum result read_endpoints(struct connector_document *d, const json_t *content, struct error *err)
{
    json_t *list;
    void *room;
    enum result r = member_array(content, "endpoints", BUNDLE_ENDPOINTS_MAX, &list, err);
    if (r == OK)
        r = member_room(d->arena, json_array_size(list), sizeof *d->endpoints, &room, err);
    if (r != OK)
        return r;
    struct connector_endpoint *endpoints = room;
    struct index_map ids = {0};
    for (size_t i = 0; i < json_array_size(list) && r == OK; i++) {
        r = read_endpoint(d->arena, json_array_get(list, i), &endpoints[i], err);
        if (r == OK)
            index_map_add(&ids, slice_of(endpoints[i].id), &endpoints[i]);
        else
            (void)error_prefix(err, "endpoints[%zu]", i);
    }
    d->endpoints = endpoints;
    d->endpoint_count = json_array_size(list);
    struct slice twice = index_map_seal(&ids);
    if (r == OK && twice.ptr)
        r = error_set(err, R_INVALID, "endpoint id '%" PRIslice "' stands twice", SLICE_ARG(twice));
    index_map_free(&ids);
    return r;
}

/* --- gateways --- */

static enum result read_gateway(struct arena *a, const json_t *o, struct connector_gateway *g, struct error *err)
{
    const char *host;
    int64_t port = 0;
    enum result r = member_id(a, o, "id", MEMBER_PEER_ID, false, &g->id, err);
    if (r == OK)
        r = json_need_str(o, "host", &host, err);
    if (r != OK)
        return r;
    if (!host_ok(slice_of(host), strchr(host, ':') != NULL))
        return error_set(err, R_INVALID, "member 'host' is neither a DNS name nor an address");
    r = member_copy(a, host, &g->host, err);
    if (r == OK)
        r = member_int(o, "port", 1, 65535, 443, &port, err);
    g->port = (uint16_t)port;
    if (r == OK)
        r = member_int(o, "withdrawn", 0, INT64_MAX, 0, &g->withdrawn, err);
    if (r == OK)
        r = member_int(o, "joining", 0, INT64_MAX, 0, &g->joining, err);
    if (r == OK)
        r = member_bool(o, "unissued", false, &g->unissued, err);
    return r;
}

static enum result read_gateways(struct connector_document *d, const json_t *content, struct error *err)
{
    json_t *list;
    void *room;
    enum result r = member_array(content, "gateways", BUNDLE_GATEWAYS_MAX, &list, err);
    if (r == OK)
        r = member_room(d->arena, json_array_size(list), sizeof *d->gateways, &room, err);
    if (r != OK)
        return r;
    struct connector_gateway *gateways = room;
    for (size_t i = 0; i < json_array_size(list) && r == OK; i++) {
        r = read_gateway(d->arena, json_array_get(list, i), &gateways[i], err);
        if (r != OK)
            (void)error_prefix(err, "gateways[%zu]", i);
    }
    d->gateways = gateways;
    d->gateway_count = json_array_size(list);
    return r;
}

enum result connector_document_parse(const struct document *d, struct connector_document **ret, struct error *err)
{
    struct error local;
    err = err ? err : &local;
    *ret = NULL;
    if (d->type != DOCUMENT_CONNECTOR || !json_is_object(d->content))
        return error_set(err, R_INVALID, "this document is no connector document");
    struct connector_document *made = mem_zalloc(sizeof *made);
    made->sequence = d->sequence;
    made->issued = d->issued;
    made->expires = d->expires;
    made->arena = arena_new(ARENA_MAX);
    enum result r = read_endpoints(made, d->content, err);
    if (r == OK)
        r = read_gateways(made, d->content, err);
    if (r == OK)
        r = bundle_read_sources(made->arena, d->content, true, &made->sources, &made->source_count, err);
    if (r == OK)
        r = connector_read_trust(made->arena, d->content, &made->trust, err);
    if (r != OK) {
        (void)error_prefix(err, "connector document");
        connector_document_free(made);
        return r;
    }
    *ret = made;
    return OK;
}

void connector_document_free(struct connector_document *d)
{
    if (!d)
        return;
    arena_free(d->arena);
    free(d);
}
