/* SPDX-License-Identifier: Apache-2.0 */
/* cmg-client join: from a join string to a device that has its policy. */
#ifndef CLIENT_JOIN_H
#define CLIENT_JOIN_H

#include <stdbool.h>

struct client_joining {
    const char *dir;             /* the state folder */
    const char *argument, *file; /* where the string is (join/text.h); each may be NULL */
    bool json, start;            /* start: the service, too */
};
/* The exit code: 0 joined, 1 it failed. */
int client_join(const struct client_joining *how);

#endif
