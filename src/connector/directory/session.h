/* SPDX-License-Identifier: Apache-2.0 */
/* One connection to one directory server, bounded: time, bytes, and whom it may connect to. */
#ifndef CONNECTOR_DIRECTORY_SESSION_H
#define CONNECTOR_DIRECTORY_SESSION_H

#include <ldap.h>

#include "connector/directory/directory.h"

struct directory_session {
    const struct directory_question *question;
    const char *server; /* ldap[s]://HOST:PORT */
    bool is_own;        /* of the settings: their CA, StartTLS and bind are for it */

    LDAP *ld;
    struct ldap_conncb callback;
    bool is_tls, not_allowed, not_reached; /* the last latter: another server may answer */
};

/* Nothing is connected to before StartTLS, a bind or a search, whichever comes first. Wants directory_session_close,
 * also after a fault. */
MUST_USE enum result directory_session_open(struct directory_session *s, struct error *err);
void directory_session_close(struct directory_session *s);

#endif
