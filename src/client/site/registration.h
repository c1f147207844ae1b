/* SPDX-License-Identifier: Apache-2.0 */
/* The device's key, registered at the site. */
#ifndef CLIENT_SITE_REGISTRATION_H
#define CLIENT_SITE_REGISTRATION_H

#include "client/session/session.h"

/* With the chosen method, unless its key is registered already and `again` is not asked for. */
MUST_USE bool client_register(struct client_session *s, bool again);

#endif
