/* SPDX-License-Identifier: Apache-2.0 */
/* The gateway's side of a splice: which tunnel, whether again, what an answer from inside may say. It does not judge
 * the sender, but asks again when told to. In the worker's thread; a relay frees itself when its splice is over. */
#include "gateway/request/relay.h"

#include <inttypes.h>
#include <stdlib.h>

#include "base/host/gather.h"
#include "base/host/trail.h"
#include "base/mem.h"
#include "gateway/judge/authenticate.h"
#include "gateway/judge/grant.h"
#include "gateway/request/refusal.h"
#include "http/h2/h2.h"
#include "http/splice.h"
#include "tunnel/device.h"

struct relay {
    LIST_ENTRY(relay) link; /* in the connection's relays */
    struct relay_way *way;
    struct judge_client *sender;
    struct http_splice *splice;
    struct patient patient;
    const struct tunnel *tunnel; /* the one that carries the call; only compared, it may be gone */
    char endpoint_id[TUNNEL_ID_MAX + 1], request_id[GUID_SIZE], client[80], guid[80];
    struct grant *token; /* NULL: the connection's certificate let it in */
    char method[HTTP_METHOD_MAX + 1];
    uint64_t max_body;
    bool ccm_path, safe_method, websocket, may_stay;
};

static const char unpublished[] = "the endpoint publishes it no longer";

static struct gateway_metrics *metrics_of(const struct relay *r)
{
    return r->sender->judge->metrics;
}

void relay_abort(struct relay *r)
{
    http_splice_abort(r->splice);
}

/* What a WebSocket depends on beside. */
static const char *websocket_ended(const struct relay *r, const struct bundle_endpoint *e)
{
    const struct credential *c = &r->sender->credential;
    const struct bundle_sender who = {slice_of(r->guid), c->sha256, c->spki_sha256};
    return e->websocket ? bundle_disallows(r->sender->judge->snapshot->bundle, &who) : unpublished;
}

/* Would the bundle of today let it in? NULL: yes, else what would not. */
static const char *withdrawn_by(const struct relay *r, int64_t now)
{
    const struct bundle *b = r->sender->judge->snapshot->bundle;
    const struct bundle_endpoint *e = bundle_endpoint_by_id(b, slice_of(r->endpoint_id));
    if (!e)
        return unpublished;
    const char *by = authenticate_ended(r->sender, r->token, e, now);
    if (!by && !bundle_endpoint_takes(e, slice_of(r->method)))
        by = verdict_reason_info(REASON_BAD_METHOD)->name;
    return by || !r->websocket ? by : websocket_ended(r, e);
}

static void review_relay(struct relay *r, int64_t now)
{
    const char *by = withdrawn_by(r, now);
    if (!by)
        return;
    LOG_GATHERED(LOG_INFO, "relay", r->client, by, r->websocket ? "WebSocket withdrawn" : "request withdrawn",
                 LOG_T("request_id", r->request_id), LOG_T("client", r->client), LOG_T("endpoint", r->endpoint_id),
                 LOG_T("by", by));
    relay_abort(r);
}

void relay_review(struct relays *relays, int64_t now)
{
    struct relay *r, *next;
    LIST_FOREACH_SAFE(r, relays, link, next)
        review_relay(r, now);
}

void relay_leave(struct relays *relays)
{
    struct relay *r, *next;
    LIST_FOREACH_SAFE(r, relays, link, next)
        http_splice_leave(r->splice);
}

static enum result make_call(void *ctx, const struct http_request *request, bool again,
                             const struct http_call_events *events, void *call_ctx, struct http_call **ret)
{
    struct relay *r = ctx;
    struct error err;
    struct tunnel *t = gateway_tunnels_pick(r->way->tunnels, slice_of(r->endpoint_id), again ? r->tunnel : NULL);
    if (!t)
        return patience_join(&r->way->patience, &r->patient) ? R_AGAIN : R_NOTFOUND;
    r->tunnel = t;
    retry_budget_count(&r->way->budget, again);
    metric_add(metrics_of(r), again ? METRIC_RETRIES : METRIC_RELAYED, 1);
    return tunnel_call(t, request, events, call_ctx, ret, &err);
}

