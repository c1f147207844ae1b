/* SPDX-License-Identifier: Apache-2.0 */
/* Documents' contents from rows. */
#include "mp/content.h"

#include <stdlib.h>

#include "base/buf.h"
#include "base/clock.h"
#include "choices/choices.h"
#include "jose/entra.h"
#include "mp/disallowed.h"
#include "mp/resultant.h"
#include "mp/target.h"
#include "store/device.h"
#include "store/endpoint.h"
#include "store/foreign.h"
#include "store/policy.h"
#include "store/role.h"
#include "store/setting.h"
#include "store/source.h"
#include "store/tenant.h"
#include "store/token.h"
#include "store/trust.h"
#include "json/json.h"

void mp_put(json_t *o, const char *name, json_t *value)
{
    if (json_object_set_new(o, name, value) != 0)
        fatal("out of memory, or text that is not UTF-8, in a document (%s)", name);
}

void mp_push(json_t *array, json_t *value)
{
    if (json_array_append_new(array, value) != 0)
        fatal("out of memory, or text that is not UTF-8, in a document");
}

json_t *mp_content_words(const char *words)
{
    json_t *array = json_array();
    struct slice rest = slice_of(words);
    while (rest.ptr) {
        struct slice word = slice_cut(&rest, ' ');
        if (word.len)
            mp_push(array, json_stringn(word.ptr, word.len));
    }
    return array;
}

static json_t *text_or_null(const char *text)
{
    return text ? json_string(text) : json_null();
}

/* --- parts --- */

static enum result put_settings(struct mp_site *site, json_t *ret, struct error *err)
{
    bool crl_check, allow;
    int64_t max_age, grace;
    struct store *s = site->store;
    enum result r = store_setting_is(s, "crl_check", "on", &crl_check, err);
    if (r == OK)
        r = store_setting_is(s, "on_unavailable", "allow", &allow, err);
    if (r == OK)
        r = store_setting_get_int(s, "bundle_max_age", &max_age, err);
    if (r == OK)
        r = store_setting_get_int(s, "renewal_grace", &grace, err);
    if (r == OK)
        mp_put(ret, "settings",
               json_pack("{s:b, s:s, s:I, s:I}", "crl_check", (int)crl_check, "on_unavailable",
                         allow ? "allow" : "fail", "bundle_max_age", (json_int_t)max_age, "renewal_grace",
                         (json_int_t)grace));
    return r;
}

enum { CRL_MAX = 32 * 1024 }; /* bytes of a list that the bundle itself holds */

struct pems {
    struct buf anchors, intermediates;
};

/* Long lists are named, and fetched by whoever does not have them yet. */
static json_t *crl_json(const struct store_trust *t)
{
    return t->data[0] ? json_string(t->data)
                      : json_pack("{s:s, s:I}", "sha256", t->sha256, "size", (json_int_t)t->size);
}

static enum result take_trust(struct pems *p, json_t *crls, const struct store_trust *t)
{
    if (strcmp(t->kind, "crl") == 0) {
        mp_push(crls, crl_json(t));
        return OK;
    }
    struct buf *to = strcmp(t->kind, "anchor") == 0 ? &p->anchors : &p->intermediates;
    return buf_append_str(to, t->data);
}

static enum result put_trust(struct mp_site *site, int64_t crl_max, struct arena *a, json_t *ret, struct error *err)
{
    struct store_trust *list;
    struct pems p;
    size_t count;
    enum result r = store_trust_list(site->store, crl_max, a, &list, &count, err);
    if (r != OK)
        return r;
    json_t *crls = json_array();
    buf_init(&p.anchors, JOSE_DOCUMENT_MAX);
    buf_init(&p.intermediates, JOSE_DOCUMENT_MAX);
    for (size_t i = 0; i < count && r == OK; i++)
        r = take_trust(&p, crls, &list[i]);
    struct slice anchors = buf_data(&p.anchors), intermediates = buf_data(&p.intermediates);
    mp_put(ret, "anchors_pem", json_stringn(anchors.ptr ? anchors.ptr : "", anchors.len));
    mp_put(ret, "intermediates_pem", json_stringn(intermediates.ptr ? intermediates.ptr : "", intermediates.len));
    mp_put(ret, "crls", crls);
    buf_free(&p.anchors);
    buf_free(&p.intermediates);
    return r == OK ? OK : error_set(err, r, "the site's anchors and intermediates are too large for a document");
}

