/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The verdict on what an accepted connection showed, again: by a new bundle, by what has ended since, or below the
 * anchors of one endpoint. What takes longer than a worker's loop may is judged in the pool; until then new requests
 * are asked to come again, and what is under way goes on for REJUDGE_MS at most.
 */
#ifndef GATEWAY_JUDGE_REJUDGE_H
#define GATEWAY_JUDGE_REJUDGE_H

#include "gateway/judge/judging.h"
#include "gateway/judge/verdict_cache.h"

enum { REJUDGE_MS = 10 * 1000 };

struct rejudge {                 /* of a connection */
    struct judgement *judgement; /* in the pool; NULL: none */
    uint64_t until_ms;           /* what is under way goes on; 0: nothing waits */
    uint64_t slow;               /* generation of which a quick look was not enough */
    uint64_t below_until_ms;     /* the same of endpoints with anchors of their own */
    uint64_t below_slow;
};

struct judge_client;

/* By the next generation, quickly or later; REASON_TOO_MANY_REQUESTS with the cause is later, and is not to be kept. */
void rejudge_certificate(struct judge_client *c, int64_t now, struct judged *ret);
/* The same for a path that ends at one of the endpoint's anchors. A verdict that comes later is kept under `key`,
 * whether the connection is still there or not. */
void rejudge_below(struct judge_client *c, const struct bundle_endpoint *below,
                   const unsigned char key[VERDICT_KEY_SIZE], int64_t now, struct judged *ret);

/* It has a verdict that counts. */
void rejudge_over(struct rejudge *r);
/* Its verdict is being reached, and what is under way may wait for that. */
MUST_USE bool rejudge_waits(const struct judge_client *c);
/* The connection goes. */
void rejudge_done(struct rejudge *r);

#endif
