/* SPDX-License-Identifier: Apache-2.0 */
/* Two owners: what tenants are (made anew when the site changed) and their fetched keys (mp_tenant_keys, whose change
 * throws the first away). Judging a token itself is jose/entra.c. */
#include "mp/sender/tenants.h"

#include <stdlib.h>

#include "base/clock.h"
#include "base/host/file.h"
#include "base/host/log.h"
#include "base/mem.h"
#include "mp/put.h"
#include "mp/site.h"
#include "source/oidc.h"
#include "store/sequence.h"
#include "store/site/source.h"
#include "store/site/tenant.h"
#include "json/json.h"

enum { ROWS_MAX = 64 * 1024 * 1024 };

struct mp_tenants {
    int64_t sequence; /* the bundle's, which every change of a tenant bumps */
    struct arena *arena;
    struct entra_tenant *list;
    const char **sources; /* of each, "" for none */
    size_t count;
};

static void tenants_free(struct mp_tenants *t)
{
    if (!t)
        return;
    for (size_t i = 0; i < t->count; i++)
        jose_keys_free((struct jose_keys *)(uintptr_t)t->list[i].keys);
    arena_free(t->arena);
    free(t->sources);
    free(t->list);
    free(t);
}

/* --- keys that are fetched: by the site itself, wherever the gateways get them --- */

struct mp_tenant_keys {
    struct mp_site *site;
    struct source_set *set;
    char *folder;
};

static enum result no_way(void *owner, const struct http_request *request, const struct http_call_events *events,
                          void *ctx, struct http_call **ret, struct error *err)
{
    (void)owner, (void)request, (void)events, (void)ctx, (void)ret;
    return error_set(err, R_AGAIN, "the site asks no connector");
}

static enum result check(void *owner, struct source_candidate *c, struct error *err)
{
    (void)owner;
    return source_check_keys(c, err);
}

static void on_keys(void *owner)
{
    const struct mp_tenant_keys *k = owner;
    tenants_free(k->site->tenants);
    k->site->tenants = NULL;
}

static const struct source_events key_events = {.send = no_way, .check = check, .on_change = on_keys};

enum result mp_tenants_open(struct mp_site *site, struct error *err)
{
    struct mp_tenant_keys *k = mem_zalloc(sizeof *k);
    site->tenant_keys = k;
    k->site = site;
    k->folder = file_join(site->config->state, "tenant-keys");
    enum result r = source_set_new(site->loop, k->folder, &key_events, k, &k->set, err);
    if (r == OK)
        mp_tenants_changed(site);
    return r;
}

void mp_tenants_close(struct mp_site *site)
{
    struct mp_tenant_keys *k = site->tenant_keys;
    tenants_free(site->tenants);
    site->tenants = NULL;
    if (!k)
        return;
    source_set_free(k->set);
    free(k->folder);
    free(k);
    site->tenant_keys = NULL;
}

/* Those of the kinds that give keys. */
static enum result list_sources(struct mp_site *site, struct arena *a, struct bundle_source ret[BUNDLE_SOURCES_MAX],
                                size_t *ret_count, struct error *err)
{
    struct store_source *rows;
    size_t count;
    *ret_count = 0;
    enum result r = store_source_list(site->store, a, &rows, &count, err);
    for (size_t i = 0; r == OK && i < count && *ret_count < BUNDLE_SOURCES_MAX; i++) {
        enum bundle_source_kind kind;
        if (bundle_source_kind_parse(slice_of(rows[i].kind), &kind) && bundle_source_gives_keys(kind))
            ret[(*ret_count)++] = (struct bundle_source){rows[i].id, kind, rows[i].url, rows[i].refresh_s,
                                                         rows[i].ca_pem[0] ? rows[i].ca_pem : NULL};
    }
    return r;
}

void mp_tenants_changed(struct mp_site *site)
{
    struct arena *a = arena_new(ROWS_MAX);
    struct bundle_source *list = mem_array(BUNDLE_SOURCES_MAX, sizeof *list);
    size_t count;
    struct error err;
    if (list_sources(site, a, list, &count, &err) == OK)
        source_set_apply(site->tenant_keys->set, list, count);
    else
        log_msg(LOG_ERROR, "tenants", "the sources of keys can't be read: %s", err.text);
    free(list);
    arena_free(a);
}

