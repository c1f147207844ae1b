/* SPDX-License-Identifier: Apache-2.0 */
/* One signed request of a session, to the management point in use or through the gateway, and its answer. */
#ifndef CLIENT_SESSION_SEND_H
#define CLIENT_SESSION_SEND_H

#include "client/session/session.h"

struct client_call {
    enum choice_client method; /* decides the prefix, the certificate and the key that signs */
    const char *role;          /* NULL: the gateway itself answers */
    const char *verb, *target; /* "GET", "/SMS_MP/.sms_aut?MPLIST" */
    const char *content_type;  /* NULL: no body */
    struct slice body;
    const char *bearer;        /* NULL: none */
    const char *if_none_match; /* NULL: none */
    const char *range;         /* NULL: the whole; else bytes=…, on the condition of the tag `if_range` */
    const char *if_range;
    uint64_t wait_s; /* so much longer than usual the answer may take */
};

/* Signs and sends it to the management point in use, directly or through the gateway. true: an answer below 300, or
 * 304, is in *ret. Once more when the clocks differ. The caller frees *ret in every case. */
MUST_USE bool client_session_send(struct client_session *s, const struct client_call *call, struct web_answer *ret);

/* What the site signed as its answer to the last request: the member "signed" of the JSON in `a`; json_decref *ret. The
 * GUID is ours, or (NULL) any. false: s->outcome says why. */
MUST_USE bool client_session_signed_answer(struct client_session *s, const struct web_answer *a, const char *guid,
                                           json_t **ret);

#endif
