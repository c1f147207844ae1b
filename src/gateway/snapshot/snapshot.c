/* SPDX-License-Identifier: Apache-2.0 */
/* Makes a snapshot out of a verified bundle and of files, and counts its references; puts none in place (current.c).
 * Bundle and trust are shared between snapshots where they would be the same. Slow: for a thread of its own. */
#include "gateway/snapshot/snapshot.h"

#include <malloc.h>
#include <stdlib.h>
#include <sys/stat.h>

#include "base/host/file.h"
#include "base/host/log.h"
#include "base/mem.h"
#include "digest/digest.h"
#include "gateway/snapshot/crl_file.h"
#include "gateway/snapshot/crl_pull.h"
#include "gateway/snapshot/pointed_lists.h"
#include "source/oidc.h"

struct snapshot_bundle {
    _Atomic unsigned refs;
    struct bundle *bundle;
    char **crl_paths; /* bundle->crl_count of them; NULL: that CRL is held in the bundle */
};

static void bundle_unref(struct snapshot_bundle *b)
{
    if (!b || --b->refs)
        return;
    for (size_t i = 0; i < b->bundle->crl_count; i++)
        free(b->crl_paths[i]);
    free(b->crl_paths);
    bundle_free(b->bundle);
    free(b);
}

/* Named by the bundle, and not there. */
static bool is_missing(const struct snapshot_bundle *b, size_t i)
{
    return !b->crl_paths[i] && b->bundle->crl_names[i].sha256;
}

/* --- what a trust is made of --- */

/* A file that is replaced gets another inode while the old one is mapped. */
static void mix_file(struct digest *d, const char *path)
{
    struct stat st;
    uint64_t id[3] = {0};
    if (stat(path, &st) == 0) {
        id[0] = st.st_dev;
        id[1] = st.st_ino;
        id[2] = (uint64_t)st.st_size;
    }
    digest_add_counted(d, slice_of(path));
    digest_add_counted(d, slice_make(id, sizeof id));
}

static void mix_bundle(struct digest *d, const struct snapshot_bundle *b)
{
    const struct bundle *x = b->bundle;
    unsigned char settings[2] = {x->settings.crl_check, x->settings.allow_when_unavailable};
    digest_add_counted(d, slice_make(settings, sizeof settings));
    digest_add_counted(d, slice_of(x->anchors_pem));
    digest_add_counted(d, slice_of(x->intermediates_pem));
    for (size_t i = 0; i < x->crl_count; i++) {
        if (b->crl_paths[i])
            mix_file(d, b->crl_paths[i]);
        else if (is_missing(b, i))
            digest_add_counted(d, SLICE_NONE);
        else
            digest_add_counted(d, x->crls[i]);
    }
}

/* Calls back with the kept file of each fetched list. */
static void each_list(const struct bundle *b, const char *state, void (*fn)(void *arg, const char *path), void *arg)
{
    char *folder = file_join(state, SNAPSHOT_SOURCES);
    for (size_t i = 0; i < b->source_count; i++) {
        if (b->sources[i].kind != BUNDLE_SOURCE_CRL)
            continue;
        char *path = source_path(folder, &b->sources[i]);
        fn(arg, path);
        free(path);
    }
    free(folder);
    pointed_lists_each(state, fn, arg);
}

static void mix_list(void *arg, const char *path)
{
    mix_file(arg, path);
}

static void make_recipe(const struct snapshot_bundle *b, const char *state, unsigned char ret[PKI_SHA256])
{
    struct digest *d = digest_new();
    mix_bundle(d, b);
    each_list(b->bundle, state, mix_list, d);
    digest_end(d, ret);
}

/* --- the trust --- */

static void add_crls(const struct snapshot_bundle *b, struct pki_trust *t)
{
    struct error err;
    pki_trust_lists_remedy(t, PKI_REMEDY_UPLOADED);
    for (size_t i = 0; i < b->bundle->crl_count; i++) {
        if (is_missing(b, i)) {
            log_msg(LOG_WARN, "bundle",
                    "CRL %zu of the bundle (%.16s…) is not here yet: its issuer's certificates are refused", i + 1,
                    b->bundle->crl_names[i].sha256);
            continue;
        }
        enum result r = b->crl_paths[i] ? pki_trust_add_crl_file(t, b->crl_paths[i], &err)
                                        : pki_trust_add_crl(t, b->bundle->crls[i], &err);
        if (r != OK)
            log_msg(LOG_WARN, "bundle", "CRL %zu of the bundle is left out: %s", i + 1, err.text);
    }
}

