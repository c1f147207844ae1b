/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The service in two processes. One speaks with the network, and is locked in: it starts no program and reaches no file
 * but the state and what the settings name. The other, which made it, never hears the network: it runs the programs
 * that the settings named when the service started, and those alone, whatever the first one says; and it looks at the
 * machine.
 */
#ifndef CLIENT_APART_H
#define CLIENT_APART_H

#include "base/host/program.h"
#include "client/state/settings.h"

/* Goes on in the process that is locked in, and never in the other one, which ends with its exit code: OK, or R_IO
 * where no process could be made. Before there are threads. With the setting Sandbox off it does nothing. */
MUST_USE enum result client_apart_enter(const char *dir, struct error *err);

/* Do the settings still name what this process was let in to? Else it is to end by client_apart_again(), and comes back
 * with what they name now. */
bool client_apart_fits(const struct client_settings *s);
_Noreturn void client_apart_again(void);

/* As program_run, by the other process where there is one. R_DENIED: the settings named it later. */
MUST_USE enum result client_apart_command(const struct program *c, char **ret_output, struct error *err);
/* What the machine is (client/facts/collect.h), as text, by the other process where there is one; malloc'ed. */
MUST_USE enum result client_apart_facts(const char *dir, const struct client_settings *s, char **ret,
                                        struct error *err);

#endif
