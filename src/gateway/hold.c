/* SPDX-License-Identifier: Apache-2.0 */
#include "gateway/hold.h"

#include <stdlib.h>

#include "base/clock.h"
#include "base/mem.h"
#include "gateway/admission.h"
#include "gateway/authenticate.h"
#include "gateway/connection.h"
#include "gateway/responder.h"

enum { HOLD_MS = 6000 };

struct hold {
    struct gateway_worker *worker;
    struct net_stream *stream; /* NULL: over, only the answer is waited for */
    struct net_address peer;
    struct crowd_member stranger;
    struct loop_timer *timer;
    bool answered;
};

/* The memory stays until the responder has called back. */
static void hold_over(struct hold *h)
{
    h->stream = NULL;
    h->worker->connection_count--;
    crowd_part(h->worker->strangers, &h->stranger);
    loop_timer_free(h->timer);
    h->timer = NULL;
    if (h->answered)
        free(h);
}

static void go_on(struct hold *h)
{
    struct net_stream *stream = h->stream;
    gateway_connection_new(h->worker, stream, &h->peer, &h->stranger);
    net_stream_resume(stream);
    hold_over(h);
}

static void on_answer(void *arg)
{
    struct hold *h = arg;
    h->answered = true;
    if (h->stream)
        go_on(h);
    else
        free(h);
}

static void on_timer(void *arg)
{
    go_on(arg);
}

static void end(struct hold *h)
{
    net_stream_close(h->stream);
    hold_over(h);
}

static void on_close(void *ctx, const struct error *why)
{
    (void)why;
    end(ctx);
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
    admission_left(h->worker, peer);
    end(h);
}

void gateway_hold_or_connect(struct gateway_worker *w, struct net_stream *stream, const struct net_address *peer,
                             struct crowd_member *handshake)
{
    struct pki_ocsp_questions open = {.count = 0};
    struct credential credential;
    if (!w->snapshot || !responder_named(w->snapshot->bundle)) {
        gateway_connection_new(w, stream, peer, handshake);
        return;
    }
    credential_init(&credential, stream);
    if (credential.certificate)
        authenticate_questions(w, &credential, clock_wall_s(), &open);
    credential_done(&credential);
    if (open.count == 0) {
        gateway_connection_new(w, stream, peer, handshake);
        return;
    }
    struct hold *h = mem_zalloc(sizeof *h);
    *h = (struct hold){.worker = w, .stream = stream, .peer = *peer};
    w->connection_count++;
    crowd_replace(w->strangers, handshake, &h->stranger, make_room);
    net_stream_set_events(stream, &events, h);
    net_stream_pause(stream);
    h->timer = loop_timer_new(w->loop, on_timer, h);
    loop_timer_start(h->timer, HOLD_MS, 0);
    responder_ask(w->gateway->responder, &open, w, on_answer, h);
}