static void go_on(struct patient *p)
{
    http_splice_go_on(container_of(p, struct relay, patient)->splice);
}

/* PROTOCOL 2: any method when no connector processed it, safe ones when no byte of the answer came. */
static bool may_retry(void *ctx, const struct http_failure *why)
{
    const struct relay *r = ctx;
    if (!why->unsent && !r->safe_method)
        return false;
    return retry_budget_allows(&r->way->budget);
}

/* The connector refused: the answer is made; it is logged and counted here like a refusal of the gateway's own. */
static void note_refusal(const struct relay *r, const struct http_request *request, struct slice code,
                         struct slice name)
{
    struct refusal refusal = {.reason = verdict_reason_find(code, name),
                              .request_id = r->request_id,
                              .peer = r->sender->peer,
                              .client = r->client,
                              .known = true,
                              .metrics = metrics_of(r)};
    if (refusal.reason != REASON_OK)
        refusal_note(&refusal, request->method, request->target);
}

/* The status of a server that did not switch to WebSocket (TUNNEL_STAY_FIELD). */
static void show_status(const struct relay *r, struct http_response *head)
{
    uint64_t n;
    struct slice status = http_fields_take(&head->fields, SLICE(TUNNEL_STATUS_FIELD));
    if (r->may_stay && head->status == TUNNEL_STAYED && slice_to_u64(status, &n) && n >= 200 && n < 300)
        head->status = (int)n;
}

/* Of a connector's own words; most answers hold none. */
static bool connector_speaks(const struct http_fields *f)
{
    for (size_t i = 0; i < f->count; i++) {
        if (slice_starts(f->list[i].name, SLICE("cmg-")))
            return true;
    }
    return false;
}

/* HTTP/2 carries no reason phrase: the connector says in CMG-Status-Text what the answer's was. */
static void on_response(void *ctx, struct http_exchange *x, struct http_response *head, struct slice begin)
{
    struct relay *r = ctx;
    (void)begin;
    if (!connector_speaks(&head->fields))
        return;
    show_status(r, head);
    struct slice text = http_fields_get(&head->fields, SLICE("cmg-status-text"));
    struct slice reason = http_fields_take(&head->fields, SLICE(TUNNEL_REASON_FIELD));
    if (text.ptr && reason.ptr)
        note_refusal(r, &x->request, text, reason);
    if (r->ccm_path && text.ptr)
        head->reason = text;
}

/* PROTOCOL: the connector broke off what a server inside sent, before its head had left (http/exchange.h). */
static enum verdict_reason failure_reason(enum http_failure_kind kind)
{
    return kind == HTTP_FAIL_TIMEOUT    ? REASON_UPSTREAM_TIMEOUT
           : kind == HTTP_FAIL_PROTOCOL ? REASON_UPSTREAM_PROTOCOL
                                        : REASON_UPSTREAM_TRUNCATED;
}

static void refuse_exchange(void *ctx, struct http_exchange *x, enum http_splice_refusal what,
                            const struct http_failure *why)
{
    struct relay *r = ctx;
    char detail[128] = "";
    enum verdict_reason reason = REASON_NO_CONNECTOR;
    if (what == HTTP_SPLICE_TOO_LARGE) {
        reason = REASON_BODY_TOO_LARGE;
        (void)snprintf(detail, sizeof detail, "this endpoint takes bodies of at most %" PRIu64 " bytes", r->max_body);
    } else if (what == HTTP_SPLICE_CROWDED) {
        reason = REASON_TOO_MANY_REQUESTS;
        (void)snprintf(detail, sizeof detail, "this device has too much under way");
    } else if (what == HTTP_SPLICE_FAILED && !why->unsent) {
        reason = failure_reason(why->kind);
        if (reason == REASON_UPSTREAM_TRUNCATED)
            (void)snprintf(detail, sizeof detail, "the way through the connector broke before an answer came");
    }

    struct refusal refusal = {.reason = reason,
                              .detail = detail,
                              .request_id = r->request_id,
                              .peer = r->sender->peer,
                              .client = r->client,
                              .known = true,
                              .metrics = metrics_of(r)};
    refusal_send(&refusal, x);
}

