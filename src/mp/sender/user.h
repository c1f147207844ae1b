/* SPDX-License-Identifier: Apache-2.0 */
/*
 * User tokens (PROTOCOL 4, User policy): which user of which tenant stands behind an Entra token, and whether the
 * device that asks may have the site's user token for it.
 */
#ifndef MP_SENDER_USER_H
#define MP_SENDER_USER_H

#include "mp/sender/device.h"

struct mp_user_question {
    struct slice subject; /* the user's Entra token */
    struct slice actor;   /* the device's Entra token, when it is shown beside its own method; .ptr NULL: none */
};

struct mp_user_refusal {
    const char *error;  /* RFC 6749 5.2, RFC 8693 2.2.2 */
    const char *reason; /* "device_not_joined", … */
    const char *remedy;
    struct error detail;
};

/* *ret_user is the user's name. The device's Entra device id is noted when the actor token proves it now. R_DENIED:
 * *refusal says why; else a fault of ours. Within no transaction. */
MUST_USE enum result mp_user_judge(struct mp_sender *from, struct mp_device *d, const struct mp_user_question *q,
                                   char ret_user[256], struct mp_user_refusal *refusal, struct error *err);

#endif