json_t *mp_tenants_sources(const struct mp_site *site)
{
    struct source_state *states = mem_array(BUNDLE_SOURCES_MAX, sizeof *states);
    size_t count = source_set_states(site->tenant_keys->set, states, BUNDLE_SOURCES_MAX);
    json_t *list = json_array();
    for (size_t i = 0; i < count; i++)
        mp_push(list, json_pack("{s:s, s:s, s:I, s:I, s:s}", "id", states[i].id, "kind",
                                bundle_source_kind_name(states[i].kind), "fetched", (json_int_t)states[i].fetched,
                                "failures", (json_int_t)states[i].failures, "error", states[i].error));
    free(states);
    return list;
}

static enum result fetched_keys(struct mp_site *site, struct arena *a, const char *id, struct jose_keys **ret,
                                struct error *err)
{
    struct bundle_source *list = mem_array(BUNDLE_SOURCES_MAX, sizeof *list);
    size_t count;
    enum result r = list_sources(site, a, list, &count, err);
    for (size_t i = 0; r == OK && i < count; i++) {
        if (strcmp(list[i].id, id) == 0)
            r = source_read_keys(site->tenant_keys->folder, &list[i], ret, err);
    }
    free(list);
    return r == R_NOTFOUND ? OK : r;
}

/* --- the tenants --- */

static const char *or_default(const char *text, const char *fallback)
{
    return *text ? text : fallback;
}

static enum result add(struct mp_site *site, struct mp_tenants *t, const struct store_tenant *row, struct error *err)
{
    struct jose_keys *keys = NULL;
    json_t *jwks = NULL;
    enum result r = OK;
    if (row->jwks[0])
        r = json_parse(slice_of(row->jwks), ROWS_MAX, &jwks, err);
    if (r == OK && jwks)
        r = jose_keys_new_foreign(jwks, &keys, err);
    json_decref(jwks);
    if (r == OK && !keys && row->source[0])
        r = fetched_keys(site, t->arena, row->source, &keys, err);
    if (r != OK)
        return error_prefix(err, "tenant %s", row->id);
    t->sources[t->count] = row->source;
    t->list[t->count++] = (struct entra_tenant){.id = row->id,
                                                .tenant = row->tenant,
                                                .issuers = row->issuers,
                                                .audiences = row->audiences,
                                                .algorithms = or_default(row->algorithms, JWT_ALGORITHMS),
                                                .tenant_claim = or_default(row->tenant_claim, ENTRA_TENANT_CLAIM),
                                                .device_claim = or_default(row->device_claim, ENTRA_DEVICE_CLAIM),
                                                .user_claims = or_default(row->user_claims, ENTRA_USER_CLAIMS),
                                                .keys = keys};
    return OK;
}

static enum result load(struct mp_site *site, int64_t sequence, struct error *err)
{
    struct store_tenant *rows;
    size_t count;
    struct mp_tenants *t = mem_zalloc(sizeof *t);
    t->sequence = sequence;
    t->arena = arena_new(ROWS_MAX);
    enum result r = store_tenant_list(site->store, t->arena, &rows, &count, err);
    if (r == OK) {
        t->list = mem_array(count, sizeof *t->list);
        t->sources = mem_array(count, sizeof *t->sources);
    }
    for (size_t i = 0; r == OK && i < count; i++) {
        if (rows[i].enabled)
            r = add(site, t, &rows[i], err);
    }
    if (r != OK) {
        tenants_free(t);
        return r;
    }
    tenants_free(site->tenants);
    site->tenants = t;
    return OK;
}

enum result mp_tenants_judge(struct mp_site *site, struct slice text, struct entra_token *ret,
                             enum verdict_reason *ret_reason, struct error *detail)
{
    int64_t sequence;
    enum result r = store_sequence_get(site->store, STORE_SEQUENCE_BUNDLE, &sequence, NULL, detail);
    if (r == OK && (!site->tenants || site->tenants->sequence != sequence))
        r = load(site, sequence, detail);
    if (r != OK)
        return r;
    *ret_reason = entra_judge(site->tenants->list, site->tenants->count, text, clock_wall_s(), ret, detail);
    if (*ret_reason == REASON_TOKEN_UNKNOWN_KEY)
        source_set_unknown_key(site->tenant_keys->set, site->tenants->sources[ret->tenant - site->tenants->list]);
    return OK;
}
