/* SPDX-License-Identifier: Apache-2.0 */
/* A gateway is believed as far as its own place goes: it names endpoints of this connector's document and nothing else,
 * by plain paths, and says who asks. In the loop's thread. */
#include "connector/route.h"

#include "base/clock.h"
#include "connector/request/forward.h"
#include "connector/request/identity.h"
#include "connector/site/relay_source.h"
#include "connector/site/site_question.h"
#include "http/path.h"

/* Under way at once: it asks for a bundle, questions and a list, answers and reports, and may have been started anew.
 * Bodies of so many are half of what the site takes of a connector (mp/server/bodies.h). */
enum { SITE_UNDER_WAY = 16 };

const struct crowd_rate route_site_rates[ROUTE_SITE_RATES] = {
    [ROUTE_SITE_LISTS] = {2000, 50}, [ROUTE_SITE_OTHERS] = {200, 5}};

/* --- the site --- */

static bool says_nothing_there(void *arg, struct slice name)
{
    (void)arg;
    return !slice_eq(name, SLICE("content-type")) && !slice_eq(name, SLICE("cmg-request-id"));
}

/* NULL: there is no room for its target. */
static struct upstream *find_site(const struct route *to, const struct site_question *q, const char *gateway_id,
                                  struct http_exchange *x)
{
    (void)http_fields_remove_if(&x->request.fields, says_nothing_there, NULL);
    if (q->named) {
        size_t path = slice_find(x->request.target, '?');
        struct slice query = path == SIZE_MAX ? SLICE_NONE : slice_skip(x->request.target, path);
        const struct slice parts[] = {arena_printf(x->arena, q->named, gateway_id), query};
        x->request.target = parts[0].ptr ? arena_join(x->arena, parts, ARRAY_LEN(parts)) : SLICE_NONE;
    }
    return x->request.target.ptr ? site_link_upstream(to->site) : NULL;
}

/* A gateway that was broken into keeps neither the site's time nor this connector's ways to it from others. */
static bool may_ask_site(const struct route *to, const struct site_question *q, struct slice gateway)
{
    enum route_site_rate rate = q->of_list ? ROUTE_SITE_LISTS : ROUTE_SITE_OTHERS;
    return crowd_count(to->gateways.bodies, gateway) < SITE_UNDER_WAY &&
           crowd_take(to->gateways.bodies, gateway, rate, clock_mono_ms());
}

static void ask_site(const struct route *to, const char *gateway_id, struct http_exchange *x)
{
    const struct site_question *q = site_question_find(x->request.method, x->request.target);
    const struct slice whom = arena_printf(x->arena, "gateway %s", gateway_id);
    const struct forward_sender gateway = {to->gateways, {SLICE(""), whom}};
    struct upstream *u = NULL;
    if (q && whom.ptr && !may_ask_site(to, q, whom)) {
        forward_refuse(x, REASON_TOO_MANY_REQUESTS, "this gateway asks the site too much");
        return;
    }
    if (q && whom.ptr)
        u = find_site(to, q, gateway_id, x);
    if (u)
        forward_start(x, u, &gateway, to->known->on_news, to->known->ctx);
    else
        forward_refuse(x, REASON_UNKNOWN_ENDPOINT, NULL);
}

/* --- published servers --- */

/* False: it was refused. */
static bool says_who_asks(struct http_exchange *x, const struct upstream *u, struct slice *ret_whom)
{
    enum result r = identity_unfold(upstream_form(u), &x->request, x->arena, ret_whom);
    if (r == R_LIMIT)
        forward_refuse(x, REASON_HEAD_TOO_LONG, NULL);
    else if (r != OK)
        forward_refuse(x, REASON_BAD_REQUEST, "the gateway does not say who asks");
    return r == OK;
}

/* Gateways let nothing else through; of one that was broken into, a path could lead out of the one that is published.
 * False: it was refused. */
static bool has_plain_path(struct http_exchange *x)
{
    struct slice rest = x->request.target;
    struct http_path path;
    struct error err;
    if (http_path_read(slice_cut(&rest, '?'), &path, &err) == OK && !path.dots)
        return true;
    forward_refuse(x, REASON_BAD_REQUEST, "the gateway asks for a path that servers could read differently");
    return false;
}

void route_request(const struct route *to, const char *gateway_id, struct http_exchange *x)
{
    struct slice id = x->request.authority;
    if (slice_eq(id, SLICE(SOURCE_ENDPOINT))) {
        relay_source_start(to->known, gateway_id, x);
        return;
    }
    if (slice_eq(id, SLICE(SITE_ENDPOINT))) {
        ask_site(to, gateway_id, x);
        return;
    }
    struct upstream *u = upstreams_find(to->upstreams, id);
    struct forward_sender device = {.of = to->senders, .by.gateway = arena_dup(x->arena, slice_of(gateway_id))};
    if (!u)
        forward_refuse(x, REASON_UNKNOWN_ENDPOINT, NULL);
    else if (!device.by.gateway.ptr)
        forward_refuse(x, REASON_HEAD_TOO_LONG, NULL);
    else if (has_plain_path(x) && says_who_asks(x, u, &device.by.whom))
        forward_start(x, u, &device, to->known->on_news, to->known->ctx);
}
