/* SPDX-License-Identifier: Apache-2.0 */
/* Who is shut out: blocked devices, withdrawn roles; and the connectors that exist. */
#include <stdio.h>

#include "bundle/member.h"
#include "bundle/model.h"
#include "json/json.h"

bool bundle_guid_bytes(struct slice text, unsigned char ret[BUNDLE_GUID_BYTES])
{
    char hex[HEX_SIZE(BUNDLE_GUID_BYTES)];
    size_t n = 0, len;
    if (!guid_valid(text))
        return false;
    for (size_t i = 0; i < text.len; i++) {
        if (text.ptr[i] != '-')
            hex[n++] = text.ptr[i];
    }
    return decode_hex(slice_make(hex, n), ret, BUNDLE_GUID_BYTES, &len) && len == BUNDLE_GUID_BYTES;
}

static bool add_guid(struct index_set *s, const char *text)
{
    unsigned char guid[BUNDLE_GUID_BYTES];
    if (!bundle_guid_bytes(slice_of(text), guid))
        return false;
    index_set_add(s, guid);
    return true;
}

static bool add_hash(struct index_set *s, const char *text)
{
    unsigned char hash[PKI_SHA256];
    size_t len;
    if (!decode_hex(slice_of(text), hash, sizeof hash, &len) || len != sizeof hash)
        return false;
    index_set_add(s, hash);
    return true;
}

static bool add_jti(struct index_set *s, const char *text)
{
    return member_form_ok(MEMBER_JTI, text) && index_set_add_text(s, slice_of(text));
}

enum result bundle_read_set(const json_t *o, const char *name, enum bundle_set_of of, struct index_set *s,
                            size_t *count, struct error *err)
{
    static bool (*const add[])(struct index_set *, const char *) = {
        [BUNDLE_SET_GUIDS] = add_guid, [BUNDLE_SET_HASHES] = add_hash, [BUNDLE_SET_JTIS] = add_jti};
    json_t *list;
    enum result r = member_array(o, name, BUNDLE_BLOCKS_MAX - s->count, &list, err);
    for (size_t i = 0; i < json_array_size(list) && r == OK; i++) {
        const json_t *item = json_array_get(list, i);
        if (!json_is_string(item) || !add[of](s, json_string_value(item)))
            r = error_set(err, R_INVALID, "member '%s', item %zu, is malformed", name, i);
        (*count)++;
    }
    return r;
}

static enum result read_block(struct bundle_index *x, const json_t *o, struct error *err)
{
    json_t *guid;
    size_t names = 0;
    bool removed = false;
    enum result r = member_opt(o, "guid", JSON_STRING, &guid, err);
    if (r == OK)
        r = member_bool(o, "removed", false, &removed, err);
    if (r == OK && guid) {
        names++;
        if (!add_guid(removed ? &x->removed : &x->guids, json_string_value(guid)))
            r = error_set(err, R_INVALID, "member 'guid' is no GUID");
    }
    if (r == OK)
        r = bundle_read_set(o, "spki", BUNDLE_SET_HASHES, &x->spkis, &names, err);
    if (r == OK)
        r = bundle_read_set(o, "certificates", BUNDLE_SET_HASHES, &x->certificates, &names, err);
    if (r == OK)
        r = bundle_read_set(o, "tokens", BUNDLE_SET_JTIS, &x->tokens, &names, err);
    if (r == OK)
        r = bundle_read_set(o, "entra", BUNDLE_SET_HASHES, &x->entra, &names, err);
    if (r == OK && names == 0)
        r = error_set(err, R_INVALID, "blocks nothing: it has no guid, spki, certificates, tokens or entra");
    return r;
}

enum result bundle_read_blocks(struct bundle *b, const json_t *content, struct error *err)
{
    struct bundle_index *x = b->index;
    json_t *list;
    enum result r = member_array(content, "blocks", BUNDLE_BLOCKS_MAX, &list, err);
    for (size_t i = 0; i < json_array_size(list) && r == OK; i++) {
        r = read_block(x, json_array_get(list, i), err);
        if (r != OK)
            (void)error_prefix(err, "blocks[%zu]", i);
    }
    index_set_seal(&x->guids);
    index_set_seal(&x->removed);
    index_set_seal(&x->spkis);
    index_set_seal(&x->certificates);
    index_set_seal(&x->tokens);
    index_set_seal(&x->entra);
    return r;
}

enum role_kind { ROLE_CONNECTOR, ROLE_GATEWAY, ROLE_MP };
static const char *const role_kinds[] = {[ROLE_CONNECTOR] = "connector", [ROLE_GATEWAY] = "gateway", [ROLE_MP] = "mp"};

static bool role_key(const char *kind, const char *id, char ret[INDEX_TEXT_WIDTH])
{
    int n = snprintf(ret, INDEX_TEXT_WIDTH, "%s:%s", kind, id);
    return n > 0 && n < INDEX_TEXT_WIDTH;
}

