/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Windows. The connection's credit goes back on receipt, so that no stream can take it from another; only when all that
 * is unconsumed passes the budget is it withheld. A stream's credit goes back when its user consumed the data. A
 * stream whose peer fills the window within a round trip, and whose user takes it all, gets twice the window: the
 * bandwidth-delay product is larger than it.
 */
#include "http/h2/internal.h"

enum { RTT_VALID_US = 10 * 1000 * 1000, RTT_EVERY_US = 1000 * 1000, SLACK_US = 2000 };

void h2_flow_start(struct http_h2 *h)
{
    size_t w = h->o.window_budget;
    if (w < H2_WINDOW_FIRST)
        w = h->o.window_budget = H2_WINDOW_FIRST;
    if (w > INT32_MAX)
        w = INT32_MAX;
    if (nghttp2_session_set_local_window_size(h->ng, NGHTTP2_FLAG_NONE, 0, (int32_t)w) != 0)
        fatal("http: the HTTP/2 window was refused");
}

void h2_flow_clock(struct http_h2 *h)
{
    h->now_us = loop_clock_us(h->loop);
}

/* The least of the last ten seconds: what queues on the way would only feed itself. */
void h2_flow_pong(struct http_h2 *h)
{
    if (!h->rtt_ping_us)
        return;
    uint64_t sample = h->now_us - h->rtt_ping_us;
    if (!h->rtt_us || sample < h->rtt_us || h->now_us - h->rtt_at_us > RTT_VALID_US) {
        h->rtt_us = sample ? sample : 1;
        h->rtt_at_us = h->now_us;
    }
    h->rtt_ping_us = 0;
    h->rtt_seen_us = h->now_us;
}

static void measure(struct http_h2 *h)
{
    if (h->rtt_ping_us || (h->rtt_us && h->now_us - h->rtt_seen_us < RTT_EVERY_US))
        return;
    h->rtt_ping_us = h->now_us;
    h2_health_ping(h, H2_PING_RTT);
}

void h2_flow_dropped(struct http_h2 *h, size_t n)
{
    if (!h->closing)
        (void)nghttp2_session_consume_connection(h->ng, n);
}

void h2_flow_received(struct h2_stream *s, size_t n)
{
    struct http_h2 *h = s->h;
    if (h->now_us - s->epoch_us > h->rtt_us) {
        s->epoch_us = h->now_us;
        s->arrived = 0;
    }
    s->arrived += n;
    s->unconsumed += n;
    h->unconsumed += n;
    if (h->unconsumed > h->o.window_budget)
        h->withheld += n;
    else
        (void)nghttp2_session_consume_connection(h->ng, n);
    measure(h);
}

/* The peer filled most of the window within a round trip, and the user took nearly all of it within another. */
static bool wants_more(struct h2_stream *s)
{
    struct http_h2 *h = s->h;
    if (!h->rtt_us || s->arrived < s->window / 3 * 2 || s->unconsumed > s->window / 4)
        return false;
    h2_flow_clock(h);
    return h->now_us - s->epoch_us <= 2 * h->rtt_us + SLACK_US;
}

static void grow(struct h2_stream *s)
{
    struct http_h2 *h = s->h;
    size_t more = s->window;
    if (s->window + more > H2_WINDOW_MAX || h->grown + more > h->o.window_budget)
        return;
    if (nghttp2_session_set_local_window_size(h->ng, NGHTTP2_FLAG_NONE, s->id, (int32_t)(s->window + more)) != 0)
        return;
    s->window += more;
    h->grown += more;
    s->arrived = 0;
    s->epoch_us = h->now_us;
}

static void less_unconsumed(struct http_h2 *h, size_t n)
{
    h->unconsumed -= n;
    if (h->closing || !h->withheld || h->unconsumed > h->o.window_budget)
        return;
    (void)nghttp2_session_consume_connection(h->ng, h->withheld);
    h->withheld = 0;
    h2_schedule(h);
}

void h2_flow_consumed(struct h2_stream *s, size_t n)
{
    struct http_h2 *h = s->h;
    if (n > s->unconsumed)
        n = s->unconsumed;
    if (n == 0)
        return;
    s->unconsumed -= n;
    less_unconsumed(h, n);
    if (s->remote_end || !h2_stream_live(s))
        return;
    s->progress_ms = loop_now_ms(h->loop);
    (void)nghttp2_session_consume_stream(h->ng, s->id, n);
    if (wants_more(s))
        grow(s);
    h2_schedule(h);
}

void h2_flow_ended(struct h2_stream *s)
{
    s->h->grown -= s->window - H2_WINDOW_FIRST;
    s->window = H2_WINDOW_FIRST;
    less_unconsumed(s->h, s->unconsumed);
    s->unconsumed = 0;
}
