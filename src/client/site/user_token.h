/* SPDX-License-Identifier: Apache-2.0 */
/* The site's token of the user who signed in. */
#ifndef CLIENT_SITE_USER_TOKEN_H
#define CLIENT_SITE_USER_TOKEN_H

#include "client/credential/user.h"
#include "client/session/session.h"

/* The site's user token for this device and the signed-in user, exchanged (RFC 8693) when there is none; borrowed from
 * *u. false: s->outcome says why. */
MUST_USE bool client_user_token(struct client_session *s, struct client_user *u, const char **ret);
/* The same, but another one than the kept one. */
MUST_USE bool client_user_token_again(struct client_session *s, struct client_user *u, const char **ret);

#endif
