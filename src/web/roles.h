/* SPDX-License-Identifier: Apache-2.0 */
/* The management points as the site's location data tell of them (docs/protocol/wire.md 5). Pure. */
#ifndef WEB_ROLES_H
#define WEB_ROLES_H

#include "choices/choices.h"
#include "json/json.h"

enum { WEB_ROLES_MAX = 256, WEB_ROLE_MAX = 40 };

struct web_role {
    char id[WEB_ROLE_MAX + 1];
    enum choice_mp mode;
    unsigned clients; /* bits that the site lets in there */
};
struct web_roles {
    struct web_role items[WEB_ROLES_MAX];
    size_t count;
};

/* From the content of a location document. Entries of a mode unknown here are skipped. */
MUST_USE enum result web_roles_read(const json_t *location, struct web_roles *ret, struct error *err);

#endif
