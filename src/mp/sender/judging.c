/* SPDX-License-Identifier: Apache-2.0 */
/* The queue of judgements in the pool, and what is kept of each. Only work() runs in a thread of the pool, on its own
 * references; all else in the loop. A connection that goes leaves its judgement behind, which ends without it. */
#include "mp/sender/judging.h"

#include <stdlib.h>

#include "base/clock.h"
#include "base/host/log.h"
#include "base/mem.h"
#include "mp/sender/trust.h"
#include "mp/site.h"

enum { AT_ONCE = 16 /* 10 ms each, in the pool's threads */, OF_ADDRESS = 4 };
enum { LENGTHY = 4, LENGTHY_A_SECOND = 2 /* 10 ms each, in the loop */ };

struct mp_judging {
    LIST_ENTRY(mp_judging) others;  /* of the site */
    struct mp_peer *peer;           /* NULL: it has gone */
    char address[NET_ADDRESS_TEXT]; /* its group */
    struct pki_trust *trust;
    X509 *leaf;
    STACK_OF(X509) * sent;
    struct pki_verdict verdict;
    mp_judging_done_fn *done;
};

static void keep(struct mp_peer *p, struct pki_trust *trust, const struct pki_verdict *v)
{
    LOG_EVENT(LOG_DEBUG, "mp", "a certificate was judged", LOG_T("peer", p->address),
              LOG_T("reason", verdict_reason_info(v->reason)->name));
    p->verdict = *v;
    pki_trust_unref(p->judged_by);
    p->judged_by = pki_trust_ref(trust);
}

static void judge(struct mp_peer *p, struct pki_trust *trust, int64_t now, struct pki_verdict *ret)
{
    const struct pki_question q = {.leaf = p->certificate, .sent = p->chain, .now = now, .quick = true};
    pki_trust_answer(trust, &q, ret);
}

static void put_off(struct pki_verdict *v)
{
    v->reason = REASON_TOO_MANY_REQUESTS;
    cstr_copy(v->detail, sizeof v->detail,
              "the certificates that were shown take long to be judged: connect again, and show only those between the "
              "device's and its root");
}

/* --- in the pool --- */

static void work(void *arg)
{
    struct mp_judging *j = arg;
    pki_trust_judge(j->trust, j->leaf, j->sent, clock_wall_s(), &j->verdict);
}

static void over(void *arg)
{
    struct mp_judging *j = arg;
    struct mp_peer *p = j->peer;
    LIST_REMOVE(j, others);
    if (p) {
        p->judging = NULL;
        keep(p, j->trust, &j->verdict);
        j->done(p);
    }
    pki_trust_unref(j->trust);
    X509_free(j->leaf);
    sk_X509_pop_free(j->sent, X509_free);
    free(j);
}

static void begin(struct mp_peer *p, struct pki_trust *trust, mp_judging_done_fn *done)
{
    struct mp_judging *j = mem_zalloc(sizeof *j);
    *j = (struct mp_judging){.peer = p, .leaf = p->certificate, .done = done};
    (void)X509_up_ref(j->leaf);
    j->trust = pki_trust_ref(trust);
    j->sent = p->chain ? X509_chain_up_ref(p->chain) : NULL;
    cstr_copy(j->address, sizeof j->address, p->group);
    p->judging = j;
    LIST_INSERT_HEAD(&p->site->judging, j, others);
    loop_job(p->site->loop, work, over, j);
}

void mp_judging_cancel(struct mp_peer *p)
{
    if (p->judging)
        p->judging->peer = NULL;
    p->judging = NULL;
}

/* --- what is asked --- */

static bool has_room(const struct mp_peer *p)
{
    unsigned all = 0, of_address = 0;
    const struct mp_judging *j;
    LIST_FOREACH(j, &p->site->judging, others) {
        all++;
        of_address += strcmp(j->address, p->group) == 0;
    }
    return all < AT_ONCE && of_address < OF_ADDRESS;
}

/* A certificate that a device made itself for its tokens has no chain; a connector's is no device's. */
static bool is_judged(const struct mp_peer *p)
{
    return p->certificate && !p->connector[0] && choices_mode_allows(p->point->choice, CHOICE_PKI) &&
           (sk_X509_num(p->chain) > 1 || !pki_cert_self_issued(p->certificate));
}

bool mp_judging_first(struct mp_peer *p, mp_judging_done_fn *done)
{
    struct pki_trust *trust;
    struct pki_verdict v;
    struct error err;
    if (!is_judged(p) || mp_site_trust(p->site, &trust, &err) != OK)
        return true; /* a fault is told to the request */
    judge(p, trust, clock_wall_s(), &v);
    if (v.unfinished && has_room(p)) {
        begin(p, trust, done);
        return false;
    }
    if (v.unfinished)
        put_off(&v);
    keep(p, trust, &v);
    return true;
}

const struct pki_verdict *mp_judging_verdict(struct mp_peer *p, struct pki_trust *trust, int64_t now)
{
    struct pki_verdict v;
    if (p->judged_by == trust && now < p->verdict.valid_until)
        return &p->verdict;
    judge(p, trust, now, &v);
    if (v.unfinished)
        put_off(&v);
    keep(p, trust, &v);
    return &p->verdict;
}

/* --- what a connector asserts --- */

static bool may_take_long(struct mp_site *site)
{
    uint64_t now = clock_mono_ms();
    if (!site->lengthy.burst)
        bucket_start(&site->lengthy, LENGTHY, LENGTHY_A_SECOND, now);
    return bucket_take(&site->lengthy, 1, now);
}

enum result mp_judging_asserted(struct mp_site *site, X509 *leaf, STACK_OF(X509) * sent, struct pki_verdict *ret,
                                struct error *err)
{
    struct pki_trust *trust;
    enum result r = mp_site_trust(site, &trust, err);
    if (r != OK)
        return r;
    struct pki_question q = {.leaf = leaf, .sent = sent, .now = clock_wall_s(), .quick = true, .read = true};
    pki_trust_answer(trust, &q, ret);
    if (ret->unfinished && may_take_long(site))
        pki_trust_judge(trust, leaf, sent, q.now, ret);
    else if (ret->unfinished)
        put_off(ret);
    return OK;
}
