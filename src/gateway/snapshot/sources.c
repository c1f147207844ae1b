/* SPDX-License-Identifier: Apache-2.0 */
/* What is the gateway's own about sources: the check of a list by the trust in place and the marks, which addresses
 * may be asked, and what certificates want. Fetching and keeping is src/source. In its home's loop; `check` and
 * `may` run in the pool, wants come from any worker. */
#include "gateway/snapshot/sources.h"

#include <stdlib.h>

#include "base/clock.h"
#include "base/host/file.h"
#include "base/mem.h"
#include "gateway/snapshot/list_marks.h"
#include "gateway/snapshot/pointed_lists.h"
#include "pki/list/read.h"
#include "source/oidc.h"

struct sources {
    const struct snapshot_home *home;
    const struct sources_events *events;
    void *owner;
    struct source_set *set; /* the site's own */
    struct pointed_lists *pointed;
    struct list_marks *marks;                /* of both */
    unsigned char trust_made_of[PKI_SHA256]; /* of the last refresh: failures may have hung on the anchors */
    /* By the tenant's place in the bundle, wall seconds: one token a second may ask for its keys to be fetched. */
    atomic_llong unknown_key_told[BUNDLE_TENANTS_MAX];
    atomic_uint_least64_t wanted_list_told[256]; /* a hash of the URL and the second, of lists that certificates want */
};

/* The connector that answered is the one with least outstanding; after a failure another one may be. */
static enum result send_it(void *owner, const struct http_request *request, const struct http_call_events *events,
                           void *ctx, struct http_call **ret, struct error *err)
{
    const struct sources *s = owner;
    struct tunnel *t = gateway_tunnels_pick(s->home->tunnels, SLICE("source"), NULL);
    if (!t)
        return error_set(err, R_AGAIN, "no connector that relays sources is here");
    return tunnel_call(t, request, events, ctx, ret, err);
}

bool sources_fault(const struct sources *s, char ret[ERROR_TEXT_MAX])
{
    return list_marks_fault(s->marks, ret);
}

/* --- checking what came: in a thread of the pool --- */

static enum result check_crl(const struct pki_trust *trust, struct list_marks *marks, struct source_candidate *c,
                             struct error *err)
{
    struct pki_crl_news news;
    enum result r = pki_crl_to_der(c->bytes, &c->keep, &c->keep_len, err);
    if (r == OK)
        r = pki_trust_check_crl(trust, slice_make(c->keep, c->keep_len), c->present, c->now, &news, err);
    if (r == OK && !news.unchanged)
        r = list_marks_take(marks, &news.list, err);
    if (r != OK)
        return r;
    c->since = news.list.age.this_update;
    c->until = news.list.next_update;
    c->unchanged = news.unchanged;
    return OK;
}

static enum result check_candidate(void *owner, struct source_candidate *c, struct error *err)
{
    const struct sources *s = owner;
    if (c->kind != BUNDLE_SOURCE_CRL)
        return source_check_keys(c, err);
    struct snapshot *snapshot = snapshot_current_get(s->home->current);
    enum result r = snapshot ? check_crl(snapshot->trust, s->marks, c, err)
                             : error_set(err, R_AGAIN, "there is no site bundle yet to judge it by");
    snapshot_unref(snapshot);
    return r;
}

static void on_change(void *owner)
{
    struct sources *s = owner;
    s->events->on_change(s->owner);
}

static void on_state(void *owner)
{
    const struct sources *s = owner;
    s->events->on_state(s->owner);
}

/* A certificate's word must not reach this machine or its link, whatever the name resolves to. */
static bool may_connect(const void *owner, const struct net_address *to)
{
    const struct conf_texts *allowed = &((const struct sources *)owner)->home->config->allow_targets;
    enum net_scope scope = net_address_scope(to);
    bool ret = scope == NET_SCOPE_OTHER;
    for (size_t i = 0; i < allowed->count && !ret; i++)
        ret = strcmp(allowed->items[i], net_scope_name(scope)) == 0;
    return ret;
}

static const struct source_events events = {
    .send = send_it, .check = check_candidate, .on_change = on_change, .on_state = on_state};
