/* SPDX-License-Identifier: Apache-2.0 */
/* Reads a bundle member by member, by a table; the long lists have files of their own. */
#include "bundle/bundle.h"

#include <stdlib.h>

#include "base/mem.h"
#include "bundle/member.h"
#include "bundle/model.h"
#include "json/json.h"

enum {
    ARENA_MAX = 256 * 1024 * 1024,
    PEM_MAX = 8 * 1024 * 1024,
    DAY_S = 86400,
    GRACE_DEFAULT_S = 90 * DAY_S,
    AGE_MAX_S = 366 * DAY_S,
    GRACE_MAX_S = 3660 * DAY_S
};

static enum result read_on_unavailable(const json_t *o, bool *ret_allow, struct error *err)
{
    json_t *word;
    *ret_allow = false;
    enum result r = member_opt(o, "on_unavailable", JSON_STRING, &word, err);
    if (r != OK || !word)
        return r;
    *ret_allow = strcmp(json_string_value(word), "allow") == 0;
    if (!*ret_allow && strcmp(json_string_value(word), "fail") != 0)
        return error_set(err, R_INVALID, "member 'on_unavailable' is neither fail nor allow");
    return OK;
}

enum result bundle_read_settings(const json_t *content, struct bundle_settings *s, struct error *err)
{
    json_t *o;
    enum result r = member_opt(content, "settings", JSON_OBJECT, &o, err);
    if (r != OK)
        return r;
    r = member_bool(o, "crl_check", true, &s->crl_check, err);
    if (r == OK)
        r = read_on_unavailable(o, &s->allow_when_unavailable, err);
    if (r == OK)
        r = member_int(o, "bundle_max_age", 1, AGE_MAX_S, DAY_S, &s->max_age_s, err);
    if (r == OK)
        r = member_int(o, "renewal_grace", 0, GRACE_MAX_S, GRACE_DEFAULT_S, &s->renewal_grace_s, err);
    if (r != OK)
        (void)error_prefix(err, "settings");
    return r;
}

static enum result read_settings(struct bundle *b, const json_t *content, struct error *err)
{
    return bundle_read_settings(content, &b->settings, err);
}

static enum result read_pems(struct bundle *b, const json_t *content, struct error *err)
{
    enum result r = member_text(b->index->arena, content, "anchors_pem", PEM_MAX, "", &b->anchors_pem, err);
    if (r == OK)
        r = member_text(b->index->arena, content, "intermediates_pem", PEM_MAX, "", &b->intermediates_pem, err);
    return r;
}

static enum result read_crl_name(struct arena *a, const json_t *o, struct bundle_crl_name *ret, struct error *err)
{
    unsigned char hash[PKI_SHA256];
    size_t len;
    enum result r = member_text(a, o, "sha256", PKI_HASH_HEX - 1, "", &ret->sha256, err);
    if (r == OK && (!decode_hex(slice_of(ret->sha256), hash, sizeof hash, &len) || len != sizeof hash))
        r = error_set(err, R_INVALID, "member 'sha256' is not 64 hex digits");
    if (r == OK)
        r = member_int(o, "size", 1, BUNDLE_CRL_MAX, 0, &ret->size, err);
    return r == OK && !ret->size ? error_set(err, R_INVALID, "member 'size' is missing") : r;
}

static enum result read_crl(const json_t *item, struct slice *ret, struct error *err)
{
    if (!json_is_string(item))
        return error_set(err, R_INVALID, "must be a string, or an object with sha256 and size");
    size_t size = json_string_length(item) / 4 * 3 + 3, len;
    char *der = mem_zalloc(size);
    if (!decode_base64(slice_of(json_string_value(item)), der, size, &len) || len == 0) {
        free(der);
        return error_set(err, R_INVALID, "is not base64");
    }
    *ret = slice_make(der, len);
    return OK;
}

void bundle_drop_crl(struct bundle *b, size_t i)
{
    free((void *)(uintptr_t)b->crls[i].ptr);
    b->crls[i] = SLICE_NONE;
}

