/* SPDX-License-Identifier: Apache-2.0 */
/* The resultant client settings, fetched (client/state/resultant.h keeps them). */
#ifndef CLIENT_SITE_SETTINGS_H
#define CLIENT_SITE_SETTINGS_H

#include "client/session/session.h"

/* Fetches the settings; those set by hand end with it. false: it failed, or the site does not allow the gateway:
 * s->outcome names the setting that won. true also when this management point knows of no client settings. */
MUST_USE bool client_settings_fetch(struct client_session *s);

#endif
