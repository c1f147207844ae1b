/* SPDX-License-Identifier: Apache-2.0 */
/* Is the token of this request good, for this purpose and with what its connection showed? */
#ifndef GATEWAY_JUDGE_BY_TOKEN_H
#define GATEWAY_JUDGE_BY_TOKEN_H

#include "gateway/judge/client.h"
#include "gateway/judge/question.h"

/* REASON_OK and the identity, and c->token is its grant; or why not and *detail. */
MUST_USE enum verdict_reason by_token(struct judge_client *c, const struct authenticate_question *q,
                                      struct authentication *ret, struct error *detail);

/* The bearer token of the request, not opened; SLICE_NONE: there is none, or several. */
struct slice by_token_text(const struct authenticate_question *q);

#endif
