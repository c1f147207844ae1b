/* SPDX-License-Identifier: Apache-2.0 */
/* The end of a connection that somebody else's code waits at: libldap bounds the wait for an answer, but no TLS
 * handshake, and nothing as a whole. */
#ifndef CONNECTOR_DIRECTORY_DEADLINE_H
#define CONNECTOR_DIRECTORY_DEADLINE_H

#include "base/attr.h"

#include <stdbool.h>

struct deadline;

struct deadline *deadline_new(unsigned after_s);
/* This socket, and none before it, is shut down then: whoever waits at it finds the other side gone. It stays the
 * caller's. False: it is too late already. */
MUST_USE bool deadline_watch(struct deadline *d, int fd);
/* Frees it. Was it too late? */
bool deadline_end(struct deadline *d);

#endif
