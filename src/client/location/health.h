/* SPDX-License-Identifier: Apache-2.0 */
/* How gateways and management points did when they were asked last (STATE/state.json, "gateways" and
 * "management_points"), and the order in which to ask gateways: those that answer before those that failed lately, the
 * faster before the slower, else as they were set. */
#ifndef CLIENT_LOCATION_HEALTH_H
#define CLIENT_LOCATION_HEALTH_H

#include "client/state/fqdns.h"
#include "json/json.h"

enum { CLIENT_HEALTH_FAILED_S = 600, CLIENT_HEALTH_KNOWN_S = 86400, CLIENT_HEALTH_STEP_MS = 50 };

/* Sorts them. One that was never asked counts as fast, so that it is tried once the others are slow; what is older than
 * the limits above counts as never asked. `known`: the member "gateways", NULL allowed. */
void client_health_sort(const json_t *known, struct client_fqdns *gateways, int64_t now);

/* Notes an answer after `ms`, or (why not NULL) that none came. */
void client_health_note(json_t *known, const struct client_fqdn *gateway, long ms, const char *why, int64_t now);

/* When it answered last, or 0: never, as far as is known. */
int64_t client_health_good(const json_t *known, const struct client_fqdn *gateway);

/* The same for a management point, by its role id: that it failed; why, when it did so lately, else NULL (borrowed). */
void client_health_note_failed(json_t *known, const char *role, const char *why, int64_t now);
const char *client_health_failed(const json_t *known, const char *role, int64_t now);

#endif
