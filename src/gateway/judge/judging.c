/* SPDX-License-Identifier: Apache-2.0 */
/* The queue of judgements. judge_in_pool is in a thread of the pool, with what it was given when its turn came; all
 * else in the worker's. Whoever cancels one leaves it in the queue, where nobody waits for it any more. */
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

static void reach_verdict(const struct gateway_judge *by, const struct snapshot *s, struct pki_question *q,
                          struct pki_ocsp_questions *open, struct judged *ret)
{
    struct pki_ocsp_oracle oracle = {responder_recall, by->responder, open};
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

void judging_now(struct gateway_judge *by, const struct credential *c, const struct bundle_endpoint *below, int64_t now,
                 struct pki_ocsp_questions *open, struct judged *ret)
{
    struct pki_question q = {.leaf = c->certificate, .sent = c->sent, .now = now, .quick = true};
    limit_to(&q, below);
    q.read = below != NULL; /* who is asked for these was let in by its certificate before */
    reach_verdict(by, by->snapshot, &q, open, ret);
}

/* --- in the pool --- */

struct judgement {
    struct judgement *next; /* the first of its queue is in the pool */
    struct gateway_judge *by;
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

static void start_first(struct gateway_judge *by);

static void judge_in_pool(void *arg)
{
    struct judgement *j = arg;
    struct pki_question q = {.leaf = j->leaf, .sent = j->sent, .now = clock_wall_s()};
    limit_to(&q, j->below);
    if (j->done)
        reach_verdict(j->by, j->snapshot, &q, &j->open, &j->result);
}

static void judgement_free(struct judgement *j)
{
    X509_free(j->leaf);
    sk_X509_pop_free(j->sent, X509_free);
    snapshot_unref(j->snapshot);
    free(j);
}

static void end_first(void *arg)
{
    struct judgement *j = arg;
    struct gateway_judge *by = j->by;
    by->judgements = j->next;
    if (by->judgements)
        start_first(by);
    if (j->done)
        j->done(j->arg, &j->result, &j->open);
    else
        pki_ocsp_questions_done(&j->open);
    judgement_free(j);
}

static void start_first(struct gateway_judge *by)
{
    if (!by->judgements->snapshot)
        by->judgements->snapshot = snapshot_ref(by->snapshot);
    loop_job(by->loop, judge_in_pool, end_first, by->judgements);
}

/* Its place in the queue; NULL: there is none for this holder. */
static struct judgement **find_place(struct gateway_judge *by, const struct judging_request *q)
{
    struct judgement **end = &by->judgements;
    unsigned all = 0, of_holder = 0;
    for (; *end; end = &(*end)->next) {
        all += (*end)->who == q->who;
        of_holder += (*end)->who == q->who && strcmp((*end)->holder, q->holder) == 0;
    }
    return all < queue_max[q->who] && of_holder < QUEUE_OF_HOLDER_MAX ? end : NULL;
}

struct judgement *judging_later(struct gateway_judge *by, const struct judging_request *q, judging_done_fn *done,
                                void *arg)
{
    struct judgement **place = find_place(by, q);
    if (!place)
        return NULL;
    struct judgement *j = mem_zalloc(sizeof *j);
    *j = (struct judgement){.by = by, .leaf = q->credential->certificate, .who = q->who, .below = q->below};
    j->done = done;
    j->arg = arg;
    (void)X509_up_ref(j->leaf);
    j->sent = q->credential->sent ? X509_chain_up_ref(q->credential->sent) : NULL;
    j->snapshot = q->below ? snapshot_ref(by->snapshot) : NULL; /* the endpoint is a part of it */
    cstr_copy(j->holder, sizeof j->holder, q->holder);
    *place = j;
    if (by->judgements == j)
        start_first(by);
    return j;
}

void judging_cancel(struct judgement *j)
{
    if (j)
        j->done = NULL;
}
