/* SPDX-License-Identifier: Apache-2.0 */
/* How the last operation ended and what the policy handler has done: STATE/state.json, for `status`. Not needed for
 * anything else: when it is lost, the handler runs once more. */
#ifndef CLIENT_STATE_STATE_H
#define CLIENT_STATE_STATE_H

#include "base/error.h"
#include "pki/cert/cert.h"
#include "json/json.h"

/* Fingerprint of the policies that a handler took last, under the name `whose`; "" when it took none. */
void client_state_handled(const char *dir, const char *whose, char ret[PKI_HASH_HEX]);
MUST_USE enum result client_state_set_handled(const char *dir, const char *whose, const char *fingerprint,
                                              struct error *err);

/* How those did that were asked (client/location/health.h): an object, the caller json_decref()s. `whom`: one of these.
 */
#define CLIENT_STATE_GATEWAYS "gateways"
#define CLIENT_STATE_MANAGEMENT_POINTS "management_points"
json_t *client_state_health(const char *dir, const char *whom);
MUST_USE enum result client_state_set_health(const char *dir, const char *whom, json_t *health, struct error *err);

/* The same of what the site was told last of each policy: name → fingerprint, by `kind` of message. */
json_t *client_state_told(const char *dir, const char *kind);
MUST_USE enum result client_state_set_told(const char *dir, const char *kind, json_t *told, struct error *err);

/* The site asked for a report of what the device is; until it has one. */
bool client_state_report_wanted(const char *dir);
MUST_USE enum result client_state_want_report(const char *dir, bool wanted, struct error *err);

/* The same of deployments (client/deploy/deploy.h), by the id of their policy. */
#define CLIENT_STATE_DEPLOYMENTS "deployments"

/* {"last": result, "last_failure": result, …}; the caller json_decref()s. An empty object when there is none. */
json_t *client_state_load(const char *dir);
/* Remembers the result (borrowed) of an operation; a failure stays until the next one of the same kind succeeds. */
MUST_USE enum result client_state_record(const char *dir, const char *operation, json_t *result, struct error *err);

/* Can something as large as what the device keeps be written there? */
MUST_USE enum result client_state_writable(const char *dir, struct error *err);

#endif
