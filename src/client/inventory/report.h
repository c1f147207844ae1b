/* SPDX-License-Identifier: Apache-2.0 */
/* Reports of what the device is (docs/protocol/wire.md 6): what changed since the one that the site took last, in
 * parts, from where it stood when it was broken off, also by the end of the process. */
#ifndef CLIENT_INVENTORY_REPORT_H
#define CLIENT_INVENTORY_REPORT_H

#include "client/session/session.h"

struct client_reported {
    bool sent;           /* a report; else it was not due */
    bool whole;          /* of all facts, not of what changed */
    int64_t size, taken; /* bytes; when the facts were */
};

/* Is one due at this time, or one begun that is not whole? */
bool client_report_is_due(const struct client *c, int64_t now);
/* Goes on with one that is under way, else makes one. `whole`: of all facts. false: s->outcome says why. */
MUST_USE bool client_report_send(struct client_session *s, bool whole, struct client_reported *ret);

/* What the site took last; the caller json_decref()s. {"facts", "fingerprint", "taken"}; NULL: nothing. */
json_t *client_report_last(const char *dir);

#endif
