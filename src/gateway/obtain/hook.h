/* SPDX-License-Identifier: Apache-2.0 */
/* What the ACME client (uacme) runs for each challenge: cmg-gateway begin|done|failed TYPE IDENT TOKEN AUTH. */
#ifndef GATEWAY_OBTAIN_HOOK_H
#define GATEWAY_OBTAIN_HOOK_H

#include "conf/daemon.h"

#define HOOK_STATE "CMG_GATEWAY_STATE" /* in the environment: the gateway's state folder */

/* Words of a daemon, not for people: their exit codes are 0 when the challenge is taken, 1 when it is not. */
int hook_begin(const struct conf_daemon *d, int argc, char **argv);
int hook_end(const struct conf_daemon *d, int argc, char **argv); /* done and failed */

#endif
