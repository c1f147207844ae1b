/* SPDX-License-Identifier: Apache-2.0 */
/* The hello's texts: see hello.h. */
#include "tunnel/hello.h"

#include <stdlib.h>

#include "base/mem.h"
#include "base/text/name.h"
#include "json/json.h"

/* Versions that this build speaks: its own and the one before. */
static const int64_t supported[] = {TUNNEL_VERSION};

static enum result check_version(const json_t *o, struct error *err)
{
    int64_t version;
    if (json_need_int(o, "version", &version, err) != OK)
        return R_INVALID;
    for (size_t i = 0; i < ARRAY_LEN(supported); i++)
        if (supported[i] == version)
            return OK;
    return error_set(err, R_INVALID, "the peer speaks version %lld of the tunnel, this side version %d",
                     (long long)version, TUNNEL_VERSION);
}

/* --- sets of endpoints --- */

static int by_text(const void *a, const void *b)
{
    return strcmp(a, b);
}

void tunnel_endpoints_free(struct tunnel_endpoints *e)
{
    free(e->ids);
    *e = (struct tunnel_endpoints){0};
}

static void sort_unique(struct tunnel_endpoints *e)
{
    size_t kept = 0;
    if (e->count)
        qsort(e->ids, e->count, sizeof *e->ids, by_text);
    for (size_t i = 0; i < e->count; i++)
        if (kept == 0 || strcmp(e->ids[kept - 1], e->ids[i]) != 0)
            memmove(e->ids[kept++], e->ids[i], sizeof *e->ids);
    e->count = kept;
}

enum result tunnel_endpoints_set(struct tunnel_endpoints *e, const char *const *ids, size_t count, struct error *err)
{
    if (count > TUNNEL_ENDPOINTS_MAX)
        return error_set(err, R_LIMIT, "%zu endpoints, at most %d can be announced", count, TUNNEL_ENDPOINTS_MAX);
    struct tunnel_endpoints new = {.ids = count ? mem_array(count, sizeof *new.ids) : NULL};
    for (size_t i = 0; i < count; i++)
        if (name_valid(NAME_ENDPOINT, slice_of(ids[i])) &&
            slice_to_cstr(slice_of(ids[i]), new.ids[new.count], sizeof *new.ids))
            new.count++;
    sort_unique(&new);
    tunnel_endpoints_free(e);
    *e = new;
    return OK;
}

bool tunnel_endpoints_same(const struct tunnel_endpoints *a, const struct tunnel_endpoints *b)
{
    bool same = a->count == b->count;
    for (size_t i = 0; same && i < a->count; i++)
        same = strcmp(a->ids[i], b->ids[i]) == 0;
    return same;
}

bool tunnel_endpoints_has(const struct tunnel_endpoints *e, struct slice id)
{
    char key[TUNNEL_ID_MAX + 1];
    return e->count && slice_to_cstr(id, key, sizeof key) &&
           bsearch(key, e->ids, e->count, sizeof *e->ids, by_text) != NULL;
}

/* --- the gateway's request --- */

char *tunnel_hello_write(const struct tunnel_hello *hello)
{
    json_t *o =
        json_pack("{s:i, s:s, s:s, s:I, s:I}", "version", TUNNEL_VERSION, "gateway", hello->gateway_id, "generation",
                  hello->generation, "worker", (json_int_t)hello->worker, "workers", (json_int_t)hello->workers);
    if (!o)
        fatal("tunnel: the hello can't be written");
    char *text = json_text(o);
    json_decref(o);
    return text;
}

static bool is_gateway_id(struct slice id)
{
    return name_valid(NAME_MEMBER, id);
}

static enum result read_text(const json_t *o, const char *name, bool (*valid)(struct slice), char *ret, size_t size,
                             struct error *err)
{
    const char *text;
    if (json_need_str(o, name, &text, err) != OK)
        return R_INVALID;
    if (!valid(slice_of(text)) || !slice_to_cstr(slice_of(text), ret, size))
        return error_set(err, R_INVALID, "member '%s' is not a valid id", name);
    return OK;
}

