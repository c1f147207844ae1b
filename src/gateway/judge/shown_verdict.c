/* SPDX-License-Identifier: Apache-2.0 */
/* Verdicts on certificates that somebody showed: where each is kept, and for how long. Acceptance belongs to the
 * certificate, wherever it is shown, and lies in the worker's cache; a refusal belongs to what was shown here, for
 * another connection may bring a better chain. Nothing of a request is known here. */
#include "gateway/judge/shown_verdict.h"

#include "base/host/gather.h"
#include "base/mem.h"

bool shown_verdict_blocked(const struct bundle *b, const struct credential *c)
{
    return bundle_blocks_certificate(b, slice_make(c->sha256_hex, PKI_HASH_HEX - 1)) ||
           bundle_blocks_spki(b, slice_make(c->spki_hex, PKI_HASH_HEX - 1));
}

/* on_unavailable: allow. Once a verdict, so once a device and generation at most. */
static void alert_unchecked(struct gateway_judge *j, const struct pki_verdict *v)
{
    metric_add(j->metrics, METRIC_UNCHECKED, 1);
    LOG_GATHERED(LOG_WARN, "pki", v->identity, "unchecked", "let in unchecked", LOG_T("client", v->identity),
                 LOG_T("detail", v->detail));
}

/* Says in the verdict where they are sought. */
void shown_verdict_want_lists(struct gateway_judge *j, struct judged *r)
{
    struct pki_verdict *v = &r->verdict;
    if (r->places.count && (v->unchecked || verdict_reason_lacks_list(v->reason)))
        j->hooks->want_lists(j->ctx, j->snapshot->bundle, &r->places, v);
}

/* Time alone may change it. */
static bool may_pass(enum verdict_reason reason)
{
    return reason == REASON_CERT_NOT_YET_VALID || reason == REASON_CERT_REVOKED || reason == REASON_TOO_MANY_REQUESTS ||
           verdict_reason_lacks_list(reason);
}

static void keep_refusal(struct credential *c, const struct judged *r)
{
    if (!c->refused)
        c->refused = mem_array(1, sizeof *c->refused);
    *c->refused = r->verdict;
    if (!may_pass(r->verdict.reason))
        c->refused->valid_until = INT64_MAX; /* else for as long as pki/trust.h says */
    c->refused_generation = r->generation;
}

void shown_verdict_keep(struct gateway_judge *j, struct credential *c, struct judged *r)
{
    shown_verdict_want_lists(j, r);
    if (r->verdict.unchecked)
        alert_unchecked(j, &r->verdict);
    if (r->verdict.reason != REASON_OK) {
        keep_refusal(c, r);
        return;
    }
    struct cached_verdict kept = {.generation = r->generation, .valid_until = r->verdict.valid_until};
    kept.certificate = r->verdict;
    verdict_cache_put(j->verdicts, c->sha256, &kept);
}

/* What was found before: acceptance, which a certificate has wherever it is shown, or the refusal of what was shown
 * here. NULL: nothing that still counts. */
const struct pki_verdict *shown_verdict_known(struct gateway_judge *j, const struct credential *c, int64_t now)
{
    uint64_t generation = j->snapshot->generation;
    const struct cached_verdict *known = verdict_cache_get(j->verdicts, c->sha256, generation, now);
    if (known)
        return &known->certificate;
    bool counts = c->refused && c->refused_generation == generation && now < c->refused->valid_until;
    return counts ? c->refused : NULL;
}

/* What an answer of a responder may change is not kept. */
bool shown_verdict_may_change(const struct pki_verdict *v, const struct pki_ocsp_questions *open)
{
    return (open && open->count) || verdict_reason_lacks_list(v->reason);
}

bool shown_verdict_first(struct gateway_judge *j, struct credential *c, int64_t now,
                         struct pki_ocsp_questions *ret_open)
{
    struct judged r;
    if (shown_verdict_known(j, c, now))
        return true;
    judging_now(j, c, NULL, now, ret_open, &r);
    if (r.verdict.unfinished)
        return false;
    metric_add(j->metrics, METRIC_VERDICTS, 1);
    if (shown_verdict_may_change(&r.verdict, ret_open))
        shown_verdict_want_lists(j, &r);
    else
        shown_verdict_keep(j, c, &r);
    return true;
}

void shown_verdict_keep_below(struct gateway_judge *j, const unsigned char key[VERDICT_KEY_SIZE], struct judged *r)
{
    struct cached_verdict fresh = {.generation = r->generation, .valid_until = r->verdict.valid_until};
    shown_verdict_want_lists(j, r);
    fresh.certificate = r->verdict;
    if (!shown_verdict_may_change(&r->verdict, NULL))
        verdict_cache_put(j->verdicts, key, &fresh);
}

void shown_verdict_put_off(struct gateway_judge *j, struct credential *c, int64_t now)
{
    struct judged r;
    judging_put_off(&r, j->snapshot ? j->snapshot->generation : 0, now);
    keep_refusal(c, &r);
}

enum verdict_reason shown_verdict_answer(struct gateway_judge *j, const struct credential *c, struct judged *r)
{
    shown_verdict_want_lists(j, r);
    if (r->verdict.reason != REASON_OK)
        return r->verdict.reason;
    return shown_verdict_blocked(j->snapshot->bundle, c) ? REASON_BLOCKED : REASON_OK;
}
