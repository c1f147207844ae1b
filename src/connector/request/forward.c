/* SPDX-License-Identifier: Apache-2.0 */
/* The connector's side of a splice: what a server inside says is made harmless, what failed gets a reason. The
 * detail of a failure names the inside and stays in the log. In the loop's thread; a forward frees itself when its
 * splice is over. */
#include "connector/request/forward.h"

#include <stdlib.h>

#include "base/clock.h"
#include "base/host/gather.h"
#include "base/host/trail.h"
#include "base/mem.h"
#include "base/text/encode.h"
#include "tunnel/device.h"
#include "verdict/problem.h"

struct forward {
    struct upstream *upstream;
    struct upstream_asker by;
    void (*on_news)(void *ctx);
    void *news_ctx;
    bool may_stay;                          /* see TUNNEL_STAY_FIELD */
    char request_id[GUID_SIZE], client[80]; /* the latter for whom it is, for the trail */
};

static enum result make_call(void *ctx, const struct http_request *request, bool again,
                             const struct http_call_events *events, void *call_ctx, struct http_call **ret)
{
    struct forward *f = ctx;
    struct error err;
    (void)again; /* the pool leaves the connection that refused it */
    enum result r = upstream_call(f->upstream, &f->by, request, events, call_ctx, ret, &err);
    if (r != OK)
        LOG_GATHERED(LOG_WARN, "connector", upstream_id(f->upstream), "not sent", "a request could not be sent",
                     LOG_T("request_id", f->request_id), LOG_T("detail", err.text));
    return r;
}

/* RFC 9113 8.7: what the server refused unprocessed is asked again, whatever the method. What else is safe to ask again
 * the pool does by itself. */
static bool may_retry(void *ctx, const struct http_failure *why)
{
    (void)ctx;
    return why->unsent && why->kind == HTTP_FAIL_REFUSED_STREAM;
}

static bool is_cmg(void *arg, struct slice name)
{
    (void)arg;
    return slice_starts(name, SLICE("cmg-"));
}

/* "Client certificate required" → "CMGConnector_Clientcertificaterequired". Only visible ASCII survives. */
static struct slice status_text(struct arena *arena, struct slice reason)
{
    char text[128];
    size_t n = 0;
    for (size_t i = 0; i < reason.len && n < sizeof text; i++) {
        if (reason.ptr[i] > ' ' && reason.ptr[i] < 0x7f)
            text[n++] = reason.ptr[i];
    }
    return arena_printf(arena, "CMGConnector_%.*s", (int)n, text);
}

/* nginx, unless it is told otherwise, answers 400 for its own 496; the page alone says which 400 it is (PROTOCOL 6). */
static bool may_be_certificate_required(void *ctx, const struct http_response *head)
{
    (void)ctx;
    return head->status == 400 && slice_starts_nocase(http_fields_get(&head->fields, SLICE("server")), SLICE("nginx"));
}

static bool says_certificate_required(struct slice begin)
{
    static const char words[] = "No required SSL certificate was sent";
    return begin.len && memmem(begin.ptr, begin.len, words, sizeof words - 1);
}

/* Where there is no room for the field, a bare 502 is left. */
static void hide_status(struct http_exchange *x, struct http_response *head)
{
    struct slice status = arena_printf(x->arena, "%d", head->status);
    head->status = TUNNEL_STAYED;
    if (status.ptr)
        (void)!http_fields_add(&head->fields, x->arena, SLICE(TUNNEL_STATUS_FIELD), status);
}

/* From 400 on, CMG-Status-Text says that something behind the gateway refused. */
static void say_who_refused(struct http_exchange *x, struct http_response *head, struct slice begin)
{
    enum { NGINX_CERTIFICATE_REQUIRED = 496 };
    struct slice reason = head->reason.len ? head->reason : slice_of(http_reason(head->status));
    if (head->status == NGINX_CERTIFICATE_REQUIRED || says_certificate_required(begin))
        reason = SLICE("Client certificate required");
    struct slice text = status_text(x->arena, reason);
    if (text.ptr)
        (void)!http_fields_add(&head->fields, x->arena, SLICE("cmg-status-text"), text);
}

