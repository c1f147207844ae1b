/* SPDX-License-Identifier: Apache-2.0 */
/* Judges what an accepted connection showed again: quickly here, else in the pool. Keeps no verdict itself
 * (shown_verdict.c), only when to stop waiting. In the worker's thread; a connection that goes leaves its judgement
 * in the pool. */
#include "gateway/judge/rejudge.h"

#include <stdlib.h>

#include "base/mem.h"
#include "gateway/judge/client.h"
#include "gateway/judge/shown_verdict.h"

static void say_later(const struct judge_client *c, struct judged *ret)
{
    *ret = (struct judged){.generation = c->judge->snapshot->generation};
    ret->verdict.reason = REASON_TOO_MANY_REQUESTS;
    cstr_copy(ret->verdict.detail, sizeof ret->verdict.detail,
              "the certificates that were shown take long to be judged, and are being judged again: ask again soon");
}

/* --- the certificate --- */

static void on_judged(void *arg, struct judged *r, struct pki_ocsp_questions *open)
{
    struct judge_client *c = arg;
    c->rejudge.judgement = NULL;
    c->rejudge.until_ms = 0;
    pki_ocsp_questions_done(open); /* asked when it connects again, before its first request */
    metric_add(c->judge->metrics, METRIC_VERDICTS, 1);
    shown_verdict_keep(c->judge, &c->credential, r);
    c->review(c);
}

static struct judgement *begin_judgement(struct judge_client *c)
{
    bool let_in = c->certificate_until || c->token;
    const struct net_group address = net_group_of(c->peer);
    const struct judging_request q = {.credential = &c->credential,
                                      .who = let_in ? JUDGING_LET_IN : JUDGING_STRANGER,
                                      .holder = let_in ? c->credential.sha256_hex : address.text};
    return judging_later(c->judge, &q, on_judged, c);
}

void rejudge_certificate(struct judge_client *c, int64_t now, struct judged *ret)
{
    struct gateway_judge *j = c->judge;
    struct rejudge *again = &c->rejudge;
    bool slow = again->judgement || again->slow == j->snapshot->generation;
    if (!slow)
        judging_now(j, &c->credential, NULL, now, NULL, ret);
    if (!slow && !ret->verdict.unfinished)
        return;
    again->slow = j->snapshot->generation;
    if (!again->until_ms)
        again->until_ms = loop_now_ms(j->loop) + REJUDGE_MS;
    if (!again->judgement)
        again->judgement = begin_judgement(c);
    say_later(c, ret);
}

void rejudge_over(struct rejudge *r)
{
    if (!r->judgement)
        r->until_ms = 0;
}

bool rejudge_waits(const struct judge_client *c)
{
    uint64_t now_ms = loop_now_ms(c->judge->loop);
    return now_ms < c->rejudge.until_ms || now_ms < c->rejudge.below_until_ms;
}

void rejudge_done(struct rejudge *r)
{
    judging_cancel(r->judgement);
}

/* --- below the anchors of an endpoint --- */

/* Once a generation. */
static void wait_below(struct judge_client *c)
{
    struct rejudge *again = &c->rejudge;
    if (again->below_slow == c->judge->snapshot->generation)
        return;
    again->below_slow = c->judge->snapshot->generation;
    again->below_until_ms = loop_now_ms(c->judge->loop) + REJUDGE_MS;
}

struct below {
    struct gateway_judge *judge;
    unsigned char key[VERDICT_KEY_SIZE];
};

static void on_judged_below(void *arg, struct judged *r, struct pki_ocsp_questions *open)
{
    struct below *b = arg;
    pki_ocsp_questions_done(open);
    metric_add(b->judge->metrics, METRIC_VERDICTS, 1);
    shown_verdict_keep_below(b->judge, b->key, r);
    free(b);
}

void rejudge_below(struct judge_client *c, const struct bundle_endpoint *below,
                   const unsigned char key[VERDICT_KEY_SIZE], int64_t now, struct judged *ret)
{
    const struct judging_request q = {&c->credential, below, JUDGING_LET_IN, c->credential.sha256_hex};
    judging_now(c->judge, &c->credential, below, now, NULL, ret);
    if (!ret->verdict.unfinished)
        return;
    struct below *b = mem_zalloc(sizeof *b);
    b->judge = c->judge;
    memcpy(b->key, key, VERDICT_KEY_SIZE);
    if (!judging_later(c->judge, &q, on_judged_below, b))
        free(b);
    wait_below(c);
    say_later(c, ret);
}
