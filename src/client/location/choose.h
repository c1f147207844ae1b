/* SPDX-License-Identifier: Apache-2.0 */
/* Which management point, and by which method (s->choice). */
#ifndef CLIENT_LOCATION_CHOOSE_H
#define CLIENT_LOCATION_CHOOSE_H

#include "client/session/session.h"

/* What can be said of the methods by the credentials alone, before the management points are known. */
void client_choose_blind(struct client_session *s);
/* Among those of s->location; `no_pki`: why the certificate does not count; NULL: it does. false: told. OK with
 * !s->choice.found: no method is left. */
MUST_USE bool client_choose(struct client_session *s, const char *no_pki);
void client_choice_log(const struct client_session *s);
MUST_USE bool client_role_failed(const struct client_failed *failed, const char *role);

#endif