static enum result read_crls(struct bundle *b, const json_t *content, struct error *err)
{
    json_t *list;
    void *crls, *names = NULL;
    enum result r = member_array(content, "crls", BUNDLE_CRLS_MAX, &list, err);
    size_t count = json_array_size(list);
    if (r == OK)
        r = member_room(b->index->arena, count, sizeof *b->crls, &crls, err);
    if (r == OK)
        r = member_room(b->index->arena, count, sizeof *b->crl_names, &names, err);
    if (r != OK)
        return r;
    b->crls = crls;
    b->crl_names = names;
    for (size_t i = 0; i < count && r == OK; i++) {
        const json_t *item = json_array_get(list, i);
        r = json_is_object(item) ? read_crl_name(b->index->arena, item, (struct bundle_crl_name *)names + i, err)
                                 : read_crl(item, &b->crls[i], err);
        b->crl_count += r == OK;
        if (r != OK)
            (void)error_prefix(err, "crls[%zu]", i);
    }
    return r;
}

static enum result read_token_keys(struct bundle *b, const json_t *content, struct error *err)
{
    json_t *o;
    enum result r = json_need_object(content, "token_keys", &o, err);
    if (r != OK)
        return r;
    r = jose_keys_new(o, &b->index->keys, err);
    if (r != OK)
        (void)error_prefix(err, "token_keys");
    b->token_keys = b->index->keys;
    return r;
}

static enum result read_location(struct bundle *b, const json_t *content, struct error *err)
{
    return member_text(b->index->arena, content, "location", PEM_MAX, "", &b->location, err);
}

static enum result read_sources(struct bundle *b, const json_t *content, struct error *err)
{
    return bundle_read_sources(b->index->arena, content, false, &b->sources, &b->source_count, err);
}

/* In this order: endpoints point to roles. */
static enum result (*const readers[])(struct bundle *, const json_t *, struct error *) = {
    read_settings,          read_pems,           read_crls,           read_token_keys,         bundle_read_roles,
    bundle_read_endpoints,  bundle_read_blocks,  bundle_read_revoked, bundle_read_connectors,  bundle_read_tenants,
    bundle_read_disallowed, bundle_read_foreign, read_sources,        bundle_read_fetch_hosts, read_location,
};

static struct bundle *bundle_new(void)
{
    struct bundle *b = mem_zalloc(sizeof *b);
    struct bundle_index *i = b->index = mem_zalloc(sizeof *b->index);
    i->arena = arena_new(ARENA_MAX);
    index_set_init(&i->guids, BUNDLE_GUID_BYTES);
    index_set_init(&i->removed, BUNDLE_GUID_BYTES);
    index_set_init(&i->spkis, PKI_SHA256);
    index_set_init(&i->certificates, PKI_SHA256);
    index_set_init(&i->tokens, INDEX_TEXT_WIDTH);
    index_set_init(&i->entra, PKI_SHA256);
    return b;
}

enum result bundle_parse(const struct document *d, struct bundle **ret, struct error *err)
{
    struct error local;
    err = err ? err : &local;
    *ret = NULL;
    if (d->type != DOCUMENT_BUNDLE || !json_is_object(d->content))
        return error_set(err, R_INVALID, "this document is no bundle");
    struct bundle *b = bundle_new();
    b->sequence = d->sequence;
    b->issued = d->issued;
    b->expires = d->expires;
    enum result r = OK;
    for (size_t i = 0; i < ARRAY_LEN(readers) && r == OK; i++)
        r = readers[i](b, d->content, err);
    if (r != OK) {
        (void)error_prefix(err, "bundle");
        bundle_free(b);
        return r;
    }
    *ret = b;
    return OK;
}

void bundle_free(struct bundle *b)
{
    if (!b)
        return;
    for (size_t n = 0; n < b->crl_count; n++)
        bundle_drop_crl(b, n);
    struct bundle_index *i = b->index;
    struct index_map *maps[] = {&i->roles, &i->paths, &i->hosts, &i->ids, &i->revoked};
    struct index_set *sets[] = {&i->guids, &i->removed, &i->spkis, &i->certificates, &i->tokens, &i->entra};
    for (size_t n = 0; n < ARRAY_LEN(maps); n++)
        index_map_free(maps[n]);
    for (size_t n = 0; n < ARRAY_LEN(sets); n++)
        index_set_free(sets[n]);
    bundle_free_disallowed(i);
    jose_keys_free(i->keys);
    for (size_t n = 0; n < b->tenant_count; n++)
        jose_keys_free((struct jose_keys *)(uintptr_t)b->tenants[n].keys);
    for (size_t n = 0; n < b->foreign_count; n++)
        jose_keys_free((struct jose_keys *)(uintptr_t)b->foreign[n].keys);
    arena_free(i->arena);
    free(i);
    free(b);
}
