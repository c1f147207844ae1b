/* SPDX-License-Identifier: Apache-2.0 */
/* A gateway is believed as far as its own place goes: it names endpoints of this connector's document and nothing else,
 * by plain paths, and says who asks. In the loop's thread. */
#include "connector/route.h"

#include "connector/request/forward.h"
#include "connector/request/identity.h"
#include "connector/site/relay_source.h"
#include "connector/site/site_question.h"
#include "http/path.h"

/* NULL: gateways may not ask that. */
static struct upstream *find_site(const struct route *to, const char *gateway_id, struct http_exchange *x)
{
    const struct site_question *q = site_question_find(x->request.method, x->request.target);
    if (!q)
        return NULL;
    if (q->named) {
        size_t path = slice_find(x->request.target, '?');
        struct slice query = path == SIZE_MAX ? SLICE_NONE : slice_skip(x->request.target, path);
        const struct slice parts[] = {arena_printf(x->arena, q->named, gateway_id), query};
        x->request.target = parts[0].ptr ? arena_join(x->arena, parts, ARRAY_LEN(parts)) : SLICE_NONE;
    }
    return x->request.target.ptr ? site_link_upstream(to->site) : NULL;
}

/* False: it was refused. */
static bool says_who_asks(struct http_exchange *x, const struct upstream *u)
{
    enum result r = identity_unfold(upstream_form(u), &x->request, x->arena);
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
    bool for_site = slice_eq(id, SLICE(SITE_ENDPOINT));
    struct upstream *u = for_site ? find_site(to, gateway_id, x) : upstreams_find(to->upstreams, id);
    if (!u)
        forward_refuse(x, REASON_UNKNOWN_ENDPOINT, NULL);
    else if (for_site || (has_plain_path(x) && says_who_asks(x, u)))
        forward_start(x, u, &to->senders, to->known->on_news, to->known->ctx);
}
