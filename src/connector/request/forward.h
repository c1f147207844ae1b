/* SPDX-License-Identifier: Apache-2.0 */
/* One request that came through a tunnel, on its way to its upstream (a splice of http/splice.h). */
#ifndef CONNECTOR_REQUEST_FORWARD_H
#define CONNECTOR_REQUEST_FORWARD_H

#include "connector/request/upstream.h"
#include "http/exchange.h"
#include "verdict/reason.h"

struct report;

/* Takes over x; holds a reference to u until it is over. *report hears how the upstream does (NULL: nobody does). */
void forward_start(struct http_exchange *x, struct upstream *u, struct report *const *report);

/* Answers x itself, as CMGConnector_…: a problem document. `detail` names no internal host; NULL: the reason's text. */
void forward_refuse(struct http_exchange *x, enum verdict_reason reason, const char *detail);

#endif