static const struct source_events pointed_events = {
    .send = send_it, .check = check_candidate, .may = may_connect, .on_change = on_change, .on_state = on_state};

/* --- life --- */

enum result sources_new(const struct snapshot_home *home, const struct sources_events *listener, void *owner,
                        struct sources **ret, struct error *err)
{
    struct sources *s = mem_zalloc(sizeof *s);
    s->home = home;
    s->events = listener;
    s->owner = owner;

    char *folder = file_join(home->config->state, SNAPSHOT_SOURCES);
    s->marks = list_marks_new(home->config->state);
    enum result r = source_set_new(home->loop, folder, &events, s, &s->set, err);
    free(folder);
    if (r == OK)
        r = pointed_lists_new(home->loop, home->config->state, &pointed_events, s, &s->pointed, err);
    if (r != OK) {
        sources_free(s);
        return r;
    }
    *ret = s;
    return OK;
}

void sources_free(struct sources *s)
{
    if (!s)
        return;
    pointed_lists_free(s->pointed);
    source_set_free(s->set);
    list_marks_free(s->marks);
    free(s);
}

void sources_refresh(struct sources *s)
{
    struct snapshot *snapshot = snapshot_current_get(s->home->current);
    if (!snapshot)
        return;

    source_set_apply(s->set, snapshot->bundle->sources, snapshot->bundle->source_count);
    if (pointed_lists_refresh(s->pointed, snapshot->bundle))
        s->events->on_change(s->owner);

    if (memcmp(s->trust_made_of, snapshot->trust_made_of, PKI_SHA256) != 0) {
        source_set_retry(s->set);
        pointed_lists_retry(s->pointed);
    }
    memcpy(s->trust_made_of, snapshot->trust_made_of, PKI_SHA256);
    snapshot_unref(snapshot);
}

/* --- keys that are not known --- */

struct unknown_key {
    struct sources *sources;
    char id[SOURCE_ID_MAX + 1];
};

static void fetch_keys(void *arg)
{
    struct unknown_key *u = arg;
    source_set_unknown_key(u->sources->set, u->id);
    free(u);
}

void sources_unknown_key(struct sources *s, size_t tenant, const char *id)
{
    atomic_llong *told = &s->unknown_key_told[tenant];
    long long now = clock_wall_s(), last = atomic_load(told);
    if (now == last || !atomic_compare_exchange_strong(told, &last, now))
        return;
    struct unknown_key *u = mem_zalloc(sizeof *u);
    u->sources = s;
    cstr_copy(u->id, sizeof u->id, id);
    loop_post(s->home->loop, fetch_keys, u);
}

/* --- lists that certificates point to --- */

struct wanted_list {
    struct sources *sources;
    struct pki_list_place place;
};

static void add_list(void *arg)
{
    struct wanted_list *x = arg;
    pointed_lists_add(x->sources->pointed, &x->place);
    free(x);
}

/* Each device that is refused for want of it asks: once a second is enough for the same one. */
static bool told_lately(struct sources *s, const char *url)
{
    uint32_t hash = 2166136261u; /* FNV-1a: only spreads them */
    for (const char *c = url; *c; c++)
        hash = (hash ^ (unsigned char)*c) * 16777619u;
    uint64_t now = (uint64_t)hash << 32 | (uint32_t)clock_wall_s();
    return atomic_exchange(&s->wanted_list_told[hash % ARRAY_LEN(s->wanted_list_told)], now) == now;
}

static void want_list(struct sources *s, const struct pki_list_place *place)
{
    if (told_lately(s, place->url))
        return;
    struct wanted_list *x = mem_zalloc(sizeof *x);
    *x = (struct wanted_list){s, *place};
    loop_post(s->home->loop, add_list, x);
}

/* What there is to be said of the pointers: of one that is followed first, and of one that could be last. */
struct pointers {
    const struct pki_list_place *asked, *refused, *unfollowed;
    char host[NET_URL_HOST_SIZE]; /* of the first two */
};

