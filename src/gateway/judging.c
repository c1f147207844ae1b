/* SPDX-License-Identifier: Apache-2.0 */
#include "gateway/judging.h"

#include <stdlib.h>

#include "base/clock.h"
#include "base/mem.h"
#include "gateway/responder.h"

/* A worker's queue takes a second at most; who wants more than a few places of it is no crowd of devices. */
enum { QUEUE_MAX = 64, QUEUE_OF_PEER_MAX = 8 };

static void judge(struct gateway *g, const struct snapshot *s, struct pki_question *q, struct pki_ocsp_questions *open,
                  struct judged *ret)
{
    struct pki_ocsp_oracle oracle = {responder_recall, g->responder, open};
    q->ret_places = &ret->places;
    if (responder_named(s->bundle))
        q->oracle = &oracle;
    ret->generation = s->generation;
    pki_trust_answer(s->trust, q, &ret->verdict);
    q->oracle = NULL;
}

void judging_now(struct gateway_worker *w, const struct credential *c, const struct bundle_endpoint *below, bool quick,
                 int64_t now, struct pki_ocsp_questions *open, struct judged *ret)
{
    struct pki_question q = {.leaf = c->certificate, .sent = c->sent, .now = now, .quick = quick};
    if (below) {
        q.below = below->client_anchors;
        q.below_count = below->client_anchor_count;
    }
    judge(w->gateway, w->snapshot, &q, open, ret);
}

/* --- in the pool --- */

struct judgement {
    struct judgement *next; /* the first of the worker's queue is in the pool */
    struct gateway_worker *worker;
    struct snapshot *snapshot;
    X509 *leaf;
    STACK_OF(X509) * sent;
    char peer[NET_ADDRESS_TEXT];
    judging_done_fn *done; /* NULL: nobody waits any more */
    void *arg;
    struct judged result;
    struct pki_ocsp_questions open;
};

static void start(struct gateway_worker *w);

static void work(void *arg)
{
    struct judgement *j = arg;
    struct pki_question q = {.leaf = j->leaf, .sent = j->sent, .now = clock_wall_s()};
    if (j->done)
        judge(j->worker->gateway, j->snapshot, &q, &j->open, &j->result);
}

static void judgement_free(struct judgement *j)
{
    X509_free(j->leaf);
    sk_X509_pop_free(j->sent, X509_free);
    snapshot_unref(j->snapshot);
    free(j);
}

static void over(void *arg)
{
    struct judgement *j = arg;
    struct gateway_worker *w = j->worker;
    w->judgements = j->next;
    if (w->judgements)
        start(w);
    if (j->done)
        j->done(j->arg, &j->result, &j->open);
    else
        pki_ocsp_questions_done(&j->open);
    judgement_free(j);
}

static void start(struct gateway_worker *w)
{
    w->judgements->snapshot = snapshot_ref(w->snapshot);
    loop_job(w->loop, work, over, w->judgements);
}

/* Its place in the queue; NULL: there is none for this peer. */
static struct judgement **find_place(struct gateway_worker *w, const char *peer)
{
    struct judgement **end = &w->judgements;
    unsigned all = 0, of_peer = 0;
    for (; *end; end = &(*end)->next) {
        all++;
        of_peer += strcmp((*end)->peer, peer) == 0;
    }
    return all < QUEUE_MAX && of_peer < QUEUE_OF_PEER_MAX ? end : NULL;
}

struct judgement *judging_later(struct gateway_worker *w, const struct credential *c, const char *peer,
                                judging_done_fn *done, void *arg)
{
    struct judgement **place = find_place(w, peer);
    if (!place)
        return NULL;
    struct judgement *j = mem_zalloc(sizeof *j);
    *j = (struct judgement){.worker = w, .leaf = c->certificate, .done = done, .arg = arg};
    (void)X509_up_ref(j->leaf);
    j->sent = c->sent ? X509_chain_up_ref(c->sent) : NULL;
    cstr_copy(j->peer, sizeof j->peer, peer);
    *place = j;
    if (w->judgements == j)
        start(w);
    return j;
}

void judging_cancel(struct judgement *j)
{
    j->done = NULL;
}
