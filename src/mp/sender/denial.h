/* SPDX-License-Identifier: Apache-2.0 */
/* Why somebody is not let through, as those who judge a sender hand it back: only a handler answers
 * (mp_request_pass in mp/server/request.h). */
#ifndef MP_SENDER_DENIAL_H
#define MP_SENDER_DENIAL_H

#include "base/error.h"
#include "mp/sender/refusal.h"

struct mp_denial {
    enum { MP_DENIED_BY_REFUSAL, MP_DENIED_BY_VERDICT, MP_DENIED_BY_FAULT } by;
    enum mp_refusal refusal;
    enum verdict_reason reason;
    struct error why;  /* what was found; .text "": the refusal's or reason's own words */
    char *signed_time; /* of a signature out of its time (mp/sender/signed.h); malloc'ed, NULL: none */
};

/* Each returns false, which is what a judge returns then. `detail` and `why` NULL: the own words. */
bool mp_deny(struct mp_denial *ret, enum mp_refusal refusal, const char *detail);
bool mp_deny_verdict(struct mp_denial *ret, enum verdict_reason reason, const struct error *why);
bool mp_deny_fault(struct mp_denial *ret, const struct error *err); /* of the store or ours */

void mp_denial_done(struct mp_denial *d);

#endif
