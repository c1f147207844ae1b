/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Asking the site's OCSP responders, over the Internet or through a connector, and remembering what they said: good and
 * revoked until its nextUpdate, a failure for some seconds, so that a responder that is down is not asked for each
 * connection. Questions about the same certificate are asked once, dozens at a time; the others wait for their turn.
 * Shared by all workers; the asking is in one loop.
 */
#ifndef GATEWAY_JUDGE_RESPONDER_H
#define GATEWAY_JUDGE_RESPONDER_H

#include "gateway/snapshot/current.h"
#include "gateway/tunnels.h"
#include "loop/loop.h"
#include "pki/revocation/ocsp_client.h"

struct responder;

/* Asks in this loop, through these tunnels of it; all are borrowed. */
struct responder *responder_new(struct loop *loop, const struct gateway_tunnels *tunnels,
                                struct snapshot_current *current);
/* Asks no more; before its loop stops. What was remembered stays. */
void responder_stop(struct responder *r);

/* A pki_ocsp_oracle's ask; `responder` is the argument. Any thread. */
void responder_recall(void *responder, const unsigned char key[PKI_OCSP_KEY_SIZE], int64_t now,
                      struct pki_ocsp_answer *ret);

/* `holder`: for whom, an address' group. When too many questions wait, those of who has most give way; of two that
 * wait, that of who has fewer on their way goes first. Takes over what *q holds. done(arg) comes in `loop` when each is
 * answered or can't be, once, and not from inside. Any thread. */
void responder_ask(struct responder *r, const char *holder, struct pki_ocsp_questions *q, struct loop *loop,
                   loop_fn *done, void *arg);

/* Does the site name a responder? */
bool responder_named(const struct bundle *b);

/* Appends its metrics. Any thread. */
MUST_USE enum result responder_metrics(const struct responder *r, struct buf *out);

#endif
