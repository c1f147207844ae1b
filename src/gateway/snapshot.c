/* SPDX-License-Identifier: Apache-2.0 */
#include "gateway/snapshot.h"

#include <stdlib.h>

#include "base/log.h"
#include "base/mem.h"

static enum result add_crls(const struct bundle *b, struct pki_trust *t, struct error *err)
{
    for (size_t i = 0; i < b->crl_count; i++) {
        if (pki_trust_add_crl(t, b->crls[i], err) != OK)
            log_msg(LOG_WARN, "bundle", "CRL %zu of the bundle is left out: %s", i + 1, err->text);
    }
    return OK;
}

static enum result build_trust(struct snapshot *s, struct error *err)
{
    const struct bundle *b = s->bundle;
    struct pki_trust_options o = {b->settings.crl_check, b->settings.allow_when_unavailable};
    s->trust = pki_trust_new(&o);
    enum result r = OK;
    if (b->anchors_pem[0])
        r = pki_trust_add_anchors(s->trust, slice_of(b->anchors_pem), err);
    if (r == OK && b->intermediates_pem[0])
        r = pki_trust_add_intermediates(s->trust, slice_of(b->intermediates_pem), err);
    if (r == OK)
        r = add_crls(b, s->trust, err);
    char *warnings = NULL;
    pki_trust_seal(s->trust, &warnings);
    if (warnings)
        log_msg(LOG_WARN, "bundle", "CRLs left out: %s", warnings);
    free(warnings);
    return r;
}

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

enum result snapshot_build(struct slice signed_bundle, const struct snapshot_source *source, struct snapshot **ret,
                           struct error *err)
{
    struct snapshot *s = mem_zalloc(sizeof *s);
    s->refs = 1;
    enum result r = read_bundle(signed_bundle, source, &s->bundle, err);
    if (r == OK)
        r = build_trust(s, err);
    if (r != OK) {
        snapshot_unref(s);
        return r;
    }
    *ret = s;
    return OK;
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
    bundle_free(s->bundle);
    free(s);
}