static void add_list(void *arg, const char *path)
{
    struct error err;
    char remedy[SOURCE_ID_MAX + 64];
    const char *slash = strrchr(path, '/');
    struct slice rest = slice_of(slash ? slash + 1 : path), id = slice_cut(&rest, '.');
    if (pointed_lists_is(id))
        (void)snprintf(remedy, sizeof remedy, "where it was fetched from there is no newer one: cmg status");
    else
        (void)snprintf(remedy, sizeof remedy, "source %" PRIslice " gives no newer one: cmg status", SLICE_ARG(id));
    pki_trust_lists_remedy(arg, remedy);
    if (pki_trust_add_crl_file(arg, path, &err) != OK && err.code != R_NOTFOUND)
        log_msg(LOG_WARN, "source", "a kept list is left out: %s", err.text);
}

static void seal_trust(struct pki_trust *t)
{
    char *warnings = NULL;
    pki_trust_seal(t, &warnings);
    struct slice rest = slice_of(warnings ? warnings : "");
    while (rest.len) {
        struct slice line = slice_cut(&rest, '\n');
        log_msg(LOG_WARN, "bundle", "%" PRIslice, SLICE_ARG(line));
    }
    free(warnings);
    (void)malloc_trim(0); /* what checking long lists took */
}

static enum result make_trust(const struct snapshot_bundle *b, const char *state, struct pki_trust **ret,
                              struct error *err)
{
    const struct bundle *x = b->bundle;
    struct pki_trust_options o = {x->settings.crl_check, x->settings.allow_when_unavailable};
    struct pki_trust *t = pki_trust_new(&o);
    enum result r = OK;
    *ret = t;
    if (x->anchors_pem[0])
        r = pki_trust_add_anchors(t, slice_of(x->anchors_pem), err);
    if (r == OK && x->intermediates_pem[0])
        r = pki_trust_add_intermediates(t, slice_of(x->intermediates_pem), err);
    if (r != OK)
        return r;

    add_crls(b, t);
    each_list(x, state, add_list, t);
    seal_trust(t);
    return OK;
}

/* --- the tenants --- */

static const struct bundle_source *find_source(const struct bundle *b, const char *id)
{
    for (size_t i = 0; i < b->source_count; i++) {
        if (strcmp(b->sources[i].id, id) == 0)
            return &b->sources[i];
    }
    return NULL;
}

static struct jose_keys *fetched_keys(const struct bundle *b, const char *folder, size_t i)
{
    const char *id = b->tenant_infos[i].source;
    const struct bundle_source *source = id ? find_source(b, id) : NULL;
    struct jose_keys *keys = NULL;
    struct error err;
    if (source && source_read_keys(folder, source, &keys, &err) != OK && err.code != R_NOTFOUND)
        log_msg(LOG_WARN, "source", "the kept keys of tenant %s can't be used: %s", b->tenants[i].id, err.text);
    return keys;
}

static struct entra_tenant *make_tenants(const struct bundle *b, const char *state)
{
    struct entra_tenant *list = mem_array(b->tenant_count + 1, sizeof *list);
    char *folder = file_join(state, SNAPSHOT_SOURCES);
    for (size_t i = 0; i < b->tenant_count; i++) {
        struct jose_keys *keys = fetched_keys(b, folder, i);
        list[i] = b->tenants[i];
        if (keys)
            list[i].keys = keys;
    }
    free(folder);
    return list;
}

static void free_tenants(struct snapshot *s)
{
    for (size_t i = 0; s->tenants && i < s->bundle->tenant_count; i++) {
        if (s->tenants[i].keys != s->bundle->tenants[i].keys)
            jose_keys_free((struct jose_keys *)(uintptr_t)s->tenants[i].keys);
    }
    free(s->tenants);
}

/* Takes over a reference to `b`. */
static enum result assemble(struct snapshot_bundle *b, const char *state, const struct snapshot *previous,
                            struct snapshot **ret, struct error *err)
{
    struct snapshot *s = mem_zalloc(sizeof *s);
    enum result r = OK;
    s->refs = 1;
    s->shared = b;
    s->bundle = b->bundle;
    s->tenants = make_tenants(b->bundle, state);

