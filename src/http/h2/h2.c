/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The HTTP/2 session's plumbing: bytes from the stream into nghttp2, frames out of it gathered into few large writes at
 * the end of the loop's iteration, and the life of sessions and streams. A session is freed from its deferred step
 * alone, so whatever the user does in a callback, everything stands until he has returned.
 */
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include <malloc.h>

#include "base/mem.h"
#include "http/h2/internal.h"
#include "http/server_face.h"

enum {
    ROUNDS = 16,      /* of writing and reporting within one step, then the loop gets its turn */
    QUEUE_MAX = 4096, /* frames of ours that a peer who does not read may pile up, beside its streams */
    HEAD_OUT_MAX = 4 * HTTP_HEAD_MAX,
};

const struct http_h2_options http_h2_tunnel_options = {
    .max_streams = 32768,
    .window_budget = 64 * 1024 * 1024,
    .ping_ms = 10 * 1000,
    .ping_timeout_ms = 5 * 1000,
    .websocket = true,
    .for_many = true,
    .header_table = 64 * 1024,
};

void h2_schedule(struct http_h2 *h)
{
    if (h->in_step)
        h->dirty = true;
    else
        loop_defer(h->loop, &h->step);
}

void h2_fail(struct http_h2 *h, uint32_t goaway, enum result code, const char *fmt, ...)
{
    if (h->closing)
        return;
    char text[ERROR_TEXT_MAX];
    va_list args;
    va_start(args, fmt);
    (void)vsnprintf(text, sizeof text, fmt, args);
    va_end(args);
    (void)error_set(&h->why, code, "%s", text);
    h->goaway_code = goaway;
    h->closing = true;
    h2_schedule(h);
}

/* --- streams --- */

void h2_stream_init(struct http_h2 *h, struct h2_stream *s, int32_t id)
{
    s->h = h;
    s->id = id;
    s->window = H2_WINDOW_FIRST;
    s->progress_ms = loop_now_ms(h->loop);
    buf_init(&s->out, H2_OUT_MAX);
    LIST_INSERT_HEAD(&h->streams, s, all);
    h->open++;
    h->active++;
}

void h2_stream_over(struct h2_stream *s)
{
    if (s->over)
        return;
    s->over = true;
    s->h->active--;
    if (!s->h->role->server)
        return;
    SLIST_INSERT_HEAD(&s->h->over, s, as_over);
    h2_schedule(s->h);
}

void h2_stream_hold(struct h2_stream *s, size_t head_bytes)
{
    struct http_h2 *h = s->h;
    h->heads += head_bytes - s->head_bytes;
    s->head_bytes = head_bytes;
}

static size_t held_now(const struct http_h2 *h)
{
    size_t n = h->heads + h->unsent + net_stream_queued(h->stream);
    if (h->head.arena)
        n += arena_used(h->head.arena);
    if (h->let_in)
        return n - n % HTTP_HELD_STEP;
    return n + (h->kept > h->kept_first ? h->kept - h->kept_first : 0);
}

/* Outside of nghttp2, for the owner may end sessions. */
static void tell_held(struct http_h2 *h)
{
    if (h->closing || !h->events->on_held)
        return;
    size_t held = held_now(h);
    if (held == h->told)
        return;
    h->told = held;
    h->events->on_held(h->owner, held);
}

static void drop_head(struct h2_stream *s)
{
    if (s->h->head.arena == s->arena)
        s->h->head.arena = NULL;
    arena_free(s->arena);
    s->arena = NULL;
}

/* Outside of every callback: an answer that waits for the peer's window needs nothing of the request any more. */
static void drop_heads(struct http_h2 *h)
{
    struct h2_stream *s;
    while ((s = SLIST_FIRST(&h->over))) {
        SLIST_REMOVE_HEAD(&h->over, as_over);
        if (s->trailers)
            continue; /* they lie there; the end of the stream frees it */
        drop_head(s);
        if (s->head_bytes)
            h2_stream_hold(s, H2_STREAM_COST);
    }
}

static void drop_out(struct h2_stream *s)
{
    s->h->unsent -= buf_len(&s->out);
    buf_free(&s->out);
}

static void stream_free(struct h2_stream *s)
{
    struct http_h2 *h = s->h;
    h->active -= !s->over;
    h2_flow_ended(s);
    LIST_REMOVE(s, all);
    h2_stream_hold(s, 0);
    drop_out(s);
    if (--h->open == 0)
        h->idle_ms = loop_now_ms(h->loop);
    drop_head(s);
    h->role->free(s);
}

