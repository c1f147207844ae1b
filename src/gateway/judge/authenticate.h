/* SPDX-License-Identifier: Apache-2.0 */
/* Is this device let in, here, now? The certificate's or token's verdict, blocks, mode, and the endpoint's own list. */
#ifndef GATEWAY_JUDGE_AUTHENTICATE_H
#define GATEWAY_JUDGE_AUTHENTICATE_H

#include "gateway/judge/client.h"
#include "gateway/judge/question.h"

/* REASON_OK and *ret, or why not and *detail. */
MUST_USE enum verdict_reason authenticate(struct judge_client *c, const struct authenticate_question *q,
                                          struct authentication *ret, struct error *detail);

/* NULL while a request that `token` let in at this endpoint may go on, by the endpoint's rule of today, else what ended
 * it; without one the connection's certificate let it in. NULL `e`: anywhere. */
const char *authenticate_ended(struct judge_client *c, const struct grant *token, const struct bundle_endpoint *e,
                               int64_t now);

/* NULL while what let this connection's requests in last still holds, else what ended it. */
const char *authenticate_still_holds(struct judge_client *c, int64_t now);

#endif
