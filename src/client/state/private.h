/* SPDX-License-Identifier: Apache-2.0 */
/* The state folder's files of secrets: JSON, 0600, wiped from memory once read or written. */
#ifndef CLIENT_STATE_PRIVATE_H
#define CLIENT_STATE_PRIVATE_H

#include "base/error.h"
#include "json/json.h"

/* OK with *ret NULL: there is no such file. R_DENIED when others can read it. The caller json_decref()s it. */
MUST_USE enum result client_private_load(const char *dir, const char *name, json_t **ret, struct error *err);
/* R_INVALID: it is no object, or one of these members (the last one has no name) is there and of another kind (null is
 * none); JSON_TRUE stands for either truth. What is damaged is no member that lacks: it would be written over. */
struct client_member {
    const char *name;
    json_type type;
};
MUST_USE enum result client_private_check(const json_t *o, const struct client_member *members, struct error *err);
MUST_USE enum result client_private_save(const char *dir, const char *name, const json_t *root, struct error *err);

#endif
