/* SPDX-License-Identifier: Apache-2.0 */
/* Files of JSON in the state folder that hold memory of the past alone: one that can't be read counts as absent. They
 * are written whole, and read under the folder's lock. */
#ifndef CLIENT_STATE_KEPT_H
#define CLIENT_STATE_KEPT_H

#include "json/json.h"

/* A new reference; NULL: it is not there, longer than `max` bytes, or no JSON of this type. */
json_t *client_kept_load(const char *dir, const char *name, size_t max, json_type type);
MUST_USE enum result client_kept_save(const char *dir, const char *name, const json_t *root, struct error *err);

#endif
