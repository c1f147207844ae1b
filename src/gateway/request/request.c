/* SPDX-License-Identifier: Apache-2.0 */
/* The steps that a request passes, as a table, and the fates behind them. Each step refuses or says nothing; none
 * answers by itself. In the worker's thread; an inquiry lives on the stack, for what outlives it the relay keeps
 * copies. */
#include "gateway/request/request.h"

#include <inttypes.h>
#include <stdlib.h>

#include "base/clock.h"
#include "gateway/client/admission.h"
#include "gateway/client/certificates.h"
#include "gateway/judge/authenticate.h"
#include "gateway/request/identity.h"
#include "gateway/request/refusal.h"
#include "tunnel/device.h"
#include "json/json.h"

/* What is found out about one request, step by step. */
struct inquiry {
    struct gateway_connection *connection;
    struct http_exchange *exchange;
    struct target target;
    const struct bundle_endpoint *endpoint; /* NULL: the gateway's own answers */
    struct authentication who;
    struct error detail;
    char request_id[GUID_SIZE];
    int64_t now;
};

typedef enum verdict_reason step_fn(struct inquiry *q);

static enum verdict_reason have_bundle(struct inquiry *q)
{
    const struct snapshot *s = q->connection->client.judge->snapshot;
    if (!s) {
        (void)error_set(&q->detail, R_AGAIN, "no site bundle has arrived yet");
        return REASON_STALE_BUNDLE;
    }
    const struct snapshot_time now = {q->now, (int64_t)(loop_now_ms(q->connection->clients->loop) / 1000)};
    enum result r = snapshot_current_fresh(q->connection->clients->desk->current, s->bundle, now, &q->detail);
    return r == OK ? REASON_OK : REASON_STALE_BUNDLE;
}

static enum verdict_reason read_target(struct inquiry *q)
{
    return target_parse(q->exchange->request.target, &q->target, &q->detail) == OK ? REASON_OK : REASON_BAD_REQUEST;
}

/* "example.com:443" → "example.com"; "[::1]:443" → "::1". */
static struct slice host_of(struct slice authority)
{
    if (slice_starts(authority, SLICE("["))) {
        size_t end = slice_find(authority, ']');
        return end == SIZE_MAX ? SLICE_NONE : slice_make(authority.ptr + 1, end - 1);
    }
    size_t colon = slice_find(authority, ':');
    struct slice host = colon == SIZE_MAX ? authority : slice_make(authority.ptr, colon);
    if (host.len && host.ptr[host.len - 1] == '.')
        host.len--;
    return host;
}

static bool is_metadata(const struct target *t)
{
    return t->kind != TARGET_PLAIN && t->path.len == 0 && slice_eq_nocase(t->role, SLICE("ServiceMetadata"));
}

static enum verdict_reason find_endpoint(struct inquiry *q)
{
    const struct bundle *b = q->connection->client.judge->snapshot->bundle;
    if (is_metadata(&q->target) || tenant_info_asked(&q->target))
        return REASON_OK;
    if (q->target.kind == TARGET_PLAIN)
        q->endpoint = bundle_endpoint_by_host(b, host_of(q->exchange->request.authority));
    else
        q->endpoint = bundle_endpoint_by_path(b, q->target.role, q->target.path);
    if (!q->endpoint)
        return REASON_UNKNOWN_ENDPOINT;
    if (q->target.slashes && !q->endpoint->allow_encoded_slash) {
        (void)error_set(&q->detail, R_INVALID, "the path holds an encoded slash or an empty segment");
        return REASON_BAD_REQUEST;
    }
    return REASON_OK;
}

/* A host may have a server certificate of its own; its clients are let in by what was negotiated under its name alone.
 * (A connection that one certificate serves for several hosts is good for all of them: clients share those.) */
static enum verdict_reason check_host(struct inquiry *q)
{
    const struct gateway_connection *c = q->connection;
    struct slice host = host_of(q->exchange->request.authority);
    if (q->target.kind != TARGET_PLAIN || certificates_same(c->clients->certificates, c->sni, host))
        return REASON_OK;
    (void)error_set(&q->detail, R_DENIED,
                    "%" PRIslice " has a server certificate of its own; this connection was made for %" PRIslice,
                    SLICE_ARG(host), SLICE_ARG(c->sni.len ? c->sni : SLICE("no name at all")));
    return REASON_MISDIRECTED;
}

static const enum judge_route routes[] = {
    [TARGET_MUTUAL] = ROUTE_MUTUAL, [TARGET_SERVER] = ROUTE_SERVER, [TARGET_PLAIN] = ROUTE_HOST};

/* Whose shares of connections and requests it takes. */
static const char *holder(const struct inquiry *q)
{
    return q->who.holder[0] ? q->who.holder : q->who.identity.client_id;
}

