/* SPDX-License-Identifier: Apache-2.0 */
/* Copies of what a token said, so that a request can be ended by it when the verdict's cache has forgotten. Never
 * judges a signature. A worker's own: the count is no atomic. */
#include "gateway/judge/grant.h"

#include <stdlib.h>

#include "base/mem.h"

struct grant {
    unsigned refs;
    unsigned char key[VERDICT_KEY_SIZE];
    int64_t until;         /* wall seconds */
    char guid[64], id[64]; /* "": none */
    char site[64];         /* the foreign site that issued it; "": none */
    char *tenant, *device; /* of Entra; NULL: none */
    /* What else the site knows of the token's device (jose/token.h); malloc'ed, NULL where it names none. */
    struct pki_cert_ref *certificates;
    size_t certificate_count;
};

static void take_token(struct grant *g, const struct cached_verdict *v)
{
    const struct token *t = &v->token;
    cstr_copy(g->guid, sizeof g->guid, t->subject);
    cstr_copy(g->id, sizeof g->id, t->id);
    g->certificate_count = t->certificate_count;
    g->certificates = t->certificate_count ? mem_array(t->certificate_count, sizeof *g->certificates) : NULL;
    for (size_t i = 0; i < t->certificate_count; i++)
        g->certificates[i] = t->certificates[i];
}

static void take_entra(struct grant *g, const struct cached_verdict *v)
{
    g->tenant = slice_dup(slice_of(v->entra.tenant->id));
    g->device = slice_dup(slice_of(v->entra.device));
}

static void take_foreign(struct grant *g, const struct cached_verdict *v)
{
    cstr_copy(g->id, sizeof g->id, v->foreign.id);
    cstr_copy(g->site, sizeof g->site, v->foreign.site->id);
}

static void (*const takers[])(struct grant *g, const struct cached_verdict *v) = {
    [CACHED_TOKEN] = take_token, [CACHED_ENTRA] = take_entra, [CACHED_FOREIGN] = take_foreign};

struct grant *grant_of(struct grant *old, const unsigned char key[VERDICT_KEY_SIZE], const struct cached_verdict *v)
{
    if (old && memcmp(old->key, key, VERDICT_KEY_SIZE) == 0 && old->until == v->valid_until)
        return old;
    grant_unref(old);
    struct grant *g = mem_zalloc(sizeof *g);
    g->refs = 1;
    g->until = v->valid_until;
    memcpy(g->key, key, VERDICT_KEY_SIZE);
    takers[v->kind](g, v);
    return g;
}

struct grant *grant_ref(struct grant *g)
{
    if (g)
        g->refs++;
    return g;
}

void grant_unref(struct grant *g)
{
    if (!g || --g->refs > 0)
        return;
    free(g->tenant);
    free(g->device);
    free(g->certificates);
    free(g);
}

const char *grant_client(const struct grant *g)
{
    return g->guid;
}

enum choice_client grant_method(const struct grant *g)
{
    return g->device ? CHOICE_ENTRA : CHOICE_TOKEN;
}

static bool is_blocked(const struct grant *g, const struct bundle *b)
{
    return (g->guid[0] && bundle_blocks_guid(b, slice_of(g->guid))) ||
           (g->id[0] && bundle_blocks_token(b, slice_of(g->id))) ||
           (g->device && g->device[0] && bundle_blocks_entra(b, g->tenant, g->device));
}

bool grant_all_revoked(const struct snapshot *s, const struct pki_cert_ref *list, size_t count, int64_t now)
{
    bool ret = count > 0;
    for (size_t i = 0; i < count && ret; i++)
        ret = pki_trust_lists_cert(s->trust, &list[i], now);
    return ret;
}

/* The site has forgotten the device, or the PKI took back the last of its certificates. */
static bool is_revoked(const struct grant *g, const struct snapshot *s, int64_t now)
{
    if (!g->guid[0])
        return false;
    return bundle_lacks_device(s->bundle, slice_of(g->guid)) ||
           grant_all_revoked(s, g->certificates, g->certificate_count, now);
}

/* A foreign site's tokens open what an administrator listed for them. */
static bool is_foreign_closed(const struct grant *g, const struct bundle *b, const char *endpoint)
{
    bool opens = !g->site[0];
    for (size_t i = 0; i < b->foreign_count && !opens; i++)
        opens = strcmp(b->foreign[i].id, g->site) == 0 && foreign_opens(&b->foreign[i], endpoint);
    return !opens;
}

const char *grant_ended(const struct grant *g, const struct snapshot *s, const char *endpoint, int64_t now)
{
    if (now >= g->until)
        return "expired";
    if (is_blocked(g, s->bundle))
        return "blocked";
    if (is_revoked(g, s, now))
        return "revoked";
    return is_foreign_closed(g, s->bundle, endpoint) ? "its foreign site is trusted here no longer" : NULL;
}
