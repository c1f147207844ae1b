/* SPDX-License-Identifier: Apache-2.0 */
/* cmg-connector join: from a join string to a connector that runs. */
#ifndef CONNECTOR_JOIN_H
#define CONNECTOR_JOIN_H

#include "conf/daemon.h"

/* Arguments behind "join". The exit code: 0 joined, 1 it failed, 2 usage. */
int connector_join(const struct conf_daemon *daemon, int argc, char **argv);

#endif
