/* SPDX-License-Identifier: Apache-2.0 */
/* The one way in which this gateway refuses: status, code, reason, problem document, log line and counter, all from the
 * table of verdict/reason.h, so that they can't disagree. */
#ifndef GATEWAY_REQUEST_REFUSAL_H
#define GATEWAY_REQUEST_REFUSAL_H

#include "gateway/metrics.h"
#include "http/exchange.h"

struct refusal {
    enum verdict_reason reason;
    const char *detail; /* NULL: the reason's own text. Never names an internal host */
    const char *remedy; /* NULL: the reason's own */
    const char *request_id;
    const char *peer;   /* for the log */
    const char *client; /* for the log: identity or subject, believed or not; NULL: unknown */
    bool known;         /* a request of this connection was let in: it is no stranger's */
    struct slice allow; /* for BAD_METHOD: the methods; empty otherwise */
    struct gateway_metrics *metrics;
};

/* Fills head and body (in `arena`) and counts and logs; for answers without an exchange. */
void refusal_build(const struct refusal *r, struct arena *arena, struct slice method, struct slice target,
                   struct http_response *ret_head, struct slice *ret_body);

/* Counts and logs alone: the answer is made, by this gateway or by a connector. */
void refusal_note(const struct refusal *r, struct slice method, struct slice target);

/* Answers x with it; the exchange is over. */
void refusal_send(const struct refusal *r, struct http_exchange *x);

#endif
