/* SPDX-License-Identifier: Apache-2.0 */
/* What became of policies, as messages that wait to be sent (client/state/messages.h). */
#ifndef CLIENT_SITE_POLICY_STATE_H
#define CLIENT_SITE_POLICY_STATE_H

#include "client/state/device.h"

struct client_policy_end {
    const char *kind;       /* "policy", "user_policy" */
    const json_t *policies; /* that were handed over together */
    bool applied;
    struct slice detail; /* why not, or what the handler said */
};
/* A message of each policy of which something else was told last, or nothing; what can't be kept is logged. */
void client_policy_tell(const struct client *c, const struct client_policy_end *end);

#endif