void h2_stream_write(struct h2_stream *s, struct slice data)
{
    if (s->over || s->eof || data.len == 0 || !h2_stream_live(s))
        return;
    if (buf_len(&s->out) == 0)
        s->progress_ms = loop_now_ms(s->h->loop);
    if (buf_append(&s->out, data) != OK) {
        h2_stream_reset(s, NGHTTP2_INTERNAL_ERROR);
        return;
    }
    s->h->unsent += data.len;
    if (s->deferred) {
        s->deferred = false;
        (void)nghttp2_session_resume_data(s->h->ng, s->id);
    }
    h2_schedule(s->h);
}

void h2_stream_finish(struct h2_stream *s)
{
    if (s->eof || !h2_stream_live(s))
        return;
    s->eof = true;
    if (s->deferred) {
        s->deferred = false;
        (void)nghttp2_session_resume_data(s->h->ng, s->id);
    }
    h2_schedule(s->h);
}

void h2_stream_reset(struct h2_stream *s, uint32_t code)
{
    if (s->reset || !h2_stream_live(s))
        return;
    s->reset = true;
    drop_out(s);
    (void)nghttp2_submit_rst_stream(s->h->ng, NGHTTP2_FLAG_NONE, s->id, code);
    h2_schedule(s->h);
}

/* Outside of nghttp2: the last word to the users of streams that it has closed. */
static void reap(struct http_h2 *h)
{
    struct h2_stream *s;
    drop_heads(h);
    while ((s = SLIST_FIRST(&h->closed))) {
        SLIST_REMOVE_HEAD(&h->closed, as_closed);
        if (!s->over)
            h->role->on_gone(s, NULL);
        drop_heads(h);
        stream_free(s);
    }
}

static void report_sent(struct http_h2 *h)
{
    struct h2_stream *s;
    while ((s = SLIST_FIRST(&h->sent))) {
        size_t n = s->sent;
        SLIST_REMOVE_HEAD(&h->sent, as_sent);
        s->in_sent = false;
        s->sent = 0;
        if (!s->over)
            h->role->on_sent(s, n);
    }
}

/* --- the end --- */

/* Nothing more to read and nothing to write, and nobody said h2_fail: nghttp2 ended it for a fault, or both sides are
 * done. In peace, what the kernel has not taken yet is still sent, and the peer closes (or h2_health loses patience):
 * a close with unread bytes would be a reset, which can take the end of an answer with it. */
static void ended_by_itself(struct http_h2 *h)
{
    const struct error *e = h->our_complaint.code    ? &h->our_complaint
                            : h->peer_complaint.code ? &h->peer_complaint
                                                     : NULL;
    if (e)
        h2_fail(h, NGHTTP2_NO_ERROR, e->code, "%s", e->text);
    else if (h->open)
        h2_fail(h, NGHTTP2_NO_ERROR, R_EOF, "the connection ended");
    else
        h2_health_linger(h);
}

static void tell_all(struct http_h2 *h)
{
    struct h2_stream *s;
    LIST_FOREACH(s, &h->streams, all)
        if (!s->over)
            h->role->on_gone(s, s->closed ? NULL : &h->why);
}

static void destroy(struct http_h2 *h)
{
    tell_all(h);
    SLIST_INIT(&h->closed);
    SLIST_INIT(&h->over);
    while (!LIST_EMPTY(&h->streams))
        stream_free(LIST_FIRST(&h->streams));
    net_stream_close(h->stream);
    if (h->events->on_close)
        h->events->on_close(h->owner, &h->why);
    loop_defer_cancel(&h->step);
    h2_health_stop(h);
    nghttp2_session_del(h->ng);
    free(h);
}

/* The only place where a session is ended from this side: outside of nghttp2, and without it, for after a callback has
 * failed nothing but nghttp2_session_del is allowed (nghttp2_error). What was submitted before goes out first where
 * that may still be asked for, as far as the peer reads; then GOAWAY (RFC 9113 5.4.1), unless nghttp2 has sent its own.
 */
static void end_session(struct http_h2 *h)
{
    if (!h->spent)
        h2_flush(h);
    if (!h->our_complaint.code)
        h2_write_goaway(h);
    destroy(h);
}

static void step(void *arg)
{
    struct http_h2 *h = arg;
    h->in_step = true;
    for (int round = 0; round < ROUNDS && !h->closing; round++) {
        h->dirty = false;
        h->greeted = true;
        h2_health_say_final(h);
        h2_flush(h);
        report_sent(h);
        reap(h);
        if (!h->dirty)
            break;
    }
    tell_held(h);
    if (!h->closing && !h->linger_ms && !nghttp2_session_want_read(h->ng) && !nghttp2_session_want_write(h->ng))
        ended_by_itself(h);
    if (h->closing) {
        end_session(h);
        return;
    }
    h->in_step = false;
    if (h->dirty)
        h2_schedule(h);
}

