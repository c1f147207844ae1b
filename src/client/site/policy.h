/* SPDX-License-Identifier: Apache-2.0 */
/* Policy of the device and of the user who signed in. */
#ifndef CLIENT_SITE_POLICY_H
#define CLIENT_SITE_POLICY_H

#include "client/session/session.h"

/* Fetches, verifies, stores; runs the handler on a change. */
MUST_USE bool client_policy(struct client_session *s, enum choice_scenario whose);
/* GET `target`, the client settings, of the management point with what the device is known by; 304 when the site's
 * version is `sequence` (0: the document is wanted whole). The caller frees *ret in every case. */
MUST_USE bool client_policy_ask(struct client_session *s, const char *target, const struct client_reader *who,
                                int64_t sequence, struct web_answer *ret);
/* The last good policy document, if it is for this reader and has not ended: its content (json_decref) and sequence. */
json_t *client_policy_stored(const struct client_reader *who, int64_t *ret_sequence);

#endif
