/* SPDX-License-Identifier: Apache-2.0 */
/* How a session ends badly by what the device itself finds: each fills the session's outcome and returns false. */
#ifndef CLIENT_SESSION_REFUSED_H
#define CLIENT_SESSION_REFUSED_H

#include "client/session/session.h"

/* Fills the outcome from *err as a local finding and returns false. */
bool client_session_fail(struct client_session *s, const char *reason, const struct error *err, const char *remedy);

/* The same: what is to be kept can't be written. */
bool client_session_fail_state(struct client_session *s, const struct error *err);

/* The same: 304, although no version was named. It would make a document live on that has ended. */
bool client_session_fail_unasked(struct client_session *s);

/* Is it unregistered since its state came from another machine? Then the outcome says so, and true is returned. */
bool client_session_fail_cloned(struct client_session *s);

/* A certificate of the device seems to be out of its time: is it rather the device's clock, by what a gateway says?
 * Then *ret says so in words. */
MUST_USE bool client_clock_is_wrong(const struct client_session *s, char *ret, size_t size);
/* Fails for it: `differ` from above, `what` is not good by our clock. */
bool client_session_fail_clock(struct client_session *s, const char *differ, const char *what);

struct client_refused {
    struct slice text; /* of the document */
    enum document_type type;
    struct client_reader who;
    const char *reason, *remedy; /* when it is neither clock nor disk */
};
#define CLIENT_DOCUMENT_REMEDY                                                                                         \
    "compare SiteKey with the pin that `cmg status` shows; an older sequence means a management point with an old "    \
    "store"
#define CLIENT_ANSWER_REMEDY                                                                                           \
    "compare SiteKey with the pin that `cmg status` shows; if it is right, who answers is not this site's management " \
    "point: have the gateway looked at"
/* client_document_accept did not take a document, for *err. Fails as what it is. */
bool client_session_fail_document(struct client_session *s, const struct client_refused *r, const struct error *err);

#endif
