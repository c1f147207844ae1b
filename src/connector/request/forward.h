/* SPDX-License-Identifier: Apache-2.0 */
/* One request that came through a tunnel, on its way to its upstream (a splice of http/splice.h). */
#ifndef CONNECTOR_REQUEST_FORWARD_H
#define CONNECTOR_REQUEST_FORWARD_H

#include "connector/request/upstream.h"
#include "http/splice.h"
#include "verdict/reason.h"

/* Whose shares it takes, which live as long as the exchange; all that are under way for others of its kind. */
struct forward_sender {
    struct http_splice_senders of;
    struct upstream_asker by;
};

/* Takes over x; holds a reference to u until it is over. on_news(ctx): the upstream fails now, or no longer
 * (upstream_fault). */
void forward_start(struct http_exchange *x, struct upstream *u, const struct forward_sender *sender,
                   void (*on_news)(void *ctx), void *ctx);

/* Answers x itself, as CMGConnector_…: a problem document. `detail` names no internal host; NULL: the reason's text. */
void forward_refuse(struct http_exchange *x, enum verdict_reason reason, const char *detail);

#endif
