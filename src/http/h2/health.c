/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Clocks and limits of a session: is the peer alive, is the session idle, does a stream make progress, and does the
 * peer send frames that cost much and do nothing (pings, settings, empty DATA, window updates of a byte). One timer a
 * session, which is not moved by traffic: when it fires it looks what is due and sleeps until the next instant.
 */
#include "http/h2/internal.h"
#include "http/server_face.h"
#include "http/websocket.h"

enum {
    USELESS_BURST = 1000,
    USELESS_PER_SECOND = 100,
    UPDATES_BURST = 20000,
    UPDATES_PER_SECOND = 1000,
    COST_SETTINGS = 20,
    RESETS_BURST = 500, /* and twice the streams: all clients of a gateway may leave at once, through one tunnel */
    RESETS_PER_SECOND = 33,
    REFUSED_BURST = 10000, /* and twice the streams: four times what a stranger's whole address may have refused */
    REFUSED_PER_SECOND = 1000,
    LINGER_MS = 2000, /* for the peer's end, when ours is sent */
    LINGER_SENDING_MS = 30 * 1000,
    EARLY_MS = 1000, /* for the rest of a request that was answered early */
    EARLY_BYTES = 60 * 1024,
    NOTICE_MS = 1000, /* between the two GOAWAYs when no PING comes back */
};

/* --- frames that do nothing --- */

static void useless(struct http_h2 *h, uint64_t cost, const char *what)
{
    if (!bucket_take(&h->useless, cost, h->received_ms))
        h2_fail(h, NGHTTP2_ENHANCE_YOUR_CALM, R_LIMIT, "the peer sends too many %s", what);
}

void h2_health_received_frame(struct http_h2 *h, const nghttp2_frame *f)
{
    bool ack = (f->hd.flags & NGHTTP2_FLAG_ACK) != 0;
    switch (f->hd.type) {
    case NGHTTP2_PING:
        if (!ack)
            useless(h, 1, "PING frames");
        break;
    case NGHTTP2_SETTINGS:
        if (!ack)
            useless(h, COST_SETTINGS, "SETTINGS frames");
        break;
    case NGHTTP2_DATA:
        if (f->hd.length == f->data.padlen && !(f->hd.flags & NGHTTP2_FLAG_END_STREAM))
            useless(h, 1, "empty DATA frames");
        break;
    case NGHTTP2_WINDOW_UPDATE:
        if (!bucket_take(&h->updates, 1, h->received_ms))
            h2_fail(h, NGHTTP2_ENHANCE_YOUR_CALM, R_LIMIT, "the peer sends too many WINDOW_UPDATE frames");
        break;
    case NGHTTP2_RST_STREAM: /* nghttp2's own limit names INTERNAL_ERROR, and once for each reset above it */
        if (h->role->server && !h->o.for_many && !bucket_take(&h->resets, 1, h->received_ms))
            h2_fail(h, NGHTTP2_ENHANCE_YOUR_CALM, R_LIMIT, "the peer sends too many RST_STREAM frames");
        break;
    default:
        break;
    }
}

void h2_health_priority(struct http_h2 *h)
{
    useless(h, 1, "PRIORITY frames");
}

static bool names_fault(uint32_t code)
{
    return code == NGHTTP2_PROTOCOL_ERROR || code == NGHTTP2_STREAM_CLOSED || code == NGHTTP2_FLOW_CONTROL_ERROR ||
           code == NGHTTP2_FRAME_SIZE_ERROR;
}

/* Streams that we had to reset for the peer's faults are rapid reset by another road; those that we chose to reset, or
 * refused because we had no room, are not. Where there is no stream any more, or was none yet (the peer opens more than
 * it was told), only the peer can be at fault; an answer that is broken is one that we asked for, and a request may be
 * one of many. */
static bool is_peers_fault(const struct http_h2 *h, const nghttp2_frame *f)
{
    uint32_t code = f->rst_stream.error_code;
    const struct h2_stream *s = nghttp2_session_get_stream_user_data(h->ng, f->hd.stream_id);
    if (!s)
        return names_fault(code) || code == NGHTTP2_REFUSED_STREAM;
    return names_fault(code) && h->role->server && !h->o.for_many && !s->faultless;
}

void h2_health_sent_frame(struct http_h2 *h, const nghttp2_frame *f)
{
    bool answer = f->hd.type == NGHTTP2_DATA || f->hd.type == NGHTTP2_HEADERS;
    if (f->hd.type == NGHTTP2_DATA)
        bucket_add(&h->updates, 4); /* a peer may give credit for what it got */
    if (answer && (f->hd.flags & NGHTTP2_FLAG_END_STREAM))
        bucket_add(&h->useless, 1); /* who asks for real things may be a little chatty */
    else if (f->hd.type == NGHTTP2_RST_STREAM && is_peers_fault(h, f))
        useless(h, 2, "broken streams");
}

