/* SPDX-License-Identifier: Apache-2.0 */
/* cmg-gateway join: from a join string to a gateway that runs. */
#ifndef GATEWAY_JOIN_JOIN_H
#define GATEWAY_JOIN_JOIN_H

#include "conf/daemon.h"

/* Arguments behind "join". The exit code: 0 joined, 1 it failed, 2 usage. */
int gateway_join(const struct conf_daemon *daemon, int argc, char **argv);

#endif
