/* SPDX-License-Identifier: Apache-2.0 */
/* The device as it stands in its state folder: what is set, who it is at the site, its logs. client.h opens one. */
#ifndef CLIENT_STATE_DEVICE_H
#define CLIENT_STATE_DEVICE_H

#include "client/state/identity.h"
#include "client/state/logs.h"
#include "client/state/settings.h"

struct client {
    const char *dir; /* STATE, borrowed */
    int lock;        /* descriptor of STATE/lock, held while it is open */
    struct client_settings settings;
    struct client_identity identity;
    struct client_logs logs;
};

/* What this machine is told apart by, as the site is told it: HardwareId, else of its machine id and the state folder.
 * "" on a machine without one. */
void client_hardware_id(const struct client *c, char ret[CLIENT_HARDWARE_SIZE]);

#endif
