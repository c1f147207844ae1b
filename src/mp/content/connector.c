/* SPDX-License-Identifier: Apache-2.0 */
/* The document of the connectors. */
#include "base/clock.h"
#include "bundle/bundle.h"
#include "choices/choices.h"
#include "mp/content/content.h"
#include "mp/content/part.h"
#include "mp/put.h"
#include "store/site/endpoint.h"
#include "store/site/join.h"
#include "store/site/source.h"
#include "store/site/trust.h"

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

/* What gateways ask themselves: a connector may have no way there. */
static bool is_elsewhere(const struct store_source *s)
{
    enum bundle_source_kind kind;
    if (!bundle_source_kind_parse(slice_of(s->kind), &kind))
        return false;
    return kind == BUNDLE_SOURCE_OCSP || (kind == BUNDLE_SOURCE_CRL && s->via != STORE_VIA_CONNECTOR);
}

static enum result count_elsewhere(struct mp_site *site, struct arena *a, int64_t *count, struct error *err)
{
    struct store_source *list;
    size_t n;
    enum result r = store_source_list(site->store, a, &list, &n, err);
    for (size_t i = 0; r == OK && i < n; i++)
        *count += is_elsewhere(&list[i]);
    return r;
}

static enum result put_own_trust(struct mp_site *site, struct arena *a, json_t *ret, struct error *err)
{
    json_t *o = json_object();
    enum result r = mp_part_settings(site, a, o, err);
    if (r == OK)
        r = mp_part_trust(site, CARRIED_LISTS_MAX, a, o, err);
    int64_t elsewhere = leave_out_long_lists(json_object_get(o, "crls"));
    if (r == OK)
        r = count_elsewhere(site, a, &elsewhere, err);
    mp_put(o, "lists_elsewhere", json_integer((json_int_t)elsewhere));
    mp_put(ret, "trust", o);
    return r;
}

/* --- where it forwards to --- */

static const struct store_mp *find_mp(const struct store_mp *list, size_t count, const char *id)
{
    for (size_t i = 0; i < count; i++) {
        if (strcmp(list[i].id, id) == 0)
            return &list[i];
    }
    return NULL;
}

static json_t *text_or_null(const char *text)
{
    return text ? json_string(text) : json_null();
}

/* A server that believes names in certificates is to be told of those of one PKI alone (PROTOCOL 8): where several are
 * trusted and the endpoint does not say which of them counts, of none. */
bool mp_content_form_is_safe(const struct store_endpoint *e, size_t anchors)
{
    return e->client_anchors[0] || anchors <= 1;
}

static json_t *target_json(const struct store_endpoint *e, const struct store_mp *mp, size_t anchors)
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
    if (e->websocket)
        mp_put(o, "upgrade", json_string("websocket"));
    if (strcmp(e->headers, "cmg") != 0 && mp_content_form_is_safe(e, anchors))
        mp_put(o, "headers", json_string(e->headers));
    if (e->keep_host)
        mp_put(o, "keep_host", json_true());
    if (e->x_forwarded)
        mp_put(o, "x_forwarded", json_true());
    return o;
}

static const struct store_join *joining(const struct store_join *list, size_t count, const char *gateway)
{
    for (size_t i = 0; i < count; i++) {
        if (strcmp(list[i].kind, "gateway") == 0 && strcmp(list[i].id, gateway) == 0)
            return &list[i];
    }
    return NULL;
}

static void put_joining(json_t *o, const struct store_gateway *g, const struct store_join *j)
{
    if (j)
        mp_put(o, "joining", json_integer((json_int_t)j->expires));
    if (!g->not_after)
        mp_put(o, "unissued", json_true());
}

/* As everybody is told of them; of one whose old certificates are withdrawn, which those are; of one that joins, until
 * when. */
static enum result put_gateways(struct mp_site *site, struct arena *a, json_t *ret, struct error *err)
{
    struct store_gateway *list;
    struct store_join *joins;
    size_t count, join_count = 0;
    json_t *gateways = NULL;
    enum result r = mp_content_gateways(site, a, &gateways, err);
    if (r == OK)
        r = store_gateway_list(site->store, a, &list, &count, err);
    if (r == OK)
        r = store_join_list(site->store, a, clock_wall_s(), &joins, &join_count, err);
    for (size_t i = 0; r == OK && i < count; i++) {
        put_joining(json_array_get(gateways, i), &list[i], joining(joins, join_count, list[i].id));
        if (list[i].withdrawn)
            mp_put(json_array_get(gateways, i), "withdrawn", json_integer((json_int_t)list[i].withdrawn));
    }
    mp_put(ret, "gateways", gateways);
    return r;
}

enum result mp_content_connector(struct mp_site *site, struct arena *a, json_t **ret, struct error *err)
{
    struct store_endpoint *list;
    struct store_mp *mps;
    size_t count, mp_count, anchors;
    json_t *o = json_object(), *targets = json_array();
    enum result r = store_endpoint_list(site->store, a, &list, &count, err);
    if (r == OK)
        r = store_mp_list(site->store, a, &mps, &mp_count, err);
    if (r == OK)
        r = store_trust_anchors(site->store, &anchors, err);
    for (size_t i = 0; r == OK && i < count; i++) {
        const struct store_mp *mp = list[i].management_point ? find_mp(mps, mp_count, list[i].role) : NULL;
        if (mp || list[i].url[0])
            mp_push(targets, target_json(&list[i], mp, anchors));
    }
    mp_put(o, "endpoints", targets);
    if (r == OK)
        r = put_gateways(site, a, o, err);
    if (r == OK)
        r = mp_part_sources(site, a, true, o, err);
    bool needed = false;
    for (size_t i = 0; r == OK && i < mp_count; i++)
        needed = needed || mp_content_needs_certificate(&mps[i]);
    if (needed)
        r = put_own_trust(site, a, o, err);
    return mp_content_finish(r, o, ret);
}