static enum verdict_reason judge_sender(struct inquiry *q)
{
    if (tenant_info_asked(&q->target))
        return tenant_info_allowed(q->connection, &q->connection->clients->desk->tenant_info, &q->target, &q->detail);
    struct authenticate_question question = {
        .route = routes[q->target.kind],
        .endpoint = q->endpoint,
        .purpose = q->endpoint ? q->endpoint->purpose : PURPOSE_METADATA,
        .request = &q->exchange->request,
        .now = q->now,
    };
    enum verdict_reason reason = authenticate(&q->connection->client, &question, &q->who, &q->detail);
    if (reason != REASON_OK || gateway_connection_known(q->connection, holder(q)))
        return reason;
    (void)error_set(&q->detail, R_LIMIT, "this device has too many connections under way");
    return REASON_TOO_MANY_REQUESTS;
}

/* By which the site knows the sender; "": by its certificate. */
static const char *sender_guid(const struct inquiry *q)
{
    return q->who.identity.method == CHOICE_PKI ? "" : q->who.identity.client_id;
}

/* Client settings decide who may use the gateway at all. Management points obey them themselves, with what they leave
 * open to everybody; servers behind other endpoints know nothing of them. */
static enum verdict_reason check_settings(struct inquiry *q)
{
    if (!q->endpoint || q->endpoint->mp)
        return REASON_OK;
    const struct credential *c = &q->connection->client.credential;
    const struct bundle_sender who = {slice_of(sender_guid(q)), c->sha256, c->spki_sha256};
    const char *by = bundle_disallows(q->connection->client.judge->snapshot->bundle, &who);
    if (!by)
        return REASON_OK;
    (void)error_set(&q->detail, R_DENIED, "allow_cmg is no by %s", by);
    return REASON_CMG_DISALLOWED;
}

static enum verdict_reason check_method(struct inquiry *q)
{
    struct slice method = q->exchange->request.method;
    if (q->endpoint)
        return bundle_endpoint_takes(q->endpoint, method) ? REASON_OK : REASON_BAD_METHOD;
    return slice_eq(method, SLICE("GET")) || slice_eq(method, SLICE("HEAD")) ? REASON_OK : REASON_BAD_METHOD;
}

static enum verdict_reason check_length(struct inquiry *q)
{
    if (!q->endpoint || q->exchange->request.content_length <= q->endpoint->max_body)
        return REASON_OK;
    (void)error_set(&q->detail, R_LIMIT, "the body has %" PRId64 " bytes; this endpoint takes at most %" PRId64,
                    q->exchange->request.content_length, q->endpoint->max_body);
    return REASON_BODY_TOO_LARGE;
}

/* PROTOCOL 6: an upgrade is left out unless the endpoint takes it; an extended CONNECT would mean nothing without. */
static enum verdict_reason check_upgrade(struct inquiry *q)
{
    const struct http_request *r = &q->exchange->request;
    if (!r->protocol.len || r->version != HTTP_2 || (q->endpoint && q->endpoint->websocket))
        return REASON_OK;
    (void)error_set(&q->detail, R_INVALID, "WebSocket is not published here (cmg endpoint add --websocket)");
    return REASON_UNSUPPORTED;
}

static enum verdict_reason check_share(struct inquiry *q)
{
    if (!q->endpoint || relay_has_room(&q->connection->clients->desk->way, holder(q)))
        return REASON_OK;
    (void)error_set(&q->detail, R_LIMIT, "this device has too many requests under way");
    return REASON_TOO_MANY_REQUESTS;
}

/* In this order: nobody unknown learns more than whether a path is published. */
static step_fn *const steps[] = {have_bundle,    read_target,  find_endpoint, check_host,    judge_sender,
                                 check_settings, check_method, check_length,  check_upgrade, check_share};

/* --- fates --- */

static void refuse_request(struct inquiry *q, enum verdict_reason reason)
{
    if (admission_refused_too_often(q->connection)) {
        reason = REASON_TOO_MANY_REQUESTS;
        (void)error_set(&q->detail, R_LIMIT, "requests from this address are refused too often");
        http_server_conn_stop(q->connection->http);
    }

    struct refusal refusal = {.reason = reason,
                              .detail = q->detail.text,
                              .remedy = q->detail.remedy,
                              .request_id = q->request_id,
                              .peer = q->connection->client.peer,
                              .client = q->who.subject,
                              .known = q->connection->of_device.holder != NULL,
                              .metrics = q->connection->clients->metrics};
    if (reason == REASON_BAD_METHOD)
        refusal.allow = q->endpoint ? slice_of(q->endpoint->allow) : SLICE("GET, HEAD");
    refusal_send(&refusal, q->exchange);
}

/* docs/protocol/wire.md section 9: the site's part is signed by the site; the time is the gateway's. */
static void answer_metadata(struct inquiry *q)
{
    const struct bundle *b = q->connection->client.judge->snapshot->bundle;
    json_t *o = json_pack("{s:I, s:s}", "time", (json_int_t)q->now, "signed", b->location);
    char *text = json_text(o);
    http_exchange_reply(q->exchange, 200, "application/json", slice_of(text), NULL);
    free(text);
    json_decref(o);
}