/* Nothing from inside may speak with the gateway's voice. */
static void on_response(void *ctx, struct http_exchange *x, struct http_response *head, struct slice begin)
{
    struct forward *f = ctx;
    if (upstream_note(f->upstream, NULL, ""))
        f->on_news(f->news_ctx);
    (void)http_fields_remove_if(&head->fields, is_cmg, NULL);
    if (head->status >= 400)
        say_who_refused(x, head, begin);
    else if (f->may_stay && head->status >= 200 && head->status < 300)
        hide_status(x, head);
}

/* What a gateway says, which may be broken into: "" when it is no id. */
static void read_request_id(const struct http_exchange *x, char ret[GUID_SIZE])
{
    struct slice id = http_fields_get(&x->request.fields, SLICE("cmg-request-id"));
    if (!guid_valid(id) || !slice_to_cstr(id, ret, GUID_SIZE))
        ret[0] = '\0';
}

void forward_refuse(struct http_exchange *x, enum verdict_reason reason, const char *detail)
{
    const struct verdict_refusal_info *what = verdict_refusal_info(verdict_reason_info(reason)->refusal);
    char request_id[GUID_SIZE];
    read_request_id(x, request_id);
    struct http_fields fields = {0};
    (void)!http_fields_add(&fields, x->arena, SLICE("cmg-status-text"), slice_of(what->code));
    (void)!http_fields_add(&fields, x->arena, SLICE(TUNNEL_REASON_FIELD), slice_of(verdict_reason_info(reason)->name));
    (void)!http_fields_add(&fields, x->arena, SLICE("cache-control"), SLICE("no-store"));
    struct slice after = arena_printf(x->arena, "%d", VERDICT_RETRY_AFTER_S);
    if (after.ptr && verdict_refusal_passes(verdict_reason_info(reason)->refusal))
        (void)!http_fields_add(&fields, x->arena, SLICE("retry-after"), after);
    char *body = verdict_problem(reason, detail, NULL, request_id);
    http_exchange_reply(x, what->status, VERDICT_PROBLEM_TYPE, slice_of(body), &fields);
    trail_note(
        TRAIL_FAILED, request_id,
        &(struct trail_step){
            .what = "refused", .reason = verdict_reason_info(reason)->name, .detail = detail, .status = what->status});
    free(body);
}

/* What failed inside, which the device is not told. */
static void note_failure(const struct forward *f, enum verdict_reason reason, const struct http_failure *why)
{
    const char *name = verdict_reason_info(reason)->name;
    LOG_GATHERED(LOG_WARN, "connector", upstream_id(f->upstream), name, "upstream failed",
                 LOG_T("endpoint", upstream_id(f->upstream)), LOG_T("request_id", f->request_id), LOG_T("reason", name),
                 LOG_T("detail", why->error.text));
    trail_note(TRAIL_FAILED, f->request_id,
               &(struct trail_step){.what = "upstream failed",
                                    .reason = name,
                                    .client = f->client,
                                    .endpoint = upstream_id(f->upstream),
                                    .detail = why->error.text});
}

static const enum verdict_reason failure_reasons[] = {
    [HTTP_FAIL_NAME] = REASON_UPSTREAM_NAME,
    [HTTP_FAIL_REFUSED] = REASON_UPSTREAM_REFUSED,
    [HTTP_FAIL_REFUSED_STREAM] = REASON_UPSTREAM_REFUSED,
    [HTTP_FAIL_TLS] = REASON_UPSTREAM_TLS,
    [HTTP_FAIL_CERT_REQUIRED] = REASON_UPSTREAM_CLIENT_CERTIFICATE,
    [HTTP_FAIL_TRUNCATED] = REASON_UPSTREAM_TRUNCATED,
    [HTTP_FAIL_PROTOCOL] = REASON_UPSTREAM_PROTOCOL,
    [HTTP_FAIL_TIMEOUT] = REASON_UPSTREAM_TIMEOUT,
    [HTTP_FAIL_LIMIT] = REASON_TOO_MANY_REQUESTS,
};