/* Gateways learn the URLs of what they fetch themselves; connectors those of what they are asked for by id. */
static enum result put_sources(struct mp_site *site, struct arena *a, bool for_connector, json_t *ret,
                               struct error *err)
{
    struct store_source *list;
    size_t count;
    enum result r = store_source_list(site->store, a, &list, &count, err);
    json_t *array = json_array();
    for (size_t i = 0; r == OK && i < count; i++) {
        bool relayed = strcmp(list[i].via, "connector") == 0;
        if (for_connector && !relayed)
            continue;
        json_t *o = json_pack("{s:s, s:s}", "id", list[i].id, "kind", list[i].kind);
        if (for_connector == relayed)
            mp_put(o, "url", json_string(list[i].url));
        if (for_connector == relayed && list[i].ca_pem[0])
            mp_put(o, "ca_pem", json_string(list[i].ca_pem));
        if (!for_connector) {
            mp_put(o, "via", json_string(list[i].via));
            mp_put(o, "refresh_s", json_integer((json_int_t)list[i].refresh_s));
        }
        mp_push(array, o);
    }
    mp_put(ret, "sources", array);
    return r;
}

enum { JWKS_MAX = 1024 * 1024 };

static void put_if(json_t *o, const char *name, const char *text)
{
    if (*text)
        mp_put(o, name, json_string(text));
}

static enum result tenant_json(const struct store_tenant *t, json_t **ret, struct error *err)
{
    json_t *o = json_pack("{s:s, s:o, s:o}", "id", t->id, "issuers", mp_content_words(t->issuers), "audiences",
                          mp_content_words(t->audiences)),
           *jwks = NULL;
    put_if(o, "tenant", t->tenant);
    put_if(o, "algorithms", t->algorithms);
    put_if(o, "tenant_claim", t->tenant_claim);
    put_if(o, "device_claim", t->device_claim);
    put_if(o, "user_claims", t->user_claims);
    put_if(o, "client_app_id", t->client_app_id);
    put_if(o, "resource", t->resource);
    put_if(o, "source", t->source);
    enum result r = t->jwks[0] ? json_parse(slice_of(t->jwks), JWKS_MAX, &jwks, err) : OK;
    if (jwks)
        mp_put(o, "jwks", jwks);
    *ret = o;
    return r;
}

/* Those that are switched off are not told: gateways don't know them then. */
static enum result put_tenants(struct mp_site *site, struct arena *a, json_t *ret, struct error *err)
{
    struct store_tenant *list;
    size_t count;
    enum result r = store_tenant_list(site->store, a, &list, &count, err);
    json_t *array = json_array();
    for (size_t i = 0; r == OK && i < count; i++) {
        json_t *o;
        if (!list[i].enabled)
            continue;
        r = tenant_json(&list[i], &o, err);
        mp_push(array, o);
    }
    mp_put(ret, "tenants", array);
    return r;
}

static enum result foreign_json(const struct store_foreign *f, json_t **ret, struct error *err)
{
    json_t *jwks = NULL;
    enum result r = json_parse(slice_of(f->jwks), JWKS_MAX, &jwks, err);
    *ret = json_pack("{s:s, s:s, s:s, s:s, s:s, s:o}", "id", f->id, "issuer", f->issuer, "audience", f->audience,
                     "header", f->header, "key", f->key_name, "endpoints", mp_content_words(f->endpoints));
    if (jwks)
        mp_put(*ret, "jwks", jwks);
    return r;
}

static enum result put_foreign(struct mp_site *site, struct arena *a, json_t *ret, struct error *err)
{
    struct store_foreign *list;
    size_t count;
    enum result r = store_foreign_list(site->store, a, &list, &count, err);
    json_t *array = json_array();
    for (size_t i = 0; r == OK && i < count; i++) {
        json_t *o;
        r = foreign_json(&list[i], &o, err);
        mp_push(array, o);
    }
    mp_put(ret, "foreign", array);
    return r;
}

static json_t *endpoint_json(const struct store_endpoint *e)
{
    json_t *o = json_pack("{s:s, s:o, s:s, s:I, s:s}", "id", e->id, "auth", mp_content_words(e->auth), "purpose",
                          e->purpose, "max_body", (json_int_t)e->max_body, "headers", e->headers);
    if (e->host[0]) {
        mp_put(o, "host", json_string(e->host));
    } else {
        mp_put(o, "role", json_string(e->role));
        mp_put(o, "name", json_string(e->name));
    }
    if (e->methods[0])
        mp_put(o, "methods", mp_content_words(e->methods));
    if (e->management_point)
        mp_put(o, "management_point", json_true());
    if (e->allow_encoded_slash)
        mp_put(o, "allow_encoded_slash", json_true());
    if (e->websocket)
        mp_put(o, "upgrade", json_string("websocket"));
    if (e->answer_s)
        mp_put(o, "answer_s", json_integer(e->answer_s));
    return o;
}

