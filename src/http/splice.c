/* SPDX-License-Identifier: Apache-2.0 */
/* Callbacks of the exchange on one side, of the call on the other, and what is held until it is sure that no retry is
 * needed. In the loop's thread; owns the call, borrows the exchange. */
#include "http/splice.h"

#include <stdlib.h>

#include "base/buf.h"
#include "base/mem.h"
#include "http/websocket.h"

enum { REPLAY_MAX = 64 * 1024, HELD_STEP = 4096, HELD_LEAST = 512 };

struct http_splice {
    const struct http_splice_owner *owner;
    void *ctx;
    struct http_exchange *exchange; /* NULL once over */
    struct http_call *call;         /* NULL once over */
    struct http_request request;
    uint64_t max_body;
    struct buf replay; /* the body so far, while it may have to be sent again */
    bool replayable;   /* replay holds all of it */
    bool answered, body_ended;
    struct http_websocket_frames frames; /* of the answer, when it is one */
    bool leaving;                        /* it ends between two of them */
    bool waits;                          /* no call could be made yet */
    struct http_response held;           /* waits for the body to begin, when is_held; in the exchange's arena */
    bool is_held;
    uint64_t sent, credited; /* body bytes that this call has passed on; of all calls' bytes, credited to the asker */
    uint64_t taken;          /* bytes of the answer's body */
    struct http_splice_senders senders;
    struct crowd_member of_sender, of_heads; /* in none of them, where it is for the owner itself */
    struct http_splice_stats stats;
};

static void end_splice(struct http_splice *s, const struct error *broken)
{
    if (s->call)
        http_call_cancel(s->call);
    if (s->exchange)
        http_exchange_reset(s->exchange);
    buf_free(&s->replay);
    crowd_part(s->senders.bodies, &s->of_sender);
    crowd_part(s->senders.heads, &s->of_heads);
    s->owner->on_over(s->ctx, &s->stats, broken);
    free(s);
}

static void refuse_exchange(struct http_splice *s, enum http_splice_refusal what, const struct http_failure *why)
{
    struct http_exchange *x = s->exchange;
    s->exchange = NULL;
    s->owner->refuse(s->ctx, x, what, why);
    end_splice(s, NULL);
}

void http_splice_abort(struct http_splice *s)
{
    struct error err;
    (void)error_set(&err, R_DENIED, "ended by this side");
    end_splice(s, &err);
}

/* --- what it holds --- */

static void give_up(struct http_splice *s)
{
    struct error err;
    if (!s->answered) {
        refuse_exchange(s, HTTP_SPLICE_CROWDED, NULL);
        return;
    }
    (void)error_set(&err, R_LIMIT, "too much of this sender's is under way that nobody takes");
    end_splice(s, &err);
}

static void give_way(struct crowd_member *m)
{
    give_up(container_of(m, struct http_splice, of_sender));
}

static void give_way_by_head(struct crowd_member *m)
{
    give_up(container_of(m, struct http_splice, of_heads));
}

/* In steps, so that few pieces are counted anew: as much at least, where it is more than very little, for a sender may
 * have thousands of splices. */
static size_t held_now(const struct http_splice *s)
{
    uint64_t up = s->stats.request_bytes - s->credited, down = s->stats.response_bytes - s->taken;
    size_t n = (size_t)(up + down) + buf_len(&s->replay);
    return n < HELD_LEAST ? 0 : (n + HELD_STEP - 1) / HELD_STEP * HELD_STEP;
}

/* The more all hold, the less may one: several in concert are to fill no session either. What a stream of one may hold
 * (4 MiB) is nobody's fault. */
static const struct {
    size_t all, one;
} bounds[] = {{HTTP_SPLICES_HOLD, HTTP_SPLICES_SHARE}, {56 << 20, 8 << 20}, {60 << 20, 4 << 20}};

/* The last thing in a callback: it may end any splice of the crowd, this one too. */
static void weigh(struct http_splice *s)
{
    struct crowd *senders = s->senders.bodies;
    if (!s->of_sender.holder)
        return;
    size_t before = s->of_sender.bytes, now = held_now(s);
    crowd_hold(senders, &s->of_sender, now);
    for (size_t i = 0; i < ARRAY_LEN(bounds) && now > before; i++)
        crowd_relieve(senders, bounds[i].all, bounds[i].one);
}

static void stop_keeping(struct http_splice *s)
{
    s->replayable = false;
    buf_free(&s->replay);
}

