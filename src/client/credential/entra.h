/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The device as one that Microsoft Entra (or another OpenID provider) vouches for: what the settings Entra… name, and
 * the device's own token, by client credentials with a certificate (RFC 7523) or from a credential command.
 */
#ifndef CLIENT_CREDENTIAL_ENTRA_H
#define CLIENT_CREDENTIAL_ENTRA_H

#include "client/credential/credential.h"
#include "client/state/device.h"
#include "web/http.h"
#include "web/outcome.h"
#include "web/provider.h"

struct client_entra {
    const struct client *c; /* borrowed, as http */
    struct web_http *http;
    bool configured, usable;             /* usable: by what can be seen without a request */
    char fault[256];                     /* when it is not */
    struct client_credential credential; /* of EntraCertificate */
    char *token;                         /* the device's, of this session; a secret; NULL: not asked for yet */
};

/* What is at hand, without a request: fills *e, which is zeroed. */
void client_entra_find(const struct client *c, struct web_http *http, struct client_entra *e);
void client_entra_end(struct client_entra *e);

/* The device's Entra token, got once a session; borrowed. `now`: by the site's clock. false: *o says why. */
MUST_USE bool client_entra_token(struct client_entra *e, int64_t now, const char **ret, struct web_outcome *o);

/* The provider that the settings name, its endpoints found; `anchors` is *ret_anchors (free it) or the system's. false:
 * *o says why. web_provider_done and free in every case. */
MUST_USE bool client_entra_provider(const struct client_settings *set, struct web_http *http, struct web_provider *ret,
                                    char **ret_anchors, struct web_outcome *o);

#endif
