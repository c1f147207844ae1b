/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Asking the site's OCSP responders, over the Internet or through a connector, and remembering what they said: good and
 * revoked until its nextUpdate, a failure for some seconds, so that a responder that is down is not asked for each
 * connection. Questions about the same certificate are asked once, dozens at a time; the others wait for their turn.
 * Shared by all workers; the asking is in the loop of worker 0.
 */
#ifndef GATEWAY_JUDGE_RESPONDER_H
#define GATEWAY_JUDGE_RESPONDER_H

#include "gateway/worker.h"

struct responder;

struct responder *responder_new(struct gateway_worker *first);
/* Asks no more; before worker 0 stops. What was remembered stays. */
void responder_stop(struct responder *r);

/* A pki_ocsp_oracle's ask; `responder` is the argument. Any thread. */
void responder_recall(void *responder, const unsigned char key[PKI_OCSP_KEY_SIZE], int64_t now,
                      struct pki_ocsp_answer *ret);

/* Takes over what *q holds. done(arg) comes in the loop of `w` when each is answered or can't be, once, and not from
 * inside. Any worker. */
void responder_ask(struct responder *r, struct pki_ocsp_questions *q, struct gateway_worker *w, loop_fn *done,
                   void *arg);

/* Does the site name a responder? */
bool responder_named(const struct bundle *b);

/* Appends its metrics. Any thread. */
MUST_USE enum result responder_metrics(const struct responder *r, struct buf *out);

#endif
