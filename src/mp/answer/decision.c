/* SPDX-License-Identifier: Apache-2.0 */
/* The order of the rows is the rule: the first that fits decides. What is found, and what becomes of it: record.c. */
#include "mp/answer/decision.h"

enum choice_client mp_registration_method(enum registration_voucher v)
{
    static const enum choice_client methods[] = {[BY_PKI] = CHOICE_PKI,
                                                 [BY_ENTRA] = CHOICE_ENTRA,
                                                 [BY_BULK] = CHOICE_TOKEN,
                                                 [BY_NOBODY] = CHOICE_TOKEN,
                                                 [BY_CONNECTOR] = CHOICE_PKI};
    return methods[v];
}

bool mp_registration_vouched(enum registration_voucher v)
{
    return v != BY_NOBODY && v != BY_CONNECTOR;
}

/* The word of a PKI or of the tenant approves what waited; a bulk token does that only anew, and nobody's word never.
 */
static bool changes_nothing(const struct registration_case *c)
{
    return c->known && (c->manual || !mp_registration_vouched(c->voucher) || (c->voucher == BY_BULK && !c->anew));
}

enum registration_decision mp_registration_decide(const struct registration_case *c)
{
    if (c->alike == LIKE_ANOTHER)
        return DECIDED_WAIT_FOR_KNOWN;
    if (c->known && c->kept_out && !c->anew) /* whatever it tells now: until an administrator lets in what it shared */
        return DECIDED_AS_IT_STANDS;
    if (c->alike == LIKE_TOO_MANY)
        return DECIDED_WAIT_FOR_NAMES;
    if (changes_nothing(c))
        return DECIDED_AS_IT_STANDS;
    if (!mp_registration_vouched(c->voucher))
        return DECIDED_WAIT_FOR_VOUCHER;
    return c->manual ? DECIDED_WAIT_BY_SETTING : DECIDED_APPROVED;
}
