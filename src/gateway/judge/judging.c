/* SPDX-License-Identifier: Apache-2.0 */
#include "gateway/judge/judging.h"

#include <stdlib.h>

#include "base/clock.h"
#include "base/mem.h"
#include "gateway/judge/responder.h"

/* Strangers' part of a worker's queue takes a second at most; who wants more than a few places is no crowd of devices.
 * Those who are let in wait together for a new bundle. */
static const unsigned queue_max[JUDGING_FOR_COUNT] = {
    [JUDGING_STRANGER] = 64, [JUDGING_LET_IN] = 1024, [JUDGING_QUESTION] = 64};
enum { QUEUE_OF_HOLDER_MAX = 8 };

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

static void limit_to(struct pki_question *q, const struct bundle_endpoint *below)
{
    if (below) {
        q->below = below->client_anchors;
        q->below_count = below->client_anchor_count;
    }
}

void judging_now(struct gateway_worker *w, const struct credential *c, const struct bundle_endpoint *below, int64_t now,
                 struct pki_ocsp_questions *open, struct judged *ret)
{
    struct pki_question q = {.leaf = c->certificate, .sent = c->sent, .now = now, .quick = true};
    limit_to(&q, below);
    q.read = below != NULL; /* who is asked for these was let in by its certificate before */
    judge(w->gateway, w->snapshot, &q, open, ret);
}

/* --- in the pool --- */

struct judgement {
    struct judgement *next; /* the first of the worker's queue is in the pool */
    struct gateway_worker *worker;
    struct snapshot *snapshot; /* NULL until its turn, but for those below an endpoint's anchors */
    const struct bundle_endpoint *below;
    X509 *leaf;
    STACK_OF(X509) * sent;
    enum judging_for who;
    char holder[PKI_HASH_HEX]; /* an address, or a fingerprint */
    judging_done_fn *done;     /* NULL: nobody waits any more */
    void *arg;
    struct judged result;
    struct pki_ocsp_questions open;
};

static void start(struct gateway_worker *w);

static void work(void *arg)
{
    struct judgement *j = arg;
    struct pki_question q = {.leaf = j->leaf, .sent = j->sent, .now = clock_wall_s()};
    limit_to(&q, j->below);
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
    if (!w->judgements->snapshot)
        w->judgements->snapshot = snapshot_ref(w->snapshot);
    loop_job(w->loop, work, over, w->judgements);
}

/* Its place in the queue; NULL: there is none for this holder. */
static struct judgement **find_place(struct gateway_worker *w, const struct judging_request *q)
{
    struct judgement **end = &w->judgements;
    unsigned all = 0, of_holder = 0;
    for (; *end; end = &(*end)->next) {
        all += (*end)->who == q->who;
        of_holder += (*end)->who == q->who && strcmp((*end)->holder, q->holder) == 0;
    }
    return all < queue_max[q->who] && of_holder < QUEUE_OF_HOLDER_MAX ? end : NULL;
}

struct judgement *judging_later(struct gateway_worker *w, const struct judging_request *q, judging_done_fn *done,
                                void *arg)
{
    struct judgement **place = find_place(w, q);
    if (!place)
        return NULL;
    struct judgement *j = mem_zalloc(sizeof *j);
    *j = (struct judgement){.worker = w, .leaf = q->credential->certificate, .who = q->who, .below = q->below};
    j->done = done;
    j->arg = arg;
    (void)X509_up_ref(j->leaf);
    j->sent = q->credential->sent ? X509_chain_up_ref(q->credential->sent) : NULL;
    j->snapshot = q->below ? snapshot_ref(w->snapshot) : NULL; /* the endpoint is a part of it */
    cstr_copy(j->holder, sizeof j->holder, q->holder);
    *place = j;
    if (w->judgements == j)
        start(w);
    return j;
}

void judging_cancel(struct judgement *j)
{
    if (j)
        j->done = NULL;
}