/* It may ask again (RFC 9113 8.7), but each time costs the decoding of a head. */
void h2_health_refused(struct http_h2 *h)
{
    if (!bucket_take(&h->refused, 1, h->received_ms))
        h2_fail(h, NGHTTP2_ENHANCE_YOUR_CALM, R_LIMIT, "the peer opens streams without end that there is no room for");
}

/* --- pings --- */

void h2_health_ping(struct http_h2 *h, enum h2_ping what)
{
    const uint8_t payload[8] = {'c', 'm', 'g', 0, 0, 0, 0, (uint8_t)what};
    (void)nghttp2_submit_ping(h->ng, NGHTTP2_FLAG_NONE, payload);
    h2_schedule(h);
}

/* The timer may be set for minutes: who answers no PING would be drained that late. */
void h2_health_notice(struct http_h2 *h)
{
    h->notice_ms = loop_now_ms(h->loop);
    h2_health_ping(h, H2_PING_DRAIN);
    loop_timer_start(h->timer, 1, 0);
}

void h2_health_final_goaway(struct http_h2 *h)
{
    if (h->goaway_final || !h->notice_ms || h->closing)
        return;
    h->goaway_final = h->final_due = true;
    h->notice_ms = 0;
    h2_schedule(h);
}

/* Not before: requests that stand in the same piece as the PING's answer are taken still, and none may have a larger id
 * than the one that is named (RFC 9113 6.8). */
void h2_health_say_final(struct http_h2 *h)
{
    if (h->final_due)
        (void)nghttp2_submit_goaway(h->ng, NGHTTP2_FLAG_NONE, nghttp2_session_get_last_proc_stream_id(h->ng),
                                    NGHTTP2_NO_ERROR, NULL, 0);
    h->final_due = false;
}

void h2_health_pong(struct http_h2 *h, const uint8_t payload[8])
{
    if (payload[7] == H2_PING_RTT)
        h2_flow_pong(h);
    else if (payload[7] == H2_PING_DRAIN)
        h2_health_final_goaway(h);
}

/* --- the timer --- */

static uint64_t sooner(uint64_t a, uint64_t b)
{
    return a < b ? a : b;
}

/* Each check does what is due at `now` and returns the next instant to look again (UINT64_MAX: none). */

static uint64_t check_ping(struct http_h2 *h, uint64_t now)
{
    if (!h->o.ping_ms)
        return UINT64_MAX;
    if (h->ping_ms && h->received_ms >= h->ping_ms)
        h->ping_ms = 0;
    if (h->ping_ms && now >= h->ping_ms + h->o.ping_timeout_ms) {
        h2_fail(h, NGHTTP2_NO_ERROR, R_TIMEOUT, "the peer did not answer a PING within %llu ms",
                (unsigned long long)h->o.ping_timeout_ms);
        return UINT64_MAX;
    }
    if (!h->ping_ms && now >= h->received_ms + h->o.ping_ms) {
        h->ping_ms = now;
        h2_health_ping(h, H2_PING_HEALTH);
    }
    return h->ping_ms ? h->ping_ms + h->o.ping_timeout_ms : h->received_ms + h->o.ping_ms;
}

static uint64_t check_idle(struct http_h2 *h, uint64_t now)
{
    if (!h->o.idle_ms || h->draining)
        return UINT64_MAX;
    if (h->open)
        return now + h->o.idle_ms;
    if (now < h->idle_ms + h->o.idle_ms)
        return h->idle_ms + h->o.idle_ms;
    http_h2_drain(h); /* not just closed: a request may be on its way */
    return UINT64_MAX;
}

/* It could make progress: there are bytes that the peer does not take, or the peer's body does not come although its
 * window is open. */
static bool waits_for_peer(const struct h2_stream *s)
{
    if (s->closed)
        return false;
    if (buf_len(&s->out))
        return true;
    if (s->websocket && !s->switched)
        return false; /* the peer waits for us */
    return !s->over && !s->remote_end && s->unconsumed == 0 && s->h->role->stalled(s);
}

static uint64_t patience_ms(const struct h2_stream *s)
{
    return s->switched && !buf_len(&s->out) ? HTTP_SWITCHED_IDLE_MS : s->h->o.body_ms;
}

static uint64_t check_bodies(struct http_h2 *h, uint64_t now)
{
    uint64_t next = now + h->o.body_ms;
    if (!h->o.body_ms)
        return UINT64_MAX;
    struct h2_stream *s, *after;
    LIST_FOREACH_SAFE(s, &h->streams, all, after) {
        if (!waits_for_peer(s))
            continue;
        if (now < s->progress_ms + patience_ms(s))
            next = sooner(next, s->progress_ms + patience_ms(s));
        else
            h2_stream_reset(s, NGHTTP2_CANCEL);
    }
    return next;
}

