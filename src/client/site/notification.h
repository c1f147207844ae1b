/* SPDX-License-Identifier: Apache-2.0 */
/* What the site tells the device at once: a request that waits for it (docs/protocol/wire.md 6), and what of it is
 * believed: signed for this device's key, and above all that was told before. */
#ifndef CLIENT_SITE_NOTIFICATION_H
#define CLIENT_SITE_NOTIFICATION_H

#include "client/session/session.h"

enum client_waited {
    CLIENT_WAITED_FAILED,  /* the session's outcome says why */
    CLIENT_WAITED_NOWHERE, /* this site tells nothing */
    CLIENT_WAITED_IN_VAIN, /* nothing came */
    CLIENT_WAITED_TOLD     /* *ret is what came */
};

/* Waits so long; writes nothing but the logs. `bearer`: of client_access_token. The caller frees *ret in every case. */
MUST_USE enum client_waited client_notification_wait(struct client_session *s, const char *bearer, uint64_t wait_s,
                                                     struct web_answer *ret);

/* With the state folder taken: believes it, hands messages to the handler. *ret_run: policy and all else is to be
 * fetched now. false: the session's outcome says why. */
MUST_USE bool client_notification_take(struct client_session *s, struct slice text, bool *ret_run);

#endif