/* --- the stream below --- */

/* SETTINGS are the first frame, whatever is found in the first that the peer sends (RFC 9113 3.4). */
static void greet(struct http_h2 *h)
{
    if (h->greeted || h->closing)
        return;
    h->greeted = true;
    h2_flush(h);
    report_sent(h);
}

static void on_data(void *ctx, struct slice data)
{
    struct http_h2 *h = ctx;
    greet(h);
    if (h->closing || h->linger_ms)
        return;
    h->received_ms = loop_now_ms(h->loop);
    h2_flow_clock(h);
    h->receiving = true;
    ssize_t n = nghttp2_session_mem_recv(h->ng, (const uint8_t *)data.ptr, data.len);
    h->receiving = false;
    h->spent = n < 0;
    if (n < 0) /* a callback's reason, when it was one, stays */
        h2_fail(h, NGHTTP2_ENHANCE_YOUR_CALM, n == NGHTTP2_ERR_FLOODED ? R_LIMIT : R_INVALID, "HTTP/2: %s",
                nghttp2_strerror((int)n));
    else if (nghttp2_session_get_outbound_queue_size(h->ng) > QUEUE_MAX + 2 * (size_t)h->o.max_streams)
        h2_fail(h, NGHTTP2_ENHANCE_YOUR_CALM, R_LIMIT, "the peer does not read what it asks for");
    if (h->spent)
        tell_all(h); /* before an answer's head has gone on, so that another can be given instead */
    reap(h);
    tell_held(h);
    h2_schedule(h);
}

static void on_end(void *ctx)
{
    struct http_h2 *h = ctx;
    struct error *e = h->peer_complaint.code ? &h->peer_complaint : NULL;
    h2_fail(h, NGHTTP2_NO_ERROR, e ? e->code : R_EOF, "%s", e ? e->text : "the peer closed the connection");
}

static void on_drain(void *ctx)
{
    h2_schedule(ctx);
}

static void on_close(void *ctx, const struct error *why)
{
    struct http_h2 *h = ctx;
    h2_fail(h, NGHTTP2_NO_ERROR, why ? why->code : R_IO, "%s", why ? why->text : "the connection broke");
}

static const struct net_stream_events below = {
    .on_data = on_data,
    .on_end = on_end,
    .on_drain = on_drain,
    .on_close = on_close,
};

/* --- making one --- */

static nghttp2_option *options(const struct http_h2_options *o)
{
    nghttp2_option *n;
    if (nghttp2_option_new(&n) != 0)
        fatal("http: no memory for HTTP/2");
    nghttp2_option_set_no_auto_window_update(n, 1);
    nghttp2_option_set_no_closed_streams(n, 1);
    nghttp2_option_set_max_send_header_block_length(n, HEAD_OUT_MAX);
    nghttp2_option_set_max_deflate_dynamic_table_size(n, o->header_table);
    nghttp2_option_set_max_reserved_remote_streams(n, 0);
    nghttp2_option_set_max_outbound_ack(n, 256);
    nghttp2_option_set_max_settings(n, 32);
    nghttp2_option_set_max_continuations(n, 8);
    nghttp2_option_set_stream_reset_rate_limit(n, UINT64_MAX / 2, 1); /* h2/health.c counts them */
    return n;
}

static void submit_settings(struct http_h2 *h)
{
    nghttp2_settings_entry list[] = {
        {NGHTTP2_SETTINGS_INITIAL_WINDOW_SIZE, H2_WINDOW_FIRST},
        {NGHTTP2_SETTINGS_MAX_HEADER_LIST_SIZE, HTTP_HEAD_MAX},
        {NGHTTP2_SETTINGS_NO_RFC7540_PRIORITIES, 1},
        {NGHTTP2_SETTINGS_HEADER_TABLE_SIZE, h->o.header_table},
        {NGHTTP2_SETTINGS_ENABLE_PUSH, 0},
        {NGHTTP2_SETTINGS_ENABLE_CONNECT_PROTOCOL, 1},
    };
    size_t count = ARRAY_LEN(list) - 1;
    if (h->role->server) {
        list[count - 1] = (nghttp2_settings_entry){NGHTTP2_SETTINGS_MAX_CONCURRENT_STREAMS, h->o.max_streams};
        count += h->o.websocket;
    }
    if (nghttp2_submit_settings(h->ng, NGHTTP2_FLAG_NONE, list, count) != 0)
        fatal("http: HTTP/2 settings were refused");
}

/* glibc's calloc is slow for what is small: see base/mem.c. nghttp2 takes several pieces a stream. */
static void *ng_calloc(size_t count, size_t size, void *user UNUSED)
{
    return count && size > SIZE_MAX / count ? NULL : mem_zalloc(count * size);
}