    make_recipe(b, state, s->trust_made_of);
    if (previous && memcmp(previous->trust_made_of, s->trust_made_of, PKI_SHA256) == 0)
        s->trust = pki_trust_ref(previous->trust);
    else
        r = make_trust(b, state, &s->trust, err);

    if (r != OK) {
        snapshot_unref(s);
        return r;
    }
    *ret = s;
    return OK;
}

/* --- the bundle --- */

static enum result read_bundle(struct slice text, const struct snapshot_source *source, struct bundle **ret,
                               struct error *err)
{
    struct document_expect expect = {.site = source->site,
                                     .type = DOCUMENT_BUNDLE,
                                     .audience = "gateway",
                                     .min_sequence = source->min_sequence,
                                     .now = source->now};
    memcpy(expect.root_sha256, source->pin, sizeof expect.root_sha256);
    struct document d;
    enum result r = document_read(text, &expect, &d, err);
    if (r != OK)
        return r;
    r = bundle_parse(&d, ret, err);
    document_done(&d);
    return r;
}

/* Where the disk refuses, the list stays in memory. */
static struct snapshot_bundle *put_crls_aside(struct bundle *bundle, const char *state, bool from_disk)
{
    struct snapshot_bundle *b = mem_zalloc(sizeof *b);
    struct error err;
    b->refs = 1;
    b->bundle = bundle;
    b->crl_paths = mem_array(bundle->crl_count + 1, sizeof *b->crl_paths);
    for (size_t i = 0; i < bundle->crl_count; i++) {
        if (bundle->crl_names[i].sha256)
            b->crl_paths[i] = crl_file_find(state, bundle->crl_names[i].sha256, bundle->crl_names[i].size, from_disk);
        if (bundle->crls[i].len < CRL_FILE_MIN)
            continue;
        if (crl_file_put(state, bundle->crls[i], &b->crl_paths[i], &err) == OK)
            bundle_drop_crl(bundle, i);
        else
            log_msg(LOG_WARN, "bundle", "a long CRL stays in memory: %s", err.text);
    }
    return b;
}

static size_t list_missing(const struct snapshot_bundle *b, struct crl_wanted *ret)
{
    size_t count = 0;
    for (size_t i = 0; i < b->bundle->crl_count; i++) {
        if (!is_missing(b, i))
            continue;
        cstr_copy(ret[count].sha256, sizeof ret->sha256, b->bundle->crl_names[i].sha256);
        ret[count++].size = b->bundle->crl_names[i].size;
    }
    return count;
}

enum result snapshot_build(struct slice signed_bundle, const struct snapshot_source *source,
                           const struct snapshot *previous, struct snapshot **ret, struct error *err)
{
    struct bundle *bundle;
    enum result r = read_bundle(signed_bundle, source, &bundle, err);
    if (r != OK)
        return r;
    struct snapshot_bundle *b = put_crls_aside(bundle, source->state, source->from_disk);
    if (source->ret_wanted && (*source->ret_wanted_count = list_missing(b, source->ret_wanted)) > 0) {
        bundle_unref(b);
        return error_set(err, R_AGAIN, "revocation lists of the bundle are not there yet");
    }

    r = assemble(b, source->state, previous, ret, err);
    if (r == OK)
        crl_file_clean(source->state, b->crl_paths, bundle->crl_count);
    return r;
}

enum result snapshot_rebuild(const struct snapshot *previous, const struct snapshot_source *source,
                             struct snapshot **ret, struct error *err)
{
    previous->shared->refs++;
    return assemble(previous->shared, source->state, previous, ret, err);
}

bool snapshot_lacks_lists(const struct snapshot *s)
{
    bool lacks = false;
    for (size_t i = 0; i < s->bundle->crl_count; i++)
        lacks |= is_missing(s->shared, i);
    return lacks;
}

struct snapshot *snapshot_ref(struct snapshot *s)
{
    s->refs++;
    return s;
}

void snapshot_unref(struct snapshot *s)
{
    if (!s || --s->refs)
        return;
    pki_trust_unref(s->trust);
    free_tenants(s);
    bundle_unref(s->shared);
    free(s);
}