static enum result read_workers(const json_t *o, struct tunnel_greeting *ret, struct error *err)
{
    int64_t worker, workers;
    if (json_need_int(o, "worker", &worker, err) != OK || json_need_int(o, "workers", &workers, err) != OK)
        return R_INVALID;
    if (workers < 1 || workers > 65535 || worker < 0 || worker >= workers)
        return error_set(err, R_INVALID, "worker %lld of %lld is not possible", (long long)worker, (long long)workers);
    ret->worker = (uint32_t)worker;
    ret->workers = (uint32_t)workers;
    return OK;
}

enum result tunnel_hello_read(struct slice text, struct tunnel_greeting *ret, struct error *err)
{
    json_t *o;
    enum result r = json_parse(text, TUNNEL_HELLO_MAX, &o, err);
    if (r != OK)
        return r;
    r = check_version(o, err);
    if (r == OK)
        r = read_text(o, "gateway", is_gateway_id, ret->gateway_id, sizeof ret->gateway_id, err);
    if (r == OK)
        r = read_text(o, "generation", guid_valid, ret->generation, sizeof ret->generation, err);
    if (r == OK)
        r = read_workers(o, ret, err);
    json_decref(o);
    return r;
}

/* --- the connector's answer --- */

char *tunnel_line_write(const char *connector_id, const struct tunnel_endpoints *e)
{
    json_t *o = json_object(), *list = json_array();
    int bad = 0;
    for (size_t i = 0; i < e->count; i++)
        bad |= json_array_append_new(list, json_string(e->ids[i]));
    if (connector_id) {
        bad |= json_object_set_new(o, "version", json_integer(TUNNEL_VERSION));
        bad |= json_object_set_new(o, "connector", json_string(connector_id));
    }
    bad |= json_object_set_new(o, "endpoints", list);
    if (bad)
        fatal("tunnel: the answer to a hello can't be written");
    char *text = json_text(o);
    json_decref(o);
    size_t len = strlen(text);
    text = mem_resize(text, len + 2, 1);
    memcpy(text + len, "\n", 2);
    return text;
}

static enum result read_endpoints(const json_t *o, struct tunnel_endpoints *e, struct error *err)
{
    json_t *list;
    if (json_need_array(o, "endpoints", &list, err) != OK)
        return R_INVALID;
    size_t count = json_array_size(list);
    if (count > TUNNEL_ENDPOINTS_MAX)
        return error_set(err, R_LIMIT, "%zu endpoints, at most %d are accepted", count, TUNNEL_ENDPOINTS_MAX);
    struct tunnel_endpoints new = {.ids = count ? mem_array(count, sizeof *new.ids) : NULL};
    for (size_t i = 0; i < count; i++) {
        struct slice id = slice_of(json_string_value(json_array_get(list, i)));
        if (!name_valid(NAME_ENDPOINT, id) || !slice_to_cstr(id, new.ids[i], sizeof *new.ids)) {
            tunnel_endpoints_free(&new);
            return error_set(err, R_INVALID, "endpoint %zu has no valid id", i + 1);
        }
        new.count++;
    }
    sort_unique(&new);
    tunnel_endpoints_free(e);
    *e = new;
    return OK;
}

static enum result check_connector(const json_t *o, const char *connector_id, struct error *err)
{
    const char *id;
    if (check_version(o, err) != OK || json_need_str(o, "connector", &id, err) != OK)
        return R_INVALID;
    if (!slice_eq(slice_of(id), slice_of(connector_id)))
        return error_set(err, R_DENIED, "the connector's certificate is of '%s', its hello says another id",
                         connector_id);
    return OK;
}

enum result tunnel_line_read(struct slice line, const char *connector_id, struct tunnel_endpoints *e, struct error *err)
{
    json_t *o;
    enum result r = json_parse(line, TUNNEL_LINE_MAX, &o, err);
    if (r != OK)
        return r;
    if (connector_id)
        r = check_connector(o, connector_id, err);
    if (r == OK)
        r = read_endpoints(o, e, err);
    json_decref(o);
    return r;
}