static enum result put_endpoints(struct mp_site *site, struct arena *a, json_t *ret, struct error *err)
{
    struct store_endpoint *list;
    size_t count;
    enum result r = store_endpoint_list(site->store, a, &list, &count, err);
    json_t *array = json_array();
    for (size_t i = 0; r == OK && i < count; i++)
        mp_push(array, endpoint_json(&list[i]));
    mp_put(ret, "endpoints", array);
    return r;
}

static enum result put_roles(struct mp_site *site, struct arena *a, json_t *ret, struct error *err)
{
    struct store_mp *list;
    size_t count;
    enum result r = store_mp_list(site->store, a, &list, &count, err);
    json_t *array = json_array();
    for (size_t i = 0; r == OK && i < count; i++)
        mp_push(array, json_pack("{s:s, s:s, s:o}", "id", list[i].id, "mode", list[i].mode, "clients",
                                 mp_content_words(list[i].clients)));
    mp_put(ret, "roles", array);
    return r;
}

/* --- blocks --- */

static enum result block_of(struct mp_site *site, struct arena *a, const struct store_device *d, json_t **ret,
                            struct error *err)
{
    struct store_certificate *list;
    size_t count;
    enum result r = store_certificate_list(site->store, a, d->guid, &list, &count, err);
    json_t *hashes = json_array();
    for (size_t i = 0; r == OK && i < count; i++)
        mp_push(hashes, json_string(list[i].sha256));
    *ret = json_pack("{s:s, s:[s], s:o, s:[]}", "guid", d->guid, "spki", d->spki, "certificates", hashes, "tokens");
    if (d->entra_device[0]) {
        char key[ENTRA_KEY_HEX];
        entra_device_key(d->entra_tenant, d->entra_device, key);
        mp_put(*ret, "entra", json_pack("[s]", key));
    }
    return r;
}

static enum result push_blocked_devices(struct mp_site *site, struct arena *a, json_t *blocks, struct error *err)
{
    struct store_device *list;
    size_t count;
    json_t *block;
    enum result r = store_device_blocked_list(site->store, a, &list, &count, err);
    for (size_t i = 0; r == OK && i < count; i++) {
        r = block_of(site, a, &list[i], &block, err);
        mp_push(blocks, block);
    }
    return r;
}

static enum result push_removed_devices(struct mp_site *site, struct arena *a, json_t *blocks, struct error *err)
{
    const char *const *guids;
    size_t count;
    enum result r = store_device_removed_list(site->store, a, clock_wall_s(), &guids, &count, err);
    for (size_t i = 0; r == OK && i < count; i++)
        mp_push(blocks, json_pack("{s:s, s:b}", "guid", guids[i], "removed", 1));
    return r;
}

/* They belong to no device. */
static enum result push_blocked_tokens(struct mp_site *site, struct arena *a, json_t *blocks, struct error *err)
{
    struct store_token *list;
    size_t count;
    enum result r = store_token_blocked_list(site->store, a, clock_wall_s(), &list, &count, err);
    for (size_t i = 0; r == OK && i < count; i++)
        mp_push(blocks, json_pack("{s:[], s:[], s:[s]}", "spki", "certificates", "tokens", list[i].id));
    return r;
}

static enum result put_blocks(struct mp_site *site, struct arena *a, json_t *ret, struct error *err)
{
    json_t *blocks = json_array();
    enum result r = push_blocked_devices(site, a, blocks, err);
    if (r == OK)
        r = push_removed_devices(site, a, blocks, err);
    if (r == OK)
        r = push_blocked_tokens(site, a, blocks, err);
    mp_put(ret, "blocks", blocks);
    return r;
}

static enum result put_disallowed(struct mp_site *site, struct arena *a, json_t *ret, struct error *err)
{
    json_t *groups = json_array();
    enum result r = mp_disallowed(site, a, groups, err);
    mp_put(ret, "disallowed", groups);
    return r;
}

static enum result put_connectors(struct mp_site *site, struct arena *a, json_t *ret, struct error *err)
{
    struct store_connector *list;
    struct store_revoked *revoked;
    size_t count, revoked_count = 0;
    enum result r = store_connector_list(site->store, a, &list, &count, err);
    json_t *known = json_array(), *gone = json_array();
    for (size_t i = 0; r == OK && i < count; i++)
        mp_push(known, json_pack("{s:s}", "id", list[i].id));
    if (r == OK)
        r = store_revoked_list(site->store, a, clock_wall_s(), &revoked, &revoked_count, err);
    for (size_t i = 0; r == OK && i < revoked_count; i++)
        mp_push(gone, json_pack("{s:s, s:s}", "kind", revoked[i].kind, "id", revoked[i].id));
    mp_put(ret, "connectors", known);
    mp_put(ret, "revoked_roles", gone);
    return r;
}

