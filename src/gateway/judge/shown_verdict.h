/* SPDX-License-Identifier: Apache-2.0 */
/* Verdicts on the certificates that a connection showed: asked before its first request, kept, and found again. */
#ifndef GATEWAY_JUDGE_SHOWN_VERDICT_H
#define GATEWAY_JUDGE_SHOWN_VERDICT_H

#include "gateway/judge/judging.h"

/* What was found before: acceptance, which a certificate has wherever it is shown, or the refusal of what was shown
 * here. NULL: nothing that still counts. Borrowed until the next one is kept. */
const struct pki_verdict *shown_verdict_known(struct gateway_judge *j, const struct credential *c, int64_t now);

/* Judges a certificate that was shown, before the first request, and gives what OCSP responders must be asked for that;
 * nothing when lists, or what was answered before, are enough. The caller pki_ocsp_questions_done()s them. false: it
 * takes longer than a worker's loop may (judging_later). */
MUST_USE bool shown_verdict_first(struct gateway_judge *j, struct credential *c, int64_t now,
                                  struct pki_ocsp_questions *ret_open);

/* A verdict of judging.h comes to count: acceptance for the certificate, a refusal for what was shown here. */
void shown_verdict_keep(struct gateway_judge *j, struct credential *c, struct judged *r);

/* One of them comes to count for what was shown and the anchors of one endpoint, by their key. */
void shown_verdict_keep_below(struct gateway_judge *j, const unsigned char key[VERDICT_KEY_SIZE], struct judged *r);

/* There was no time to judge it, and says so to each request. */
void shown_verdict_put_off(struct gateway_judge *j, struct credential *c, int64_t now);

/* What a request that shows this certificate would hear now of a verdict of judging.h, blocks included. Nothing is
 * remembered of it, so that a chain that somebody wrote down makes no device's. */
MUST_USE enum verdict_reason shown_verdict_answer(struct gateway_judge *j, const struct credential *c,
                                                  struct judged *r);

/* An answer of a responder may change it: it is not kept. `open` (NULL allowed): what one must be asked. */
bool shown_verdict_may_change(const struct pki_verdict *v, const struct pki_ocsp_questions *open);

/* Has the lists that it lacks fetched, and says in the verdict where they are sought. */
void shown_verdict_want_lists(struct gateway_judge *j, struct judged *r);

/* The certificate or its key. */
bool shown_verdict_blocked(const struct bundle *b, const struct credential *c);

#endif