static void *ng_malloc(size_t size, void *user UNUSED)
{
    return malloc(size);
}

static void *ng_realloc(void *old, size_t size, void *user UNUSED)
{
    return mem_resize(old, 1, size);
}

static void ng_free(void *p, void *user UNUSED)
{
    free(p);
}

/* What nghttp2 keeps of a stranger is counted: a name and a value of 64 KiB each while they come, frames for who does
 * not read. */
static void *kept(struct http_h2 *h, void *p)
{
    if (!h->let_in)
        h->kept += malloc_usable_size(p);
    return p;
}

static void let_go(struct http_h2 *h, void *p)
{
    if (!h->let_in)
        h->kept -= malloc_usable_size(p);
}

static void *counted_calloc(size_t count, size_t size, void *user)
{
    return kept(user, ng_calloc(count, size, NULL));
}

static void *counted_malloc(size_t size, void *user)
{
    return kept(user, malloc(size));
}

static void *counted_realloc(void *old, size_t size, void *user)
{
    let_go(user, old);
    return kept(user, mem_resize(old, 1, size));
}

static void counted_free(void *p, void *user)
{
    let_go(user, p);
    free(p);
}

/* Nothing is counted, nor asked at each piece whether it is, where there never is a stranger: in tunnels. */
static nghttp2_mem memory_of(struct http_h2 *h)
{
    return h->o.stranger ? (nghttp2_mem){h, counted_malloc, counted_free, counted_calloc, counted_realloc}
                         : (nghttp2_mem){NULL, ng_malloc, ng_free, ng_calloc, ng_realloc};
}

struct http_h2 *h2_new(struct loop *loop, struct net_stream *stream, const struct http_h2_options *o,
                       const struct http_h2_events *events, void *owner, const struct h2_role *role)
{
    struct http_h2 *h = mem_zalloc(sizeof *h);
    *h = (struct http_h2){.loop = loop, .stream = stream, .o = *o, .events = events, .owner = owner, .role = role};
    h->newest_id = -1;
    h->let_in = !o->stranger;
    h->step = (struct loop_deferred){.fn = step, .arg = h};
    if (!h->o.header_table)
        h->o.header_table = H2_HEADER_TABLE;
    nghttp2_session_callbacks *c = h2_callbacks();
    nghttp2_option *n = options(&h->o);
    nghttp2_mem mem = memory_of(h);
    int r = (role->server ? nghttp2_session_server_new3 : nghttp2_session_client_new3)(&h->ng, c, h, n, &mem);
    if (r != 0)
        fatal("http: no memory for HTTP/2");
    nghttp2_option_del(n);
    nghttp2_session_callbacks_del(c);
    h->kept_first = h->kept;
    submit_settings(h);
    h2_flow_start(h);
    h2_health_start(h);
    net_stream_set_events(stream, &below, h);
    h2_schedule(h);
    return h;
}

void http_h2_let_in(struct http_h2 *h)
{
    h->let_in = true;
}

void http_h2_for_many(struct http_h2 *h)
{
    h->o.for_many = true;
}

size_t http_h2_streams(const struct http_h2 *h)
{
    return h->active;
}

bool http_h2_draining(const struct http_h2 *h)
{
    return h->draining || h->peer_draining || h->linger_ms || h->closing;
}

/* RFC 9113 6.8: a server says so first, and names its last stream a round trip later, when requests that were under way
 * have arrived; a client has nothing to wait for. */
void http_h2_drain(struct http_h2 *h)
{
    if (h->draining || h->linger_ms || h->closing)
        return;
    h->draining = true;
    if (h->role->server) {
        (void)nghttp2_submit_shutdown_notice(h->ng);
        h2_health_notice(h);
    } else {
        (void)nghttp2_submit_goaway(h->ng, NGHTTP2_FLAG_NONE, 0, NGHTTP2_NO_ERROR, NULL, 0);
    }
    h2_schedule(h);
}

void http_h2_stop(struct http_h2 *h)
{
    if (h->stopped_ms || h->linger_ms || h->closing)
        return;
    h->final_due = h->final_due || !h->goaway_final;
    h->draining = h->goaway_final = true;
    h->notice_ms = 0;
    h2_health_stopped(h);
    h2_schedule(h);
}

void http_h2_close(struct http_h2 *h)
{
    h2_fail(h, NGHTTP2_NO_ERROR, R_EOF, "closed by this side");
}

/* Nothing is freed here: it may be called from inside a callback of any of the streams. */
void http_h2_abort(struct http_h2 *h)
{
    http_h2_close(h);
    tell_all(h);
}