static uint64_t check_notice(struct http_h2 *h, uint64_t now)
{
    if (!h->notice_ms)
        return UINT64_MAX;
    if (now < h->notice_ms + NOTICE_MS)
        return h->notice_ms + NOTICE_MS;
    h2_health_final_goaway(h);
    return UINT64_MAX;
}

void h2_health_stopped(struct http_h2 *h)
{
    h->stopped_ms = loop_now_ms(h->loop);
    loop_timer_start(h->timer, HTTP_STOPPED_MS, 0);
}

/* Answers that it does not take would else stay as long as any other's. */
static uint64_t check_stopped(struct http_h2 *h, uint64_t now)
{
    if (!h->stopped_ms)
        return UINT64_MAX;
    if (now >= h->stopped_ms + HTTP_STOPPED_MS)
        h2_fail(h, NGHTTP2_NO_ERROR, R_LIMIT, "it was stopped, and does not take its answers");
    return h->stopped_ms + HTTP_STOPPED_MS;
}

static uint64_t check_linger(struct http_h2 *h, uint64_t now)
{
    bool sending = net_stream_queued(h->stream) > 0;
    uint64_t end = h->linger_ms + (sending ? LINGER_SENDING_MS : LINGER_MS);
    if (now >= end)
        h2_fail(h, NGHTTP2_NO_ERROR, R_EOF, "the connection is done");
    return sooner(end, now + LINGER_MS);
}

/* RFC 9113 8.1: answered before the request was all in, the rest of it is not wanted. The stream is not reset at once:
 * curl 7.88 and its likes forget an answer that they have not read yet when a reset comes behind it, and most rests are
 * short. */
static void reset_early(struct h2_stream *s)
{
    s->early_ms = 0;
    if (!s->remote_end)
        h2_stream_reset(s, NGHTTP2_NO_ERROR);
}

void h2_health_early(struct h2_stream *s)
{
    struct http_h2 *h = s->h;
    s->early_ms = loop_now_ms(h->loop);
    if (h->early_ms || h->linger_ms)
        return;
    h->early_ms = s->early_ms + EARLY_MS;
    loop_timer_start(h->timer, EARLY_MS, 0);
}

void h2_health_unwanted(struct h2_stream *s, size_t n)
{
    s->unwanted += n;
    if (s->early_ms && s->unwanted > EARLY_BYTES)
        reset_early(s);
}

static uint64_t check_early(struct http_h2 *h, uint64_t now)
{
    uint64_t next = UINT64_MAX;
    if (!h->early_ms)
        return UINT64_MAX;
    struct h2_stream *s, *after;
    LIST_FOREACH_SAFE(s, &h->streams, all, after) {
        if (!s->early_ms)
            continue;
        if (now < s->early_ms + EARLY_MS)
            next = sooner(next, s->early_ms + EARLY_MS);
        else
            reset_early(s);
    }
    h->early_ms = next == UINT64_MAX ? 0 : next;
    return next;
}

static void tick(void *arg)
{
    struct http_h2 *h = arg;
    if (h->closing)
        return;
    uint64_t now = loop_now_ms(h->loop);
    uint64_t next = check_stopped(h, now);
    if (h->closing)
        return;
    if (h->linger_ms) {
        loop_timer_start(h->timer, sooner(next, check_linger(h, now)) - now, 0);
        return;
    }
    next = sooner(next, check_ping(h, now));
    next = sooner(next, check_idle(h, now));
    next = sooner(next, check_bodies(h, now));
    next = sooner(next, check_notice(h, now));
    next = sooner(next, check_early(h, now));
    if (next != UINT64_MAX && !h->closing)
        loop_timer_start(h->timer, next > now ? next - now : 1, 0);
}

void h2_health_linger(struct http_h2 *h)
{
    h->linger_ms = loop_now_ms(h->loop);
    net_stream_shutdown(h->stream);
    loop_timer_start(h->timer, LINGER_MS, 0);
}

void h2_health_start(struct http_h2 *h)
{
    uint64_t now = loop_now_ms(h->loop);
    h->received_ms = h->idle_ms = now;
    bucket_start(&h->useless, USELESS_BURST, USELESS_PER_SECOND, now);
    bucket_start(&h->updates, UPDATES_BURST, UPDATES_PER_SECOND, now);
    bucket_start(&h->resets, RESETS_BURST + 2 * (uint64_t)h->o.max_streams, RESETS_PER_SECOND + h->o.max_streams / 8,
                 now);
    bucket_start(&h->refused, REFUSED_BURST + 2 * (uint64_t)h->o.max_streams, REFUSED_PER_SECOND + h->o.max_streams,
                 now);
    h->timer = loop_timer_new(h->loop, tick, h);
    tick(h);
}

void h2_health_stop(struct http_h2 *h)
{
    loop_timer_free(h->timer);
    h->timer = NULL;
}
