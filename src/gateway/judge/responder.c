/* SPDX-License-Identifier: Apache-2.0 */
/* Who waits (waiting), for which questions (asking), in whose turn. Asks in one loop; wishes come by loop_post,
 * answers are read by all through the memory below its lock. Waits are ended one by one, and nobody is called from
 * inside. */
#include "gateway/judge/responder.h"

#include <bsd/sys/queue.h>
#include <stdlib.h>

#include "base/clock.h"
#include "base/host/log.h"
#include "base/limit/crowd.h"
#include "base/mem.h"
#include "gateway/judge/responder_memory.h"
#include "http/fetch.h"
#include "net/address.h"
#include "source/many.h"

enum {
    REMEMBERED_MAX = 65536,
    KNOWN_MAX = 1024, /* questions, those that wait for their turn included */
    IN_FLIGHT_MAX = 64,
    ANSWER_MAX = 64 * 1024,
    ANSWER_S = 4,  /* from when it is sent */
    FAILURE_S = 5, /* a failure is remembered */
    FULL_S = 1,    /* that there was no room is, too */
};

/* One connection's wait. */
struct waiting {
    struct responder *responder;
    char holder[NET_ADDRESS_TEXT];
    struct pki_ocsp_questions questions;
    struct loop *loop;
    loop_fn *done;
    void *arg;
    size_t open;
};

struct waiter {
    LIST_ENTRY(waiter) link;
    struct waiting *waiting;
};

/* One question to one responder after the other. */
struct asking {
    LIST_ENTRY(asking) link;
    TAILQ_ENTRY(asking) turn; /* while it waits to be sent */
    struct crowd_member of;   /* who asked first; holds 1 while it is on its way */
    bool sent;
    struct responder *responder;
    struct pki_ocsp_questions question; /* one */
    LIST_HEAD(waiters, waiter) waiters;
    struct snapshot *snapshot; /* its sources are asked */
    size_t next_source;
    const struct bundle_source *source;
    unsigned char nonce[PKI_OCSP_NONCE_SIZE];
    char *request;
    size_t request_len;
    struct http_fetch *fetch;
    struct source_many_one one; /* over the Internet */
    struct buf body;
    const char *why;
};

struct responder {
    struct loop *loop; /* that asks */
    const struct gateway_tunnels *tunnels;
    struct snapshot_current *current;
    pthread_mutex_t lock; /* of the memory */
    struct responder_memory *memory;
    struct source_many *many;
    LIST_HEAD(askings, asking) askings;
    TAILQ_HEAD(turns, asking) turns;
    struct crowd *holders; /* of questions */
    size_t known, in_flight;
    atomic_llong asked, failed;
};

struct responder *responder_new(struct loop *loop, const struct gateway_tunnels *tunnels,
                                struct snapshot_current *current)
{
    struct responder *r = mem_zalloc(sizeof *r);
    r->loop = loop;
    r->tunnels = tunnels;
    r->current = current;
    r->memory = responder_memory_new(REMEMBERED_MAX);
    r->many = source_many_new(loop);
    LIST_INIT(&r->askings);
    TAILQ_INIT(&r->turns);
    r->holders = crowd_new(NULL, 0);
    (void)pthread_mutex_init(&r->lock, NULL);
    return r;
}

void responder_stop(struct responder *r)
{
    source_many_free(r->many);
    r->many = NULL;
}

bool responder_named(const struct bundle *b)
{
    for (size_t i = 0; i < b->source_count; i++) {
        if (b->sources[i].kind == BUNDLE_SOURCE_OCSP)
            return true;
    }
    return false;
}

void responder_recall(void *responder, const unsigned char key[PKI_OCSP_KEY_SIZE], int64_t now,
                      struct pki_ocsp_answer *ret)
{
    struct responder *r = responder;
    (void)pthread_mutex_lock(&r->lock);
    bool known = responder_memory_get(r->memory, key, now, ret);
    (void)pthread_mutex_unlock(&r->lock);
    if (!known)
        *ret = (struct pki_ocsp_answer){.state = PKI_OCSP_UNUSABLE, .why = "there is no answer of the responder yet"};
}

static bool is_remembered(struct responder *r, const struct pki_ocsp_question *q)
{
    struct pki_ocsp_answer a;
    (void)pthread_mutex_lock(&r->lock);
    bool known = responder_memory_get(r->memory, q->key, clock_wall_s(), &a);
    (void)pthread_mutex_unlock(&r->lock);
    return known;
}

static void remember(struct responder *r, const struct pki_ocsp_question *q, const struct pki_ocsp_answer *a,
                     int64_t until)
{
    (void)pthread_mutex_lock(&r->lock);
    responder_memory_put(r->memory, q->key, a, until);
    (void)pthread_mutex_unlock(&r->lock);
}

