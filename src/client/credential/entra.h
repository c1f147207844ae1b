/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The device as one that Microsoft Entra (or another OpenID provider) vouches for: what the settings Entra… name, and
 * the device's own token, by client credentials with a certificate (RFC 7523) or from a credential command.
 */
#ifndef CLIENT_CREDENTIAL_ENTRA_H
#define CLIENT_CREDENTIAL_ENTRA_H

#include "client/client.h"
#include "web/provider.h"

/* What is at hand, without a request: fills s->entra. */
void client_entra_find(struct client_session *s);
void client_entra_end(struct client_entra *e);

/* The device's Entra token, got once a session; borrowed. false: s->outcome says why. */
MUST_USE bool client_entra_token(struct client_session *s, const char **ret);

/* The provider that the settings name, its endpoints found; `anchors` is *ret_anchors (free it) or the system's. false:
 * *o says why. web_provider_done and free in every case. */
MUST_USE bool client_entra_provider(const struct client_settings *set, struct web_http *http, struct web_provider *ret,
                                    char **ret_anchors, struct web_outcome *o);

#endif