static void note_end(const struct relay *r, const struct http_splice_stats *stats, const struct error *broken)
{
    if (!broken && !stats->status)
        return; /* it was refused, which is noted */
    trail_note(broken || stats->status >= 400 ? TRAIL_FAILED : TRAIL_WELL, r->request_id,
               &(struct trail_step){.what = broken ? "broken off" : "relayed",
                                    .client = r->client,
                                    .endpoint = r->endpoint_id,
                                    .detail = broken ? broken->text : NULL,
                                    .status = stats->status,
                                    .request_bytes = stats->request_bytes,
                                    .response_bytes = stats->response_bytes});
}

static void on_over(void *ctx, const struct http_splice_stats *stats, const struct error *broken)
{
    struct relay *r = ctx;
    metric_add(metrics_of(r), METRIC_IN_FLIGHT, -1);
    metric_add(metrics_of(r), METRIC_BYTES_IN, (long long)stats->request_bytes);
    metric_add(metrics_of(r), METRIC_BYTES_OUT, (long long)stats->response_bytes);
    if (broken)
        LOG_GATHERED(LOG_INFO, "relay", r->client, "broken off", "broken off", LOG_T("request_id", r->request_id),
                     LOG_T("client", r->client), LOG_T("endpoint", r->endpoint_id), LOG_T("detail", broken->text));
    note_end(r, stats, broken);

    LIST_REMOVE(r, link);
    patience_part(&r->way->patience, &r->patient);
    r->way->under_way--;
    grant_unref(r->token);
    free(r);
}

static const struct http_splice_owner owner = {.make_call = make_call,
                                               .on_response = on_response,
                                               .may_retry = may_retry,
                                               .refuse = refuse_exchange,
                                               .on_over = on_over};

/* Nor more than a fourth of what is left for all others: many devices that take as much as they can leave room. */
bool relay_has_room(const struct relay_way *way, const char *holder)
{
    enum { PART = 4 };
    size_t mine = crowd_count(way->devices, slice_of(holder));
    size_t tunnels = way->tunnels->count ? way->tunnels->count : 1; /* which is waited for */
    size_t room = tunnels * http_h2_tunnel_options.max_streams;
    size_t left = room > way->under_way ? room - way->under_way : 0;
    return mine < way->per_device && (mine < left / PART || mine == 0);
}

void relay_start(struct relay_way *way, struct judge_client *sender, struct relays *list, struct http_exchange *x,
                 const struct http_request *inside, const struct relay_options *o)
{
    struct relay *r = mem_zalloc(sizeof *r);
    r->way = way;
    r->patient.go_on = go_on;
    r->sender = sender;
    r->token = grant_ref(o->token);
    r->ccm_path = o->ccm_path;
    r->safe_method = http_method_safe(inside->method);
    r->websocket = inside->protocol.len > 0;
    r->may_stay = inside->may_stay;
    (void)!slice_to_cstr(inside->method, r->method, sizeof r->method);
    r->max_body = r->websocket ? UINT64_MAX : o->max_body; /* what a WebSocket carries is no body */

    cstr_copy(r->endpoint_id, sizeof r->endpoint_id, o->endpoint_id);
    cstr_copy(r->request_id, sizeof r->request_id, o->request_id);
    cstr_copy(r->client, sizeof r->client, o->client);
    cstr_copy(r->guid, sizeof r->guid, o->guid);

    LIST_INSERT_HEAD(list, r, link);
    way->under_way++;
    metric_add(metrics_of(r), METRIC_IN_FLIGHT, 1);
    const struct http_splice_sender device = {
        {way->devices, way->heads}, slice_of(o->holder), loop_now_ms(sender->judge->loop)};
    struct http_splice *s = http_splice_start(x, inside, r->max_body, &device, &owner, r);
    if (s) /* else r is gone already */
        r->splice = s;
}
