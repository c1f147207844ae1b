/* SPDX-License-Identifier: Apache-2.0 */
/* State messages on their way to the site (docs/protocol/wire.md 6). */
#ifndef CLIENT_INVENTORY_TELL_H
#define CLIENT_INVENTORY_TELL_H

#include "client/session/session.h"

/* Sends those that wait; each is forgotten when the site signed that it has it. false: s->outcome says why; the rest
 * waits. */
MUST_USE bool client_tell(struct client_session *s);

#endif