/* --- answer --- */

static void call_inform(void *ctx, const struct http_response *head)
{
    struct http_splice *s = ctx;
    http_exchange_inform(s->exchange, head);
}

static void pass_head(struct http_splice *s, const struct http_response *head, struct slice begin)
{
    struct http_response changed = *head;
    s->owner->on_response(s->ctx, s->exchange, &changed, begin);
    http_exchange_respond(s->exchange, &changed, head->ends);
    if (head->ends)
        s->exchange = NULL; /* the end of the call follows */
}

/* False: the arena is full. */
static bool hold_head(struct http_splice *s, const struct http_response *head)
{
    struct arena *a = s->exchange->arena;
    s->held =
        (struct http_response){.status = head->status, .content_length = head->content_length, .ends = head->ends};
    s->held.reason = arena_dup(a, head->reason);
    s->is_held = s->held.reason.ptr || !head->reason.len;
    for (size_t i = 0; i < head->fields.count && s->is_held; i++) {
        struct slice name = arena_dup(a, head->fields.list[i].name), value = arena_dup(a, head->fields.list[i].value);
        s->is_held = name.ptr && (value.ptr || !head->fields.list[i].value.len) &&
                     http_fields_add(&s->held.fields, a, name, value) == OK;
    }
    return s->is_held;
}

static void release_head(struct http_splice *s, struct slice begin)
{
    if (!s->is_held)
        return;
    s->is_held = false;
    pass_head(s, &s->held, begin);
}

static void call_response(void *ctx, const struct http_response *head)
{
    struct http_splice *s = ctx;
    s->answered = true;
    s->stats.status = head->status;
    stop_keeping(s);
    if (!s->owner->peeks || !s->owner->peeks(s->ctx, head) || !hold_head(s, head))
        pass_head(s, head, SLICE_NONE);
    weigh(s); /* what was kept for a second try is gone, and nothing else may come for long */
}

static bool is_switched(const struct http_splice *s)
{
    return s->stats.status == 101;
}

/* Of what a server says by WebSocket, no more than the frame that is under way, when it is to end. */
static struct slice followed(struct http_splice *s, struct slice data)
{
    size_t n = http_websocket_frame_part(&s->frames, data);
    while (n < data.len && !(s->leaving && http_websocket_between_frames(&s->frames)))
        n += http_websocket_frame_part(&s->frames, slice_skip(data, n));
    return slice_make(data.ptr, n);
}

void http_splice_leave(struct http_splice *s)
{
    if (!is_switched(s) || !s->exchange)
        return;
    s->leaving = true;
    if (!http_websocket_between_frames(&s->frames))
        return;
    http_exchange_write(s->exchange, SLICE(HTTP_WEBSOCKET_GOING_AWAY));
    http_exchange_finish(s->exchange, NULL);
    s->exchange = NULL;
    end_splice(s, NULL);
}

static void call_body(void *ctx, struct slice data)
{
    struct http_splice *s = ctx;
    release_head(s, data);
    if (is_switched(s))
        data = followed(s, data);
    s->stats.response_bytes += data.len;
    http_exchange_write(s->exchange, data);
    if (s->leaving)
        http_splice_leave(s);
    else
        weigh(s);
}

static void call_end(void *ctx, const struct http_fields *trailers)
{
    struct http_splice *s = ctx;
    release_head(s, SLICE_NONE);
    if (s->exchange)
        http_exchange_finish(s->exchange, trailers);
    s->exchange = NULL;
    s->call = NULL;
    end_splice(s, NULL);
}

/* After a retry the same bytes pass again: only what passes for the first time is credited. */
static void call_sent(void *ctx, size_t n)
{
    struct http_splice *s = ctx;
    s->sent += n;
    if (s->sent <= s->credited || !s->exchange)
        return;
    size_t fresh = (size_t)(s->sent - s->credited);
    s->credited = s->sent;
    http_exchange_consumed(s->exchange, fresh);
    weigh(s);
}

static const struct http_call_events call_events;

/* With what is here of the request's body already. False: there is no way, nor will there be. */
static bool make_call(struct http_splice *s)
{
    enum result r = s->owner->make_call(s->ctx, &s->request, s->stats.retried, &call_events, s, &s->call);
    s->waits = r == R_AGAIN;
    if (r != OK)
        return s->waits;
    if (buf_len(&s->replay))
        http_call_write(s->call, buf_data(&s->replay));
    if (s->body_ended && s->request.has_body)
        http_call_finish(s->call);
    return true;
}

