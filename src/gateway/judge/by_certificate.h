/* SPDX-License-Identifier: Apache-2.0 */
/* Is what this client showed in its handshake good, and good enough for this endpoint? */
#ifndef GATEWAY_JUDGE_BY_CERTIFICATE_H
#define GATEWAY_JUDGE_BY_CERTIFICATE_H

#include "gateway/judge/client.h"
#include "gateway/judge/question.h"

/* REASON_OK and the identity, or why not and *detail. */
MUST_USE enum verdict_reason by_certificate(struct judge_client *c, const struct authenticate_question *q,
                                            struct authentication *ret, struct error *detail);

/* The verdict alone, at this endpoint (NULL: anywhere); REASON_TOO_MANY_REQUESTS: it is being reached. */
MUST_USE enum verdict_reason by_certificate_here(struct judge_client *c, const struct bundle_endpoint *e, int64_t now,
                                                 struct error *detail);

/* REASON_OK unless the certificate that a token is bound to was revoked, or that is being found out. */
MUST_USE enum verdict_reason by_certificate_bound(struct judge_client *c, int64_t now, struct error *detail);

#endif
