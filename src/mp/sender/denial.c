/* SPDX-License-Identifier: Apache-2.0 */
/* Filling in denials; what they become on the wire is server/request.c's. */
#include "mp/sender/denial.h"

#include <stdlib.h>

bool mp_deny(struct mp_denial *ret, enum mp_refusal refusal, const char *detail)
{
    *ret = (struct mp_denial){.by = MP_DENIED_BY_REFUSAL, .refusal = refusal};
    if (detail)
        (void)error_set(&ret->why, R_DENIED, "%s", detail);
    return false;
}

bool mp_deny_verdict(struct mp_denial *ret, enum verdict_reason reason, const struct error *why)
{
    *ret = (struct mp_denial){.by = MP_DENIED_BY_VERDICT, .reason = reason};
    if (why)
        ret->why = *why;
    return false;
}

bool mp_deny_fault(struct mp_denial *ret, const struct error *err)
{
    *ret = (struct mp_denial){.by = MP_DENIED_BY_FAULT, .why = *err};
    return false;
}

void mp_denial_done(struct mp_denial *d)
{
    free(d->signed_time);
    d->signed_time = NULL;
}