/* --- whole contents --- */

static enum result finish(enum result r, json_t *o, json_t **ret)
{
    if (r != OK) {
        json_decref(o);
        o = NULL;
    }
    *ret = o;
    return r;
}

enum result mp_content_bundle(struct mp_site *site, struct arena *a, const char *location, json_t **ret,
                              struct error *err)
{
    json_t *o = json_object();
    enum result r = put_settings(site, o, err);
    if (r == OK)
        r = put_trust(site, CRL_MAX, a, o, err);
    mp_put(o, "token_keys", json_incref(site->keys.jwks));
    if (r == OK)
        r = put_roles(site, a, o, err);
    if (r == OK)
        r = put_endpoints(site, a, o, err);
    if (r == OK)
        r = put_blocks(site, a, o, err);
    if (r == OK)
        r = put_disallowed(site, a, o, err);
    if (r == OK)
        r = put_connectors(site, a, o, err);
    if (r == OK)
        r = put_sources(site, a, false, o, err);
    if (r == OK)
        r = put_tenants(site, a, o, err);
    if (r == OK)
        r = put_foreign(site, a, o, err);
    mp_put(o, "location", json_string(location));
    return finish(r, o, ret);
}

enum result mp_content_gateways(struct mp_site *site, struct arena *a, json_t **ret, struct error *err)
{
    struct store_gateway *list;
    size_t count;
    enum result r = store_gateway_list(site->store, a, &list, &count, err);
    json_t *array = json_array();
    for (size_t i = 0; r == OK && i < count; i++)
        mp_push(array,
                json_pack("{s:s, s:s, s:I}", "id", list[i].id, "host", list[i].host, "port", (json_int_t)list[i].port));
    return finish(r, array, ret);
}

/* --- what a connector judges its own client certificate by --- */

/* The document goes to every connector at each change: of the uploaded lists it carries so much, and a longer one is
 * for the gateways alone. */
enum { CARRIED_LISTS_MAX = 1024 * 1024 };

bool mp_content_needs_certificate(const struct store_mp *m)
{
    enum choice_mp mode;
    enum choice_client client;
    unsigned clients = 0;
    struct slice rest = slice_of(m->clients);
    while (rest.ptr) {
        if (choices_client_parse(slice_cut(&rest, ' '), &client))
            clients |= CHOICE_BIT(client);
    }
    return choices_mp_parse(slice_of(m->mode), &mode) && choices_connector_needs_certificate(mode, clients);
}

static int64_t leave_out_long_lists(json_t *crls)
{
    int64_t left_out = 0;
    size_t carried = 0;
    for (size_t i = json_array_size(crls); i-- > 0;) {
        size_t len = json_string_length(json_array_get(crls, i));
        if (len && carried + len <= CARRIED_LISTS_MAX) {
            carried += len;
        } else {
            (void)json_array_remove(crls, i);
            left_out++;
        }
    }
    return left_out;
}

/* Those that gateways ask themselves: a connector may have no way there. */
static enum result count_elsewhere(struct mp_site *site, struct arena *a, int64_t *count, struct error *err)
{
    struct store_source *list;
    size_t n;
    enum result r = store_source_list(site->store, a, &list, &n, err);
    for (size_t i = 0; r == OK && i < n; i++)
        *count += strcmp(list[i].kind, "ocsp") == 0 ||
                  (strcmp(list[i].kind, "crl") == 0 && strcmp(list[i].via, "connector") != 0);
    return r;
}

static enum result put_own_trust(struct mp_site *site, struct arena *a, json_t *ret, struct error *err)
{
    json_t *o = json_object();
    enum result r = put_settings(site, o, err);
    if (r == OK)
        r = put_trust(site, CARRIED_LISTS_MAX, a, o, err);
    int64_t elsewhere = leave_out_long_lists(json_object_get(o, "crls"));
    if (r == OK)
        r = count_elsewhere(site, a, &elsewhere, err);
    mp_put(o, "lists_elsewhere", json_integer((json_int_t)elsewhere));
    mp_put(ret, "trust", o);
    return r;
}

static const struct store_mp *find_mp(const struct store_mp *list, size_t count, const char *id)
{
    for (size_t i = 0; i < count; i++) {
        if (strcmp(list[i].id, id) == 0)
            return &list[i];
    }
    return NULL;
}