static void tell_pointers(struct sources *s, const struct pointers *p, struct pki_verdict *v)
{
    size_t len = strlen(v->detail), room = sizeof v->detail - len;
    char *to = v->detail + len, why[SOURCE_ERROR_MAX], anchor[PKI_HASH_HEX];
    if (p->asked && pointed_lists_fails(s->pointed, p->asked, why))
        (void)snprintf(to, room, "; the list that it points to can't be had from %s: %s", p->host, why);
    else if (p->asked)
        (void)snprintf(to, room, "; the list that it points to is fetched from %s", p->host);
    else if (p->refused) {
        anchor[encode_hex(slice_make(p->refused->anchor, PKI_SHA256), anchor)] = '\0';
        (void)snprintf(to, room,
                       "; the site does not let the list that it points to be fetched from %s: "
                       "cmg trust fetch-hosts %s %s",
                       p->host, anchor, p->host);
    } else if (p->unfollowed && room > 2) {
        memcpy(to, "; ", 3);
        pki_list_place_way_out(p->unfollowed, to + 2, room - 2);
    }
}

void sources_want_lists(struct sources *s, const struct bundle *b, const struct pki_list_places *places,
                        struct pki_verdict *v)
{
    struct pointers p = {0};
    for (size_t i = 0; i < places->count; i++) {
        const struct pki_list_place *place = &places->list[i];
        char host[NET_URL_HOST_SIZE];
        bool may_be = pointed_lists_may(b, place, host);
        if (may_be)
            want_list(s, place);

        if (!host[0])
            p.unfollowed = place;
        else if (may_be || !p.asked)
            memcpy(p.host, host, sizeof host);
        p.asked = may_be ? place : p.asked;
        p.refused = host[0] && !may_be ? place : p.refused;
    }
    tell_pointers(s, &p, v);
}

void sources_kick(struct sources *s)
{
    source_set_retry(s->set);
}

size_t sources_states(struct sources *s, struct source_state *ret, size_t max)
{
    size_t count = source_set_states(s->set, ret, max);
    return count + pointed_lists_states(s->pointed, ret + count, max - count);
}

/* --- metrics --- */

struct gauge {
    const char *name, *help;
    long long (*value)(const struct source_state *s, int64_t now);
};

static long long age_of(const struct source_state *s, int64_t now)
{
    return s->fetched ? (long long)(now - s->fetched) : -1;
}

static long long time_left(const struct source_state *s, int64_t now)
{
    return s->until ? (long long)(s->until - now) : -1;
}

static long long time_to_next(const struct source_state *s, int64_t now)
{
    return (long long)(s->next - now);
}

static long long failures_of(const struct source_state *s, int64_t now)
{
    (void)now;
    return s->failures;
}

static const struct gauge gauges[] = {
    {"cmg_source_age_seconds", "Since the source was last fetched well; -1: never", age_of},
    {"cmg_source_left_seconds", "Until what was fetched expires (a list's nextUpdate); -1: not known", time_left},
    {"cmg_source_next_fetch_seconds", "Until the source is fetched again", time_to_next},
    {"cmg_source_failures", "Fetches that failed since the last good one", failures_of},
};

static enum result write_gauge(const struct gauge *g, const struct source_state *list, size_t count, struct buf *out)
{
    int64_t now = clock_wall_s();
    enum result r = buf_printf(out, "# TYPE %s gauge\n# HELP %s %s\n", g->name, g->name, g->help);
    for (size_t i = 0; r == OK && i < count; i++)
        r = buf_printf(out, "%s{source=\"%s\",kind=\"%s\"} %lld\n", g->name, list[i].id,
                       bundle_source_kind_name(list[i].kind), g->value(&list[i], now));
    return r;
}

enum result sources_metrics(struct sources *s, struct buf *out)
{
    struct source_state *list = mem_array(SOURCES_STATES_MAX, sizeof *list);
    size_t count = sources_states(s, list, SOURCES_STATES_MAX);
    enum result r = OK;
    for (size_t i = 0; r == OK && i < ARRAY_LEN(gauges); i++)
        r = write_gauge(&gauges[i], list, count, out);
    free(list);
    return r;
}