/* No connection came about, and the next one will hardly: an administrator must act. */
static bool is_lasting(enum http_failure_kind kind)
{
    return kind == HTTP_FAIL_NAME || kind == HTTP_FAIL_REFUSED || kind == HTTP_FAIL_TLS ||
           kind == HTTP_FAIL_CERT_REQUIRED;
}

static void refuse_splice(void *ctx, struct http_exchange *x, enum http_splice_refusal what,
                          const struct http_failure *why)
{
    struct forward *f = ctx;
    enum verdict_reason reason = REASON_TOO_MANY_REQUESTS;
    if (what == HTTP_SPLICE_FAILED) {
        reason = failure_reasons[why->kind];
        /* The cause names the internal server: it stays in this log, and with administrators; the device gets the
         * reason's own words. */
        note_failure(f, reason, why);
        if (is_lasting(why->kind) && upstream_note(f->upstream, verdict_reason_info(reason)->name, why->error.text))
            f->on_news(f->news_ctx);
    }
    bool unswitched = reason == REASON_UPSTREAM_PROTOCOL && x->request.protocol.len;
    forward_refuse(x, reason,
                   unswitched
                       ? "the server inside answered the WebSocket's handshake with neither a refusal nor a proper "
                         "101 (RFC 6455 4.2.2)"
                       : NULL);
}

static void note_end(const struct forward *f, const struct http_splice_stats *stats, const struct error *broken)
{
    trail_note(broken || stats->status >= 400 ? TRAIL_FAILED : TRAIL_WELL, f->request_id,
               &(struct trail_step){.what = broken ? "broken off" : "forwarded",
                                    .client = f->client,
                                    .endpoint = upstream_id(f->upstream),
                                    .detail = broken ? broken->text : NULL,
                                    .status = stats->status,
                                    .request_bytes = stats->request_bytes,
                                    .response_bytes = stats->response_bytes});
}

static void on_over(void *ctx, const struct http_splice_stats *stats, const struct error *broken)
{
    struct forward *f = ctx;
    if (broken && stats->broke_inside)
        LOG_GATHERED(LOG_WARN, "connector", upstream_id(f->upstream), broken->text, "upstream broke its answer",
                     LOG_T("endpoint", upstream_id(f->upstream)), LOG_T("request_id", f->request_id),
                     LOG_N("status", stats->status), LOG_T("detail", broken->text));
    LOG_EVENT(LOG_DEBUG, "connector", broken ? "broken off" : "done", LOG_T("endpoint", upstream_id(f->upstream)),
              LOG_T("request_id", f->request_id), LOG_N("status", stats->status),
              LOG_N("request_bytes", stats->request_bytes), LOG_N("response_bytes", stats->response_bytes));
    if (broken || stats->status)
        note_end(f, stats, broken);
    upstream_unref(f->upstream);
    free(f);
}

static const struct http_splice_owner owner = {.make_call = make_call,
                                               .on_response = on_response,
                                               .peeks = may_be_certificate_required,
                                               .may_retry = may_retry,
                                               .refuse = refuse_splice,
                                               .on_over = on_over};

void forward_start(struct http_exchange *x, struct upstream *u, const struct forward_sender *sender,
                   void (*on_news)(void *ctx), void *ctx)
{
    /* The gateway asks for none on such an endpoint, unless it is another's by now. */
    if (x->request.protocol.len && !upstream_takes_websocket(u)) {
        forward_refuse(x, REASON_UNSUPPORTED, NULL);
        return;
    }
    struct forward *f = mem_zalloc(sizeof *f);
    f->upstream = upstream_ref(u);
    f->by = sender->by;
    f->on_news = on_news;
    f->news_ctx = ctx;
    f->may_stay = x->request.may_stay =
        x->request.protocol.len && http_fields_remove(&x->request.fields, SLICE(TUNNEL_STAY_FIELD)) > 0;
    read_request_id(x, f->request_id);
    struct slice client = http_fields_get(&x->request.fields, SLICE("cmg-client-id"));
    (void)!slice_to_cstr(client.ptr ? client : sender->by.whom, f->client, sizeof f->client);
    const struct http_splice_sender one = {sender->of, sender->by.whom, clock_mono_ms()};
    (void)http_splice_start(x, &x->request, UINT64_MAX, &one, &owner, f);
}
