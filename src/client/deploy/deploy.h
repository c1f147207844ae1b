/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the device's policies bring: files are fetched to STATE/content/<policy id>-<version>, then the handler that the
 * policy names, of the folder ContentHandlers, is run with that folder. What became of it is in STATE/state.json, for
 * `status`, and goes to the site as a state message. A handler that was cut off, or failed, runs again with the next
 * request; one that did its work does so only for something else.
 */
#ifndef CLIENT_DEPLOY_DEPLOY_H
#define CLIENT_DEPLOY_DEPLOY_H

#include "client/session/session.h"

/* Of the policies in force, one after the other. A failure fails no operation: it is told of the deployment. */
void client_deploy(struct client_session *s);

/* Is something still to be fetched, for which there was no way? */
bool client_deploy_unfinished(const char *dir);

/* {"policy", "version", "content", "content_version", "handler", "state": "fetching|applied|failed", "detail", "bytes",
 * "size", "at", "fingerprint", "told"} of each, as an array; the caller json_decref()s. */
json_t *client_deploy_outcomes(const char *dir);

#endif
