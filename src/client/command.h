/* SPDX-License-Identifier: Apache-2.0 */
/* Programs of the administrator's that the client runs: directly, without a shell, with a time limit and little around
 * them. */
#ifndef CLIENT_COMMAND_H
#define CLIENT_COMMAND_H

#include "base/error.h"

struct client_command {
    const char *program;  /* absolute path */
    const char *argument; /* NULL: none */
    unsigned limit_s;     /* it and what it started is ended after this */
    size_t output_max;    /* bytes of standard output that are read; 0: it goes where standard error goes */
};

/* OK: it ended with exit code 0; *ret_output (NULL when output_max is 0) is its output, malloc'ed, maybe a secret.
 * R_IO: it did not start, or failed; R_LIMIT: it said more than output_max; R_TIMEOUT: ended by the limit, or with us.
 */
MUST_USE enum result client_command_run(const struct client_command *c, char **ret_output, struct error *err);

#endif
