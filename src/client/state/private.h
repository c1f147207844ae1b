/* SPDX-License-Identifier: Apache-2.0 */
/* The state folder's files of secrets: JSON, 0600, wiped from memory once read or written. */
#ifndef CLIENT_STATE_PRIVATE_H
#define CLIENT_STATE_PRIVATE_H

#include "base/error.h"
#include "json/json.h"

/* OK with *ret NULL: there is no such file. R_DENIED when others can read it. The caller json_decref()s it. */
MUST_USE enum result client_private_load(const char *dir, const char *name, json_t **ret, struct error *err);
MUST_USE enum result client_private_save(const char *dir, const char *name, const json_t *root, struct error *err);

#endif