/* --- the end of a question --- */

static void let_go(struct waiting *w)
{
    if (--w->open)
        return;
    loop_post(w->loop, w->done, w->arg);
    pki_ocsp_questions_done(&w->questions);
    free(w);
}

static void end_asking(struct asking *a, const struct pki_ocsp_answer *answer, int64_t until)
{
    struct responder *r = a->responder;
    struct waiter *w;
    remember(r, &a->question.list[0], answer, until);
    LIST_REMOVE(a, link);
    if (!a->sent)
        TAILQ_REMOVE(&r->turns, a, turn);
    crowd_part(r->holders, &a->of);
    r->known--;
    r->in_flight -= a->sent;
    while ((w = LIST_FIRST(&a->waiters))) {
        LIST_REMOVE(w, link);
        let_go(w->waiting);
        free(w);
    }

    http_fetch_free(a->fetch);
    pki_ocsp_questions_done(&a->question);
    snapshot_unref(a->snapshot);
    free(a->request);
    free(a);
}

static void finish_asking(struct asking *a, const struct pki_ocsp_answer *answer)
{
    end_asking(a, answer, answer->state == PKI_OCSP_UNUSABLE ? clock_wall_s() + FAILURE_S : answer->next_update);
}

static const struct pki_ocsp_answer full = {.state = PKI_OCSP_UNUSABLE,
                                            .why = "too many questions wait for the responder"};

static void give_way(struct crowd_member *m)
{
    end_asking(container_of(m, struct asking, of), &full, clock_wall_s() + FULL_S);
}

static bool still_waits(const struct crowd_member *m)
{
    return !container_of(m, struct asking, of)->sent;
}

/* --- one responder after the other --- */

static void try_next(struct asking *a);

static void go_on_after(struct asking *a, const char *why, const char *cause)
{
    atomic_fetch_add(&a->responder->failed, 1);
    LOG_EVENT(LOG_WARN, "ocsp", "a responder gave no usable answer", LOG_T("source", a->source->id),
              LOG_T("reason", why), LOG_T("detail", cause));
    a->why = why;
    try_next(a);
}

static void take_answer(struct asking *a, struct slice body)
{
    struct pki_ocsp_answer answer;
    pki_ocsp_read(&a->question.list[0], a->nonce, body, clock_wall_s(), &answer);
    if (answer.state == PKI_OCSP_UNUSABLE)
        go_on_after(a, answer.why, "");
    else
        finish_asking(a, &answer);
}

static const char too_late[] = "the responder did not answer in time";

static void send_more(struct responder *r);

static void on_fetched(void *owner, int status, struct slice body, const struct error *why)
{
    struct asking *a = owner;
    struct responder *r = a->responder;
    struct error err = *why;
    if (status && status != 200)
        (void)error_set(&err, R_IO, "the connector answered %d", status);
    if (status == 200)
        take_answer(a, body);
    else
        go_on_after(a, status == 504 || why->code == R_TIMEOUT ? too_late : "the responder can't be asked", err.text);
    send_more(r);
}

static enum result send_it(void *owner, const struct http_request *request, const struct http_call_events *events,
                           void *ctx, struct http_call **ret, struct error *err)
{
    const struct asking *a = owner;
    struct tunnel *t = gateway_tunnels_pick(a->responder->tunnels, SLICE("source"), NULL);
    if (!t)
        return error_set(err, R_AGAIN, "no connector that relays sources is here");
    return tunnel_call(t, request, events, ctx, ret, err);
}

static void ask_connector(struct asking *a)
{
    char target[64];
    if (!a->fetch)
        a->fetch = http_fetch_new(a->responder->loop, ANSWER_MAX, ANSWER_S * 1000, send_it, on_fetched, a);
    (void)snprintf(target, sizeof target, "/%s", a->source->id);
    http_fetch_post(a->fetch, SLICE("source"), slice_of(target), "application/ocsp-request",
                    slice_make(a->request, a->request_len));
}

static void on_asked(void *arg)
{
    struct asking *a = arg;
    struct responder *r = a->responder;
    struct buf body = a->body;
    if (a->one.result == OK)
        take_answer(a, buf_data(&body));
    else
        go_on_after(a, a->one.result == R_TIMEOUT ? too_late : "the responder can't be asked", a->one.err.text);
    buf_free(&body);
    send_more(r);
}

static void ask_internet(struct asking *a)
{
    buf_init(&a->body, ANSWER_MAX);
    a->one = (struct source_many_one){.what = {.url = a->source->url,
                                               .post = slice_make(a->request, a->request_len),
                                               .type = "application/ocsp-request",
                                               .whole_s = ANSWER_S,
                                               .ca_pem = a->source->ca_pem},
                                      .body = &a->body,
                                      .done = on_asked,
                                      .arg = a};
    source_many_ask(a->responder->many, &a->one);
}

