/* SPDX-License-Identifier: Apache-2.0 */
/* The state folder as one command holds it. */
#ifndef CLIENT_CLIENT_H
#define CLIENT_CLIENT_H

#include "client/state/device.h"

/* Makes STATE (0700) when it is not there, waits until no other command works on it, and loads everything; state that
 * was copied from another machine loses identity, keys and tokens. `dir` is borrowed. */
MUST_USE enum result client_open(const char *dir, struct client *ret, struct error *err);
void client_close(struct client *c);

/* While it only waits others may work on the state folder; nothing may be written meanwhile. Taken again: R_CONFLICT
 * when another one works on it for long. */
void client_let_go(struct client *c);
MUST_USE enum result client_take_again(struct client *c, struct error *err);

#endif