static bool retry_call(struct http_splice *s, const struct http_failure *why)
{
    if (s->stats.retried || why->answered || !s->replayable || !s->owner->may_retry(s->ctx, why))
        return false;
    s->stats.retried = true;
    s->sent = 0;
    return make_call(s);
}

static void call_fail(void *ctx, const struct http_failure *why)
{
    struct http_splice *s = ctx;
    s->call = NULL;
    if (retry_call(s, why))
        return;
    if (!s->answered) {
        refuse_exchange(s, HTTP_SPLICE_FAILED, why);
        return;
    }
    s->stats.broke_inside = true;
    if (s->exchange)
        s->exchange->broken_inside = why->kind == HTTP_FAIL_PROTOCOL;
    end_splice(s, &why->error);
}

static const struct http_call_events call_events = {
    .on_inform = call_inform,
    .on_response = call_response,
    .on_body = call_body,
    .on_end = call_end,
    .on_sent = call_sent,
    .on_fail = call_fail,
};

/* --- request --- */

static void exchange_body(void *ctx, struct slice data)
{
    struct http_splice *s = ctx;
    s->stats.request_bytes += data.len;
    if (s->stats.request_bytes > s->max_body) {
        if (s->answered)
            http_splice_abort(s);
        else
            refuse_exchange(s, HTTP_SPLICE_TOO_LARGE, NULL);
        return;
    }
    if (s->replayable && buf_append(&s->replay, data) != OK) {
        if (s->waits) { /* more than a window: the asker does not keep to it */
            refuse_exchange(s, HTTP_SPLICE_NO_WAY, NULL);
            return;
        }
        stop_keeping(s);
    }
    if (s->call)
        http_call_write(s->call, data);
    weigh(s);
}

static void exchange_body_end(void *ctx)
{
    struct http_splice *s = ctx;
    s->body_ended = true;
    if (s->request.has_body && s->call)
        http_call_finish(s->call);
}

static void exchange_sent(void *ctx, size_t n)
{
    struct http_splice *s = ctx;
    s->taken += n;
    http_call_consumed(s->call, n);
    weigh(s);
}

static void exchange_abort(void *ctx, const struct error *why)
{
    struct http_splice *s = ctx;
    s->exchange = NULL;
    end_splice(s, s->answered ? why : NULL);
}

static const struct http_exchange_events exchange_events = {
    .on_body = exchange_body,
    .on_body_end = exchange_body_end,
    .on_sent = exchange_sent,
    .on_abort = exchange_abort,
};

/* --- start --- */

void http_splice_go_on(struct http_splice *s)
{
    if (s->waits && !make_call(s))
        refuse_exchange(s, HTTP_SPLICE_NO_WAY, NULL);
}

/* Before its call is made: its sender's others may end. It does not: of those who hold most, who began first does. */
static void count_in(struct http_splice *s, const struct http_splice_sender *sender)
{
    size_t head = arena_used(s->exchange->arena);
    if (!sender->key.len || !s->senders.bodies)
        return;
    crowd_join(s->senders.bodies, &s->of_sender, sender->key, sender->now_ms, give_way);
    if (head < HTTP_SPLICE_HEAD_USUAL)
        return;
    crowd_join(s->senders.heads, &s->of_heads, sender->key, sender->now_ms, give_way_by_head);
    crowd_hold(s->senders.heads, &s->of_heads, head);
    crowd_relieve(s->senders.heads, HTTP_SPLICES_HEADS, HTTP_SPLICES_HEADS_SHARE);
}

struct http_splice *http_splice_start(struct http_exchange *x, const struct http_request *request, uint64_t max_body,
                                      const struct http_splice_sender *sender, const struct http_splice_owner *owner,
                                      void *ctx)
{
    struct http_splice *s = mem_zalloc(sizeof *s);
    *s = (struct http_splice){.owner = owner,
                              .ctx = ctx,
                              .exchange = x,
                              .request = *request,
                              .max_body = max_body,
                              .senders = sender->of,
                              .replayable = owner->may_retry != NULL};
    buf_init(&s->replay, REPLAY_MAX);
    x->events = &exchange_events;
    x->ctx = s;
    count_in(s, sender);
    if (make_call(s))
        return s;
    refuse_exchange(s, HTTP_SPLICE_NO_WAY, NULL);
    return NULL;
}
