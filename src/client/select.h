/* SPDX-License-Identifier: Apache-2.0 */
/* Which management point and which method (SPEC 6, PROTOCOL 4, Order): asks src/choices with what the signed location
 * data says of each management point. Pure. */
#ifndef CLIENT_SELECT_H
#define CLIENT_SELECT_H

#include "choices/choices.h"
#include "client/fqdns.h"
#include "json/json.h"

enum { CLIENT_ROLES_MAX = 256 };

struct client_role {
    char id[CLIENT_ROLE_MAX + 1];
    enum choice_mp mode;
    unsigned clients; /* bits that the site lets in there */
};
struct client_roles {
    struct client_role items[CLIENT_ROLES_MAX];
    size_t count;
};

/* From the content of a location document. Entries of a mode unknown here are skipped. */
MUST_USE enum result client_roles_read(const json_t *location, struct client_roles *ret, struct error *err);

struct client_choice {
    bool found;
    bool against_rules; /* the rules leave no method, but the gateway is asked all the same, for its words */
    struct client_role role;
    enum choice_client method;
    char why_not[CHOICE_CLIENTS][256]; /* of each method not used; "" for the one that is */
};

/* `wanted`: a role id or NULL. `no_certificate`: what ruled the PKI certificate out, when the device has none usable.
 * R_NOTFOUND: there is no such role (the text names those there are), or no role at all. OK with !found: no method is
 * left; ret->role is the management point in question. */
MUST_USE enum result client_select(const struct client_roles *roles, const char *wanted,
                                   const struct choices_device *device, const char *no_certificate,
                                   struct client_choice *ret, struct error *err);

#endif
