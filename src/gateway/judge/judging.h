/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Verdicts on certificates, by the snapshot and what OCSP responders answered. A quick one takes a millisecond at most,
 * in the worker's loop; one that takes longer is reached in the pool, one at a time for each worker, while the others
 * of its queue wait: so nobody's chain stops a worker or fills the pool.
 */
#ifndef GATEWAY_JUDGE_JUDGING_H
#define GATEWAY_JUDGE_JUDGING_H

#include "gateway/judge/credential.h"
#include "gateway/judge/judge.h"

struct judged {
    uint64_t generation; /* of the snapshot that it was judged by */
    struct pki_verdict verdict;
    struct pki_list_places places; /* where lists that were missing are */
};

/* A quick one. `below` (NULL allowed): the endpoint at whose own anchors alone a path may end. `open` (NULL allowed)
 * gets what responders must be asked. */
void judging_now(struct gateway_judge *by, const struct credential *c, const struct bundle_endpoint *below, int64_t now,
                 struct pki_ocsp_questions *open, struct judged *ret);

struct judgement;

/* *open is what responders must be asked; it is the owner's from then on. */
typedef void judging_done_fn(void *arg, struct judged *r, struct pki_ocsp_questions *open);

/* Each has places of its own in the queue; a stranger takes the place of one of the address that has most. */
enum judging_for { JUDGING_STRANGER, JUDGING_LET_IN, JUDGING_QUESTION, JUDGING_FOR_COUNT };

struct judging_request {
    const struct credential *credential;
    const struct bundle_endpoint *below; /* as above */
    enum judging_for who;
    const char *holder; /* of places: an address, a certificate; one has a few */
};

/* In the pool, by the snapshot that is the worker's when its turn comes (with `below`: now); done comes in the worker's
 * loop, not from inside. NULL: too many wait already, of this holder's or of all. */
struct judgement *judging_later(struct gateway_judge *by, const struct judging_request *q, judging_done_fn *done,
                                void *arg);
/* Not judged, for want of a place: it may be shown again. */
void judging_put_off(struct judged *ret, uint64_t generation, int64_t now);
void judging_cancel(struct judgement *j); /* before it is done: nobody is called. NULL allowed */

#endif
