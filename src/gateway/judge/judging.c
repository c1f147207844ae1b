/* SPDX-License-Identifier: Apache-2.0 */
/* The queue of judgements. judge_in_pool is in a thread of the pool, with what it was given when its turn came; all
 * else in the worker's. The one in the pool is the queue's first until it has ended, whoever waits for it. */
#include "gateway/judge/judging.h"

#include <stdlib.h>

#include "base/clock.h"
#include "base/limit/crowd.h"
#include "base/mem.h"
#include "gateway/judge/responder.h"

/* Strangers' part of a worker's queue takes a second at most; who wants more than a few places is no crowd of devices.
 * Those who are let in wait together for a new bundle. */
static const unsigned queue_max[JUDGING_FOR_COUNT] = {
    [JUDGING_STRANGER] = 64, [JUDGING_LET_IN] = 1024, [JUDGING_QUESTION] = 64};
enum { QUEUE_OF_HOLDER_MAX = 8, PUT_OFF_S = 60 };

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
    TAILQ_ENTRY(judgement) link; /* the first of its queue is in the pool */
    struct crowd_member place;   /* among those of its kind */
    struct gateway_judge *by;
    struct snapshot *snapshot; /* NULL until its turn, but for those below an endpoint's anchors */
    const struct bundle_endpoint *below;
    X509 *leaf;
    STACK_OF(X509) * sent;
    enum judging_for who;
    bool queued;
    judging_done_fn *done; /* NULL: nobody waits any more */
    void *arg;
    struct judged result;
    struct pki_ocsp_questions open;
};

struct judging_queue {
    TAILQ_HEAD(, judgement) all;
    struct crowd *places[JUDGING_FOR_COUNT]; /* by holder */
    unsigned count[JUDGING_FOR_COUNT];
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

static bool in_pool(const struct judgement *j)
{
    return TAILQ_FIRST(&j->by->judging->all) == j;
}

static void leave_queue(struct judgement *j)
{
    struct judging_queue *q = j->by->judging;
    crowd_part(q->places[j->who], &j->place);
    q->count[j->who]--;
    TAILQ_REMOVE(&q->all, j, link);
    j->queued = false;
}

static void judgement_free(struct judgement *j)
{
    X509_free(j->leaf);
    sk_X509_pop_free(j->sent, X509_free);
    snapshot_unref(j->snapshot);
    free(j);
}

static void tell(void *arg)
{
    struct judgement *j = arg;
    if (j->done)
        j->done(j->arg, &j->result, &j->open);
    else
        pki_ocsp_questions_done(&j->open);
    judgement_free(j);
}

static void end_first(void *arg)
{
    struct judgement *j = arg;
    leave_queue(j);
    if (!TAILQ_EMPTY(&j->by->judging->all))
        start_first(j->by);
    tell(j);
}

static void start_first(struct gateway_judge *by)
{
    struct judgement *first = TAILQ_FIRST(&by->judging->all);
    if (!first->snapshot)
        first->snapshot = snapshot_ref(by->snapshot);
    loop_job(by->loop, judge_in_pool, end_first, first);
}

/* --- places --- */

void judging_put_off(struct judged *ret, uint64_t generation, int64_t now)
{
    *ret = (struct judged){.generation = generation};
    ret->verdict.reason = REASON_TOO_MANY_REQUESTS;
    ret->verdict.valid_until = now + PUT_OFF_S;
    cstr_copy(ret->verdict.detail, sizeof ret->verdict.detail,
              "the certificates that were shown take long to be judged, and too many wait for that: connect again, and "
              "show only those between the device's and its root");
}

static bool still_waits(const struct crowd_member *m)
{
    return !in_pool(container_of(m, struct judgement, place));
}

/* For one of an address that has fewer. */
static void give_way(struct crowd_member *m)
{
    struct judgement *j = container_of(m, struct judgement, place);
    leave_queue(j);
    judging_put_off(&j->result, j->by->snapshot->generation, clock_wall_s());
    loop_post(j->by->loop, tell, j);
}

static struct judging_queue *queue_of(struct gateway_judge *by)
{
    if (by->judging)
        return by->judging;
    by->judging = mem_zalloc(sizeof *by->judging);
    TAILQ_INIT(&by->judging->all);
    for (size_t i = 0; i < JUDGING_FOR_COUNT; i++)
        by->judging->places[i] = crowd_new(NULL, 0);
    return by->judging;
}

static bool find_place(struct judging_queue *all, enum judging_for who, struct slice holder)
{
    if (crowd_count(all->places[who], holder) >= QUEUE_OF_HOLDER_MAX)
        return false;
    return all->count[who] < queue_max[who] ||
           (who == JUDGING_STRANGER && crowd_make_room_for(all->places[who], holder, still_waits));
}

struct judgement *judging_later(struct gateway_judge *by, const struct judging_request *q, judging_done_fn *done,
                                void *arg)
{
    struct judging_queue *all = queue_of(by);
    if (!find_place(all, q->who, slice_of(q->holder)))
        return NULL;
    struct judgement *j = mem_zalloc(sizeof *j);
    *j = (struct judgement){.by = by, .leaf = q->credential->certificate, .who = q->who, .below = q->below};
    j->done = done;
    j->arg = arg;

    (void)X509_up_ref(j->leaf);
    j->sent = q->credential->sent ? X509_chain_up_ref(q->credential->sent) : NULL;
    j->snapshot = q->below ? snapshot_ref(by->snapshot) : NULL; /* the endpoint is a part of it */
    crowd_join(all->places[q->who], &j->place, slice_of(q->holder), loop_now_ms(by->loop), give_way);
    all->count[q->who]++;
    j->queued = true;
    TAILQ_INSERT_TAIL(&all->all, j, link);
    if (in_pool(j))
        start_first(by);
    return j;
}

/* What is in the pool, or about to be told, ends there. */
void judging_cancel(struct judgement *j)
{
    if (!j)
        return;
    j->done = NULL;
    if (!j->queued || in_pool(j))
        return;
    leave_queue(j);
    judgement_free(j);
}