static void pass_on(struct inquiry *q)
{
    struct http_exchange *x = q->exchange;
    struct http_request inside = x->request;
    struct identity_request identity = {&q->who.identity,     q->endpoint,
                                        q->request_id,        q->connection->client.peer,
                                        x->request.authority, q->target.kind == TARGET_PLAIN};

    inside.scheme = SLICE("https");
    inside.authority = slice_of(q->endpoint->id);
    inside.target = target_inside(&q->target, x->arena);
    if (inside.protocol.len && !q->endpoint->websocket) {
        inside.protocol = SLICE("");
        inside.has_body = inside.may_stay = false;
    }

    if (!inside.target.ptr || identity_apply(&identity, &inside.fields, x->arena, &q->detail) != OK) {
        refuse_request(q, REASON_HEAD_TOO_LONG);
        return;
    }
    if (inside.may_stay && http_fields_add(&inside.fields, x->arena, SLICE(TUNNEL_STAY_FIELD), SLICE("1")) != OK) {
        refuse_request(q, REASON_HEAD_TOO_LONG);
        return;
    }

    struct relay_options o = {
        q->endpoint->id, (uint64_t)q->endpoint->max_body,
        q->request_id,   q->who.subject,
        holder(q),       q->target.kind != TARGET_PLAIN,
        sender_guid(q),  q->who.identity.method == CHOICE_PKI ? NULL : q->connection->client.token};
    relay_start(&q->connection->clients->desk->way, &q->connection->client, &q->connection->relays, x, &inside, &o);
}

static void handle_request(struct gateway_connection *c, struct http_exchange *x)
{
    struct inquiry q = {.connection = c, .exchange = x, .now = clock_wall_s()};
    guid_new(q.request_id);
    metric_add(q.connection->clients->metrics, METRIC_REQUESTS, 1);
    for (size_t i = 0; i < ARRAY_LEN(steps); i++) {
        enum verdict_reason reason = steps[i](&q);
        if (reason != REASON_OK) {
            refuse_request(&q, reason);
            return;
        }
    }

    if (q.endpoint)
        pass_on(&q);
    else if (tenant_info_asked(&q.target))
        tenant_info_answer(q.connection->client.judge->snapshot->bundle, &q.target, q.exchange);
    else
        answer_metadata(&q);
}

/* --- heads that could not be read --- */

static const struct {
    int status;
    enum verdict_reason reason;
} unreadable[] = {
    {408, REASON_REQUEST_TIMEOUT}, {414, REASON_TARGET_TOO_LONG}, {431, REASON_HEAD_TOO_LONG},
    {501, REASON_UNSUPPORTED},     {505, REASON_VERSION},
};

static void refuse_unreadable(struct gateway_connection *c, int status, const char *what, struct arena *arena,
                              struct http_response *ret_head, struct slice *ret_body)
{
    char request_id[GUID_SIZE];
    guid_new(request_id);

    enum verdict_reason reason = REASON_BAD_REQUEST;
    for (size_t i = 0; i < ARRAY_LEN(unreadable); i++) {
        if (unreadable[i].status == status)
            reason = unreadable[i].reason;
    }

    if (admission_refused_too_often(c)) {
        reason = REASON_TOO_MANY_REQUESTS;
        what = "requests from this address are refused too often";
        http_server_conn_stop(c->http);
    }
    struct refusal refusal = {.reason = reason,
                              .detail = what,
                              .request_id = request_id,
                              .peer = c->client.peer,
                              .metrics = c->clients->metrics};
    refusal_build(&refusal, arena, SLICE(""), SLICE(""), ret_head, ret_body);
}

/* --- for connections --- */

static void review_relays(struct gateway_connection *c, int64_t now)
{
    relay_review(&c->relays, now);
}

static void abort_relays(struct gateway_connection *c)
{
    struct relay *r;
    while ((r = LIST_FIRST(&c->relays)))
        relay_abort(r);
}

static void leave_relays(struct gateway_connection *c)
{
    relay_leave(&c->relays);
}

const struct client_hooks request_hooks = {handle_request, refuse_unreadable, review_relays, abort_relays,
                                           leave_relays};

void request_desk_init(struct request_desk *d, const struct gateway_tunnels *tunnels,
                       const struct snapshot_current *current, size_t requests_per_device, struct loop *loop)
{
    *d = (struct request_desk){.way = {.tunnels = tunnels, .per_device = requests_per_device}, .current = current};
    d->way.devices = crowd_new(NULL, 0);
    d->way.heads = crowd_new(NULL, 0);
    net_questions_start(&d->tenant_info, TENANT_INFO_PER_SECOND, loop_now_ms(loop));
    patience_start(&d->way.patience, loop);
}

void request_desk_end(struct request_desk *d)
{
    patience_end(&d->way.patience);
}
