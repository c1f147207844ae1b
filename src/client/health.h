/* SPDX-License-Identifier: Apache-2.0 */
/* How gateways did when they were asked last (STATE/state.json, "gateways"), and the order in which to ask them: those
 * that answer before those that failed lately, the faster before the slower, else as they were set. */
#ifndef CLIENT_HEALTH_H
#define CLIENT_HEALTH_H

#include "client/fqdns.h"
#include "json/json.h"

enum { CLIENT_HEALTH_FAILED_S = 600, CLIENT_HEALTH_KNOWN_S = 86400, CLIENT_HEALTH_STEP_MS = 50 };

/* Sorts them. One that was never asked counts as fast, so that it is tried once the others are slow; what is older than
 * the limits above counts as never asked. `known`: the member "gateways", NULL allowed. */
void client_health_sort(const json_t *known, struct client_fqdns *gateways, int64_t now);

/* Notes an answer after `ms`, or (why not NULL) that none came. */
void client_health_note(json_t *known, const struct client_fqdn *gateway, long ms, const char *why, int64_t now);

#endif
