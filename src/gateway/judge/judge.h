/* SPDX-License-Identifier: Apache-2.0 */
/* What a worker judges by. The files of this folder see this and what one client showed (judge/client.h), and nothing
 * else of the worker: neither its connections nor its tunnels. */
#ifndef GATEWAY_JUDGE_JUDGE_H
#define GATEWAY_JUDGE_JUDGE_H

#include "gateway/judge/verdict_cache.h"
#include "gateway/metrics.h"
#include "gateway/snapshot/snapshot.h"
#include "loop/loop.h"

struct responder;
struct judging_queue;

/* What a verdict may set going elsewhere; in the worker's thread. */
struct judge_hooks {
    /* Certificates can't be judged without the lists at these places: has them fetched as far as they may be, and says
     * in the verdict's detail which, or why not. */
    void (*want_lists)(void *ctx, const struct bundle *b, const struct pki_list_places *places, struct pki_verdict *v);
    /* A token of the tenant at this place of the bundle named a key that its source (its id) has not given yet. */
    void (*unknown_key)(void *ctx, size_t tenant, const char *source);
};

struct gateway_judge {
    struct loop *loop;
    struct snapshot *snapshot; /* own reference; NULL until the first bundle */
    struct verdict_cache *verdicts;
    struct gateway_metrics *metrics;
    struct responder *responder;   /* of the process */
    const char *site;              /* the site's code, which its tokens name */
    struct judging_queue *judging; /* in the pool and waiting for it (judging.h); NULL: none yet */
    const struct judge_hooks *hooks;
    void *ctx; /* of the hooks */
};

#endif
