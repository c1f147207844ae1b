/* SPDX-License-Identifier: Apache-2.0 */
/* Which management point and which method (SPEC 6, PROTOCOL 4, Order): asks src/choices with what the signed location
 * data says of each management point. Pure. */
#ifndef CLIENT_SESSION_SELECT_H
#define CLIENT_SESSION_SELECT_H

#include "web/roles.h"

struct client_choice {
    bool found;
    bool against_rules; /* the rules leave no method, but the gateway is asked all the same, for its words */
    bool not_taken;     /* !found, and the device has a credential, whose method this management point does not take */
    struct web_role role;
    enum choice_client method;
    char why_not[CHOICE_CLIENTS][256]; /* of each method not used; "" for the one that is */
};

/* `wanted`: a role id or NULL. `lacks`: for each method what ruled its credential out, in more words than the rules
 * have; NULL: nothing.
 * R_NOTFOUND: there is no such role (the text names those there are), or no role at all. OK with !found: no method is
 * left; ret->role is the management point in question. */
MUST_USE enum result client_select(const struct web_roles *roles, const char *wanted,
                                   const struct choices_device *device, const char *const lacks[CHOICE_CLIENTS],
                                   struct client_choice *ret, struct error *err);

/* The same before any management point is known: by the credentials alone. ret->found stays false; ret->method is the
 * one that would be used, or token when there is none. */
void client_select_blind(const struct choices_device *device, const char *const lacks[CHOICE_CLIENTS],
                         struct client_choice *ret);

#endif
