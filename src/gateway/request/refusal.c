/* SPDX-License-Identifier: Apache-2.0 */
/* Makes the answer of a reason, and counts and logs it: so status, code, problem and counter can't disagree. Never
 * decides. In the thread whose metrics they are. */
#include "gateway/request/refusal.h"

#include <stdlib.h>

#include "base/host/gather.h"
#include "base/host/trail.h"
#include "net/address.h"
#include "verdict/problem.h"

struct head_writer {
    struct http_response *head;
    struct arena *arena;
};

/* A refusal's own fields are few and short; if even they do not fit the arena, the bare status goes out. */
static void add_field(struct head_writer *w, struct slice name, struct slice value)
{
    if (value.ptr)
        (void)!http_fields_add(&w->head->fields, w->arena, name, value);
}

/* RFC 6750 3 for tokens; PROTOCOL 6 for certificates. */
static void add_challenge(struct head_writer *w, const struct verdict_reason_info *why)
{
    if (why->refusal == REFUSAL_INVALID_CLIENT_CERTIFICATE)
        add_field(w, SLICE("www-authenticate"), arena_printf(w->arena, "CMG-Certificate reason=\"%s\"", why->name));
    else if (why->refusal == REFUSAL_INVALID_TOKEN && slice_eq(slice_of(why->name), SLICE("missing")))
        add_field(w, SLICE("www-authenticate"), SLICE("Bearer"));
    else if (why->refusal == REFUSAL_INVALID_TOKEN)
        add_field(w, SLICE("www-authenticate"),
                  arena_printf(w->arena, "Bearer error=\"invalid_token\", error_description=\"%s\"", why->name));
}

static void add_fields(struct head_writer *w, const struct refusal *r, const struct verdict_reason_info *why)
{
    const struct verdict_refusal_info *what = verdict_refusal_info(why->refusal);
    add_field(w, SLICE("cmg-status-text"), slice_of(what->code));
    add_field(w, SLICE("content-type"), SLICE(VERDICT_PROBLEM_TYPE));
    add_field(w, SLICE("cache-control"), SLICE("no-store"));
    add_challenge(w, why);
    if (r->allow.len)
        add_field(w, SLICE("allow"), r->allow);
    if (verdict_refusal_passes(why->refusal))
        add_field(w, SLICE("retry-after"), arena_printf(w->arena, "%d", VERDICT_RETRY_AFTER_S));
}

static const char *detail_of(const struct refusal *r)
{
    return r->detail && r->detail[0] ? r->detail : verdict_reason_info(r->reason)->text;
}

void refusal_note(const struct refusal *r, struct slice method, struct slice target)
{
    const struct verdict_reason_info *why = verdict_reason_info(r->reason);
    const struct verdict_refusal_info *what = verdict_refusal_info(why->refusal);
    atomic_fetch_add_explicit(&r->metrics->refusals[r->reason], 1, memory_order_relaxed);
    size_t query = slice_find(target, '?'); /* queries can hold secrets of the upstream */
    if (!log_gather(LOG_WARN, "gateway", "refused", net_group_of(r->peer).text, why->name, clock_mono_ms()))
        return;
    LOG_EVENT(LOG_WARN, "gateway", "refused", LOG_T("code", what->code), LOG_T("reason", why->name),
              LOG_S("detail", log_cut(slice_of(detail_of(r)))), LOG_T("request_id", r->request_id),
              LOG_T("peer", r->peer), LOG_T("client", r->client ? r->client : ""), LOG_S("method", log_cut(method)),
              LOG_S("path", log_cut(query == SIZE_MAX ? target : slice_make(target.ptr, query))));
    trail_note(r->known ? TRAIL_FAILED : TRAIL_STRANGERS, r->request_id,
               &(struct trail_step){.what = "refused",
                                    .reason = why->name,
                                    .client = r->client,
                                    .detail = detail_of(r),
                                    .status = what->status});
}

void refusal_build(const struct refusal *r, struct arena *arena, struct slice method, struct slice target,
                   struct http_response *ret_head, struct slice *ret_body)
{
    const struct verdict_reason_info *why = verdict_reason_info(r->reason);
    const struct verdict_refusal_info *what = verdict_refusal_info(why->refusal);
    refusal_note(r, method, target);

    char *text = verdict_problem(r->reason, r->detail, r->remedy, r->request_id);
    *ret_body = arena_dup(arena, slice_of(text));
    free(text);
    *ret_head = (struct http_response){
        .status = what->status, .reason = slice_of(what->code), .content_length = (int64_t)ret_body->len};
    struct head_writer w = {ret_head, arena};
    add_fields(&w, r, why);
}

void refusal_send(const struct refusal *r, struct http_exchange *x)
{
    struct http_response head;
    struct slice body;
    refusal_build(r, x->arena, x->request.method, x->request.target, &head, &body);
    bool no_body = body.len == 0 || slice_eq(x->request.method, SLICE("HEAD"));
    http_exchange_respond(x, &head, no_body);
    if (no_body)
        return;
    http_exchange_write(x, body);
    http_exchange_finish(x, NULL);
}
