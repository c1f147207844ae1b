/* SPDX-License-Identifier: Apache-2.0 */
/* Whether whoever registers waits for an administrator (PROTOCOL 8): one pure function of what was found. */
#ifndef MP_ANSWER_DECISION_H
#define MP_ANSWER_DECISION_H

#include "choices/choices.h"

enum registration_voucher {
    BY_PKI,
    BY_ENTRA,
    BY_BULK,
    BY_NOBODY,
    BY_CONNECTOR /* alone: the certificate that it asserts leads to no anchor here */
};

/* The method that the device is of by it. */
enum choice_client mp_registration_method(enum registration_voucher v);
/* Does anybody whose word counts here? */
bool mp_registration_vouched(enum registration_voucher v);

struct registration_case {
    enum registration_voucher voucher;
    enum { LIKE_NOBODY, LIKE_ANOTHER, LIKE_TOO_MANY } alike; /* shares what another has; has too many names to tell */
    bool known;                                              /* it had a record before */
    bool kept_out; /* by that record: it shared something with one that was shut out */
    bool anew;     /* what held that record up is no more, and a token was made for it */
    bool manual;   /* the site's setting `approval` */
};

enum registration_decision {
    DECIDED_AS_IT_STANDS, /* the record's state stays */
    DECIDED_WAIT_FOR_KNOWN,
    DECIDED_WAIT_FOR_NAMES,
    DECIDED_WAIT_FOR_VOUCHER,
    DECIDED_WAIT_BY_SETTING,
    DECIDED_APPROVED,
};

enum registration_decision mp_registration_decide(const struct registration_case *c);

#endif
