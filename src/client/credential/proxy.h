/* SPDX-License-Identifier: Apache-2.0 */
/* The proxy that the settings name, and the device's login there: for all requests of this process (web/proxy.h). */
#ifndef CLIENT_CREDENTIAL_PROXY_H
#define CLIENT_CREDENTIAL_PROXY_H

#include "client/state/settings.h"

/* What they name now is copied; NULL: the environment's proxy again. */
void client_proxy_use(const struct client_settings *s);

#endif
