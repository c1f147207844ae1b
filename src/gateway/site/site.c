/* SPDX-License-Identifier: Apache-2.0 */
/* Puts the site's parts together, and tells one of the other: they don't know each other. */
#include "gateway/site/site.h"

#include <stdlib.h>

#include "base/mem.h"
#include "gateway/site/bundle_pull.h"
#include "gateway/site/questions.h"
#include "gateway/site/report.h"

static void on_news(void *owner)
{
    gateway_site_changed(owner);
}

enum result gateway_site_new(const struct gateway_site_parts *parts, struct gateway_site **ret, struct error *err)
{
    struct gateway_site *s = mem_zalloc(sizeof *s);
    s->home = parts->home;
    if (bundle_pull_new(&s->home, on_news, s, &s->pull, err) != OK) {
        free(s);
        return err->code;
    }
    s->sources = bundle_pull_sources(s->pull);
    const struct gateway_report_parts told = {&s->home, parts->shown, parts->counters, s->sources};
    s->report = gateway_report_new(&told);
    s->questions = gateway_questions_new(parts->judge, parts->home.tunnels);
    *ret = s;
    return OK;
}

void gateway_site_start(struct gateway_site *s)
{
    if (s)
        bundle_pull_start(s->pull);
}

void gateway_site_kick(struct gateway_site *s)
{
    if (!s || !s->pull)
        return;
    bundle_pull_kick(s->pull);
    gateway_questions_kick(s->questions);
}

void gateway_site_changed(struct gateway_site *s)
{
    if (s)
        gateway_report_changed(s->report);
}

void gateway_site_stop(struct gateway_site *s)
{
    if (!s)
        return;
    gateway_report_free(s->report);
    s->report = NULL;
    gateway_questions_free(s->questions);
    s->questions = NULL;
    bundle_pull_free(s->pull);
    s->pull = NULL;
    s->sources = NULL;
}

/* --- what judges want --- */

static void want_lists(void *ctx, const struct bundle *b, const struct pki_list_places *places, struct pki_verdict *v)
{
    struct gateway_site *s = ctx;
    if (s->sources)
        sources_want_lists(s->sources, b, places, v);
}

static void unknown_key(void *ctx, size_t tenant, const char *source)
{
    struct gateway_site *s = ctx;
    if (s->sources)
        sources_unknown_key(s->sources, tenant, source);
}

const struct judge_hooks gateway_site_wants = {want_lists, unknown_key};
