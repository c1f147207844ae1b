/* SPDX-License-Identifier: Apache-2.0 */
/* Owns the stream, paused, until a verdict is there or HOLD_MS are over; then it becomes a connection in any case,
 * and requests hear the refusal. In the worker's thread; answers of pool and responder may come when the stream is
 * gone. */
#include "gateway/client/hold.h"

#include <stdlib.h>

#include "base/clock.h"
#include "base/mem.h"
#include "gateway/client/admission.h"
#include "gateway/client/connection.h"
#include "gateway/judge/responder.h"
#include "gateway/judge/shown_verdict.h"
#include "net/strangers.h"
#include "tls/stream.h"

enum { HOLD_MS = 6000 };

struct hold {
    struct gateway_clients *clients;
    struct net_stream *stream; /* NULL: over, only the responder's answer is waited for */
    struct credential credential;
    struct net_address peer;
    struct crowd_member stranger;
    struct loop_timer *timer;
    struct judgement *judgement; /* while it is reached in the pool */
    bool slow;                   /* it is reached there alone */
    bool asked, asking;          /* responders: once; now */
};

/* The memory stays until the responder has called back. */
static void hold_over(struct hold *h)
{
    h->stream = NULL;
    h->clients->connection_count--;
    crowd_part(h->clients->strangers, &h->stranger);
    loop_timer_free(h->timer);
    h->timer = NULL;
    judging_cancel(h->judgement);
    if (!h->asking)
        free(h);
}

static void go_on(struct hold *h)
{
    struct net_stream *stream = h->stream;
    gateway_connection_new(h->clients, stream, &h->credential, &h->peer, &h->stranger);
    net_stream_resume(stream);
    hold_over(h);
}

static void judge_in_pool(struct hold *h);

static void on_answer(void *arg)
{
    struct hold *h = arg;
    h->asking = false;
    if (!h->stream)
        free(h);
    else if (h->slow)
        judge_in_pool(h);
    else
        go_on(h);
}

static void ask_responder(struct hold *h, struct pki_ocsp_questions *open)
{
    char address[NET_ADDRESS_TEXT];
    net_address_format_group(&h->peer, address);
    h->asked = h->asking = true;
    responder_ask(h->clients->judge->responder, address, open, h->clients->loop, on_answer, h);
}

static void on_judged(void *arg, struct judged *r, struct pki_ocsp_questions *open)
{
    struct hold *h = arg;
    h->judgement = NULL;
    metric_add(h->clients->metrics, METRIC_VERDICTS, 1);
    if (open->count && !h->asked) {
        ask_responder(h, open);
        return;
    }
    pki_ocsp_questions_done(open);
    shown_verdict_keep(h->clients->judge, &h->credential, r);
    go_on(h);
}

static void on_timer(void *arg)
{
    struct hold *h = arg;
    if (h->judgement)
        shown_verdict_put_off(h->clients->judge, &h->credential, clock_wall_s());
    go_on(h);
}

static void end_hold(struct hold *h)
{
    net_stream_close(h->stream);
    credential_done(&h->credential);
    hold_over(h);
}

static void on_close(void *ctx, const struct error *why)
{
    (void)why;
    end_hold(ctx);
}

static void on_data(void *ctx, struct slice data)
{
    (void)ctx;
    (void)data; /* never: it is paused */
}

static void on_nothing(void *ctx)
{
    (void)ctx;
}

static const struct net_stream_events events = {on_data, on_nothing, on_nothing, on_close};

static void make_room(struct crowd_member *m)
{
    struct hold *h = container_of(m, struct hold, stranger);
    char peer[NET_ADDRESS_TEXT];
    net_address_format_host(&h->peer, peer);
    admission_left(h->clients, peer);
    end_hold(h);
}

static struct hold *hold_stream(struct gateway_clients *all, struct net_stream *stream, const struct credential *shown,
                                const struct net_address *peer, struct crowd_member *handshake)
{
    struct hold *h = mem_zalloc(sizeof *h);
    *h = (struct hold){.clients = all, .stream = stream, .credential = *shown, .peer = *peer};
    all->connection_count++;
    crowd_replace(all->strangers, handshake, &h->stranger, make_room);
    net_stream_set_events(stream, &events, h);
    net_stream_pause(stream);

    h->timer = loop_timer_new(all->loop, on_timer, h);
    loop_timer_start(h->timer, HOLD_MS, 0);
    return h;
}

/* A certificate that a device made itself for its tokens has no chain. */
static bool is_judged(const struct gateway_clients *all, const struct credential *c)
{
    return all->judge->snapshot && c->certificate &&
           (sk_X509_num(c->sent) > 1 || !pki_cert_self_issued(c->certificate));
}

static void judge_in_pool(struct hold *h)
{
    char address[NET_ADDRESS_TEXT];
    net_address_format_group(&h->peer, address);
    h->slow = true;
    const struct judging_request q = {.credential = &h->credential, .who = JUDGING_STRANGER, .holder = address};
    h->judgement = judging_later(h->clients->judge, &q, on_judged, h);
    if (h->judgement)
        return;
    shown_verdict_put_off(h->clients->judge, &h->credential, clock_wall_s());
    go_on(h);
}

void gateway_hold_or_connect(struct gateway_clients *all, struct net_stream *stream, const struct net_address *peer,
                             struct crowd_member *handshake)
{
    struct pki_ocsp_questions open = {.count = 0};
    struct credential shown;
    credential_init(&shown, stream);
    if (tls_stream_resumed(stream)) /* its certificates did not come again, but are judged again */
        net_stranger_shows(all->strangers, handshake, credential_size(&shown), loop_now_ms(all->loop));

    bool judged = !is_judged(all, &shown) || shown_verdict_first(all->judge, &shown, clock_wall_s(), &open);
    if (!judged)
        judge_in_pool(hold_stream(all, stream, &shown, peer, handshake));
    else if (open.count)
        ask_responder(hold_stream(all, stream, &shown, peer, handshake), &open);
    else
        gateway_connection_new(all, stream, &shown, peer, handshake);
}