static json_t *target_json(const struct store_endpoint *e, const struct store_mp *mp)
{
    json_t *o =
        json_pack("{s:s, s:s, s:I}", "id", e->id, "url", mp ? mp->url : e->url, "answer_s", (json_int_t)e->answer_s);
    mp_put(o, "anchors_pem", text_or_null(mp ? mp->anchors_pem : e->anchors_pem));
    mp_put(o, "mp", text_or_null(mp ? mp->id : NULL));
    mp_put(o, "mode", text_or_null(mp ? mp->mode : NULL));
    if (mp)
        mp_put(o, "clients", mp_content_words(mp->clients));
    if (e->upstream_host[0])
        mp_put(o, "host", json_string(e->upstream_host));
    return o;
}

enum result mp_content_connector(struct mp_site *site, struct arena *a, json_t **ret, struct error *err)
{
    struct store_endpoint *list;
    struct store_mp *mps;
    size_t count, mp_count;
    json_t *o = json_object(), *targets = json_array(), *gateways = NULL;
    enum result r = store_endpoint_list(site->store, a, &list, &count, err);
    if (r == OK)
        r = store_mp_list(site->store, a, &mps, &mp_count, err);
    for (size_t i = 0; r == OK && i < count; i++) {
        const struct store_mp *mp = list[i].management_point ? find_mp(mps, mp_count, list[i].role) : NULL;
        if (mp || list[i].url[0])
            mp_push(targets, target_json(&list[i], mp));
    }
    mp_put(o, "endpoints", targets);
    if (r == OK)
        r = mp_content_gateways(site, a, &gateways, err);
    if (r == OK)
        mp_put(o, "gateways", gateways);
    if (r == OK)
        r = put_sources(site, a, true, o, err);
    bool needed = false;
    for (size_t i = 0; r == OK && i < mp_count; i++)
        needed = needed || mp_content_needs_certificate(&mps[i]);
    if (needed)
        r = put_own_trust(site, a, o, err);
    return finish(r, o, ret);
}

static json_t *names_of(const struct store_endpoint *list, size_t count, const char *role)
{
    json_t *names = json_array();
    for (size_t i = 0; i < count; i++) {
        if (list[i].management_point && strcmp(list[i].role, role) == 0)
            mp_push(names, json_string(list[i].name));
    }
    return names;
}

enum result mp_content_location(struct mp_site *site, struct arena *a, json_t **ret, struct error *err)
{
    struct store_endpoint *list;
    struct store_mp *mps;
    size_t count, mp_count;
    json_t *o = json_object(), *roles = json_array(), *inside = json_array(), *gateways = NULL;
    enum result r = store_endpoint_list(site->store, a, &list, &count, err);
    if (r == OK)
        r = store_mp_list(site->store, a, &mps, &mp_count, err);
    for (size_t i = 0; r == OK && i < mp_count; i++) {
        mp_push(roles, json_pack("{s:s, s:s, s:o, s:o}", "id", mps[i].id, "mode", mps[i].mode, "clients",
                                 mp_content_words(mps[i].clients), "endpoints", names_of(list, count, mps[i].id)));
        mp_push(inside, json_pack("{s:s, s:s, s:s, s:s*}", "id", mps[i].id, "url", mps[i].url, "mode", mps[i].mode,
                                  "anchors_pem", mps[i].anchors_pem));
    }
    mp_put(o, "roles", roles);
    mp_put(o, "mps", inside);
    if (r == OK)
        r = mp_content_gateways(site, a, &gateways, err);
    if (r == OK)
        mp_put(o, "gateways", gateways);
    return finish(r, o, ret);
}

enum result mp_content_policy(struct mp_site *site, struct arena *a, const struct store_device *d, const char *user,
                              json_t **ret, struct error *err)
{
    struct store_policy *list;
    size_t count = 0;
    json_t *array = json_array(), *collections;
    enum result r = mp_collections_of(site, a, d, &collections, err);
    if (r == OK)
        r = store_policy_list(site->store, a, &list, &count, err);
    for (size_t i = 0; r == OK && i < count; i++) {
        char why[MP_TARGET_WHY_SIZE];
        if (!mp_target_reaches(&list[i], collections, user, why))
            continue;
        mp_push(array, json_pack("{s:s, s:s, s:I, s:s, s:s}", "id", list[i].id, "name", list[i].name, "version",
                                 (json_int_t)list[i].version, "sha256", list[i].sha256, "content", list[i].content));
    }
    json_decref(collections);
    return finish(r, json_pack("{s:o, s:s*}", "policies", array, "user", user), ret);
}
