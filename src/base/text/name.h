/* SPDX-License-Identifier: Apache-2.0 */
/* The names that a site gives (docs/protocol/wire.md 1), each of a form of its own. */
#ifndef BASE_TEXT_NAME_H
#define BASE_TEXT_NAME_H

#include "base/slice.h"

enum name_kind {
    NAME_SITE,    /* a site code */
    NAME_MEMBER,  /* a gateway, a connector */
    NAME_ROLE,    /* a management point, or any published path */
    NAME_ENDPOINT /* of a role */
};

bool name_valid(enum name_kind kind, struct slice name);

#endif