static void try_next(struct asking *a)
{
    const struct bundle *b = a->snapshot->bundle;
    while (a->next_source < b->source_count && b->sources[a->next_source].kind != BUNDLE_SOURCE_OCSP)
        a->next_source++;
    if (a->next_source == b->source_count) {
        finish_asking(a, &(struct pki_ocsp_answer){.state = PKI_OCSP_UNUSABLE, .why = a->why});
        return;
    }
    a->source = &b->sources[a->next_source++];
    free(a->request);
    pki_ocsp_request(&a->question.list[0], a->nonce, &a->request, &a->request_len);
    atomic_fetch_add(&a->responder->asked, 1);
    if (a->source->url)
        ask_internet(a);
    else
        ask_connector(a);
}

/* Of who has fewest on their way, those who came first first. */
static struct asking *next_turn(const struct responder *r)
{
    struct asking *a, *next = NULL;
    TAILQ_FOREACH(a, &r->turns, turn) {
        if (!next || crowd_held_with(&a->of) < crowd_held_with(&next->of))
            next = a;
        if (crowd_held_with(&next->of) == 0)
            break;
    }
    return next;
}

/* Who ended a question calls it, not finish_asking(): one may end as soon as it begins. */
static void send_more(struct responder *r)
{
    struct asking *a;
    while (r->many && r->in_flight < IN_FLIGHT_MAX && (a = next_turn(r))) {
        TAILQ_REMOVE(&r->turns, a, turn);
        a->sent = true;
        crowd_hold(r->holders, &a->of, 1);
        r->in_flight++;
        try_next(a);
    }
}

/* --- questions --- */

static struct asking *find_asking(const struct responder *r, const struct pki_ocsp_question *q)
{
    struct asking *a;
    LIST_FOREACH(a, &r->askings, link) {
        if (memcmp(a->question.list[0].key, q->key, PKI_OCSP_KEY_SIZE) == 0)
            return a;
    }
    return NULL;
}

static void wait_for(struct asking *a, struct waiting *w)
{
    struct waiter *one = mem_zalloc(sizeof *one);
    one->waiting = w;
    w->open++;
    LIST_INSERT_HEAD(&a->waiters, one, link);
}

static void ask_one(struct responder *r, struct waiting *w, const struct pki_ocsp_question *q)
{
    struct asking *a = find_asking(r, q);
    if (a) {
        wait_for(a, w);
        return;
    }
    if (r->known == KNOWN_MAX && !crowd_make_room_for(r->holders, slice_of(w->holder), still_waits)) {
        remember(r, q, &full, clock_wall_s() + FULL_S);
        return;
    }
    struct snapshot *snapshot = snapshot_current_get(r->current);
    if (!snapshot)
        return;

    a = mem_zalloc(sizeof *a);
    a->responder = r;
    a->snapshot = snapshot;
    a->why = "the site names no OCSP responder";
    LIST_INIT(&a->waiters);
    pki_ocsp_questions_add(&a->question, q->cert, q->issuer, q->key);
    LIST_INSERT_HEAD(&r->askings, a, link);
    TAILQ_INSERT_TAIL(&r->turns, a, turn);
    crowd_join(r->holders, &a->of, slice_of(w->holder), loop_now_ms(r->loop), give_way);
    r->known++;
    wait_for(a, w);
}

static void take_questions(void *arg)
{
    struct waiting *w = arg;
    struct responder *r = w->responder;
    w->open = 1; /* until all are asked */
    for (size_t i = 0; i < w->questions.count; i++) {
        if (!is_remembered(r, &w->questions.list[i]))
            ask_one(r, w, &w->questions.list[i]);
    }
    send_more(r);
    let_go(w);
}

void responder_ask(struct responder *r, const char *holder, struct pki_ocsp_questions *q, struct loop *loop,
                   loop_fn *done, void *arg)
{
    struct waiting *wait = mem_zalloc(sizeof *wait);
    *wait = (struct waiting){.responder = r, .questions = *q, .loop = loop, .done = done, .arg = arg};
    cstr_copy(wait->holder, sizeof wait->holder, holder);
    q->count = 0;
    loop_post(r->loop, take_questions, wait);
}

enum result responder_metrics(const struct responder *r, struct buf *out)
{
    return buf_printf(out,
                      "# TYPE cmg_ocsp_requests counter\n# HELP cmg_ocsp_requests Questions sent to OCSP responders\n"
                      "cmg_ocsp_requests_total %lld\n# TYPE cmg_ocsp_failures counter\n# HELP cmg_ocsp_failures Of "
                      "those, without a usable answer\ncmg_ocsp_failures_total %lld\n",
                      (long long)atomic_load(&r->asked), (long long)atomic_load(&r->failed));
}
