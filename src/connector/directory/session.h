/* SPDX-License-Identifier: Apache-2.0 */
/* One connection to one directory server, bounded: time, bytes, and whom it may connect to. */
#ifndef CONNECTOR_DIRECTORY_SESSION_H
#define CONNECTOR_DIRECTORY_SESSION_H

#include <ldap.h>
#include <sys/time.h>

#include "connector/directory/deadline.h"
#include "connector/directory/directory.h"

struct directory_session {
    const struct directory_question *question;
    const char *server;   /* ldap[s]://HOST:PORT */
    struct timeval whole; /* how long it may last */
    bool is_own;          /* of the settings: their CA, StartTLS and bind are for it */

    LDAP *ld;
    struct deadline *deadline;
    struct ldap_conncb callback;
    bool is_tls, not_allowed, not_reached; /* the last: another server may answer */
};

/* Nothing is connected to before StartTLS, a bind or a search, whichever comes first. Wants directory_session_close,
 * also after a fault. It lasts no longer than `whole` from here on, whatever the server does. */
MUST_USE enum result directory_session_open(struct directory_session *s, struct error *err);
/* Was it ended because it lasted too long? */
bool directory_session_close(struct directory_session *s);

#endif
