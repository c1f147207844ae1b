/* SPDX-License-Identifier: Apache-2.0 */
/* Owns the stream, paused, until a verdict is there or ARRIVAL_MS are over; then it becomes a connection in any case,
 * and requests hear the refusal. In the worker's thread; answers of pool and responder may come when the stream is
 * gone. */
#include "gateway/client/arrival.h"

#include <stdlib.h>

#include "base/clock.h"
#include "base/mem.h"
#include "gateway/client/admission.h"
#include "gateway/client/connection.h"
#include "gateway/judge/responder.h"
#include "gateway/judge/shown_verdict.h"
#include "net/strangers.h"
#include "tls/stream.h"

enum { ARRIVAL_MS = 6000 };

struct arrival {
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
static void drop_arrival(struct arrival *a)
{
    a->stream = NULL;
    a->clients->connection_count--;
    crowd_part(a->clients->strangers, &a->stranger);
    loop_timer_free(a->timer);
    a->timer = NULL;
    judging_cancel(a->judgement);
    if (!a->asking)
        free(a);
}

static void go_on(struct arrival *a)
{
    struct net_stream *stream = a->stream;
    gateway_connection_new(a->clients, stream, &a->credential, &a->peer, &a->stranger);
    net_stream_resume(stream);
    drop_arrival(a);
}

static void judge_in_pool(struct arrival *a);

static void on_answer(void *arg)
{
    struct arrival *a = arg;
    a->asking = false;
    if (!a->stream)
        free(a);
    else if (a->slow)
        judge_in_pool(a);
    else
        go_on(a);
}

static void ask_responder(struct arrival *a, struct pki_ocsp_questions *open)
{
    char address[NET_ADDRESS_TEXT];
    net_address_format_group(&a->peer, address);
    a->asked = a->asking = true;
    responder_ask(a->clients->judge->responder, address, open, a->clients->loop, on_answer, a);
}

static void on_judged(void *arg, struct judged *r, struct pki_ocsp_questions *open)
{
    struct arrival *a = arg;
    a->judgement = NULL;
    metric_add(a->clients->metrics, METRIC_VERDICTS, 1);
    if (open->count && !a->asked) {
        ask_responder(a, open);
        return;
    }
    pki_ocsp_questions_done(open);
    shown_verdict_keep(a->clients->judge, &a->credential, r);
    go_on(a);
}

static void on_timer(void *arg)
{
    struct arrival *a = arg;
    if (a->judgement)
        shown_verdict_put_off(a->clients->judge, &a->credential, clock_wall_s());
    go_on(a);
}

static void end_arrival(struct arrival *a)
{
    net_stream_close(a->stream);
    credential_done(&a->credential);
    drop_arrival(a);
}

static void on_close(void *ctx, const struct error *why)
{
    (void)why;
    end_arrival(ctx);
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
    struct arrival *a = container_of(m, struct arrival, stranger);
    char peer[NET_ADDRESS_TEXT];
    net_address_format_host(&a->peer, peer);
    admission_left(a->clients, peer);
    end_arrival(a);
}

static struct arrival *take_stream(struct gateway_clients *all, struct net_stream *stream,
                                   const struct credential *shown, const struct net_address *peer,
                                   struct crowd_member *handshake)
{
    struct arrival *a = mem_zalloc(sizeof *a);
    *a = (struct arrival){.clients = all, .stream = stream, .credential = *shown, .peer = *peer};
    all->connection_count++;
    crowd_replace(all->strangers, handshake, &a->stranger, make_room);
    net_stream_set_events(stream, &events, a);
    net_stream_pause(stream);

    a->timer = loop_timer_new(all->loop, on_timer, a);
    loop_timer_start(a->timer, ARRIVAL_MS, 0);
    return a;
}

/* A certificate that a device made itself for its tokens has no chain. */
static bool is_judged(const struct gateway_clients *all, const struct credential *c)
{
    return all->judge->snapshot && c->certificate &&
           (sk_X509_num(c->sent) > 1 || !pki_cert_self_issued(c->certificate));
}

static void judge_in_pool(struct arrival *a)
{
    char address[NET_ADDRESS_TEXT];
    net_address_format_group(&a->peer, address);
    a->slow = true;
    const struct judging_request q = {.credential = &a->credential, .who = JUDGING_STRANGER, .holder = address};
    a->judgement = judging_later(a->clients->judge, &q, on_judged, a);
    if (a->judgement)
        return;
    shown_verdict_put_off(a->clients->judge, &a->credential, clock_wall_s());
    go_on(a);
}

void gateway_arrive(struct gateway_clients *all, struct net_stream *stream, const struct net_address *peer,
                    struct crowd_member *handshake)
{
    struct pki_ocsp_questions open = {.count = 0};
    struct credential shown;
    credential_init(&shown, stream);
    if (tls_stream_resumed(stream)) /* its certificates did not come again, but are judged again */
        net_stranger_shows(all->strangers, handshake, credential_size(&shown), loop_now_ms(all->loop));

    bool judged = !is_judged(all, &shown) || shown_verdict_first(all->judge, &shown, clock_wall_s(), &open);
    if (!judged)
        judge_in_pool(take_stream(all, stream, &shown, peer, handshake));
    else if (open.count)
        ask_responder(take_stream(all, stream, &shown, peer, handshake), &open);
    else
        gateway_connection_new(all, stream, &shown, peer, handshake);
}