static enum result add_revoked(struct bundle_index *x, const char *key, int64_t until, struct error *err)
{
    void *room;
    enum result r = member_room(x->arena, 1, sizeof until, &room, err);
    struct slice kept = r == OK ? arena_dup(x->arena, slice_of(key)) : SLICE_NONE;
    if (r == OK && !kept.ptr)
        r = error_set(err, R_LIMIT, "the bundle is too large");
    if (r != OK)
        return r;
    memcpy(room, &until, sizeof until);
    index_map_add(&x->revoked, kept, room);
    return OK;
}

static enum result read_revoked(struct bundle_index *x, const json_t *o, struct error *err)
{
    const char *kind, *id;
    char key[INDEX_TEXT_WIDTH];
    int64_t until = 0;
    enum result r = json_need_str(o, "kind", &kind, err);
    size_t which = 0;
    if (r == OK && !slice_word(slice_of(kind), role_kinds, ARRAY_LEN(role_kinds), &which))
        r = error_set(err, R_INVALID, "member 'kind' is none of connector, gateway, mp");
    if (r == OK)
        r = json_need_str(o, "id", &id, err);
    if (r == OK && !member_form_ok(which == ROLE_MP ? MEMBER_ROLE_ID : MEMBER_PEER_ID, id))
        r = error_set(err, R_INVALID, "member 'id' is not the id of a %s", kind);
    if (r == OK && !role_key(kind, id, key))
        r = error_set(err, R_INVALID, "member 'id' is too long");
    if (r == OK)
        r = member_int(o, "until", 1, INT64_MAX, INT64_MAX, &until, err);
    return r == OK ? add_revoked(x, key, until, err) : r;
}

enum result bundle_read_revoked(struct bundle *b, const json_t *content, struct error *err)
{
    json_t *list;
    enum result r = member_array(content, "revoked_roles", BUNDLE_REVOKED_MAX, &list, err);
    for (size_t i = 0; i < json_array_size(list) && r == OK; i++) {
        r = read_revoked(b->index, json_array_get(list, i), err);
        if (r != OK)
            (void)error_prefix(err, "revoked_roles[%zu]", i);
    }
    struct slice twice = index_map_seal(&b->index->revoked);
    if (r == OK && twice.ptr)
        r = error_set(err, R_INVALID, "revoked_roles: %" PRIslice " stands twice", SLICE_ARG(twice));
    return r;
}

enum result bundle_read_connectors(struct bundle *b, const json_t *content, struct error *err)
{
    struct arena *a = b->index->arena;
    json_t *list;
    void *room;
    enum result r = member_array(content, "connectors", BUNDLE_CONNECTORS_MAX, &list, err);
    if (r == OK)
        r = member_room(a, json_array_size(list), sizeof(char *), &room, err);
    if (r != OK)
        return r;
    const char **ids = room;
    for (size_t i = 0; i < json_array_size(list) && r == OK; i++) {
        r = member_id(a, json_array_get(list, i), "id", MEMBER_PEER_ID, false, &ids[i], err);
        if (r != OK)
            (void)error_prefix(err, "connectors[%zu]", i);
    }
    b->connectors = ids;
    b->connector_count = json_array_size(list);
    return r;
}

/* --- lookups --- */

static bool has_hash(const struct index_set *s, struct slice hex)
{
    unsigned char hash[PKI_SHA256];
    size_t len;
    return s->count && decode_hex(hex, hash, sizeof hash, &len) && len == sizeof hash && index_set_has(s, hash);
}

bool bundle_blocks_guid(const struct bundle *b, struct slice guid)
{
    unsigned char bytes[BUNDLE_GUID_BYTES];
    return bundle_guid_bytes(guid, bytes) && index_set_has(&b->index->guids, bytes);
}

bool bundle_lacks_device(const struct bundle *b, struct slice guid)
{
    unsigned char bytes[BUNDLE_GUID_BYTES];
    return bundle_guid_bytes(guid, bytes) && index_set_has(&b->index->removed, bytes);
}

bool bundle_blocks_spki(const struct bundle *b, struct slice sha256_hex)
{
    return has_hash(&b->index->spkis, sha256_hex);
}

bool bundle_blocks_certificate(const struct bundle *b, struct slice sha256_hex)
{
    return has_hash(&b->index->certificates, sha256_hex);
}

bool bundle_blocks_entra(const struct bundle *b, const char *tenant, const char *device)
{
    char key[ENTRA_KEY_HEX];
    entra_device_key(tenant, device, key);
    return has_hash(&b->index->entra, slice_of(key));
}

bool bundle_blocks_token(const struct bundle *b, struct slice jti)
{
    return index_set_has_text(&b->index->tokens, jti);
}

bool bundle_role_revoked(const struct bundle *b, const char *kind, const char *id, int64_t not_after)
{
    char key[INDEX_TEXT_WIDTH];
    const int64_t *until = role_key(kind, id, key) ? index_map_find(&b->index->revoked, slice_of(key)) : NULL;
    return until && not_after <= *until;
}
