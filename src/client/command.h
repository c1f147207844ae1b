/* SPDX-License-Identifier: Apache-2.0 */
/* Programs of the administrator's that the client runs: directly, without a shell, with a time limit and little around
 * them. */
#ifndef CLIENT_COMMAND_H
#define CLIENT_COMMAND_H

#include <stdbool.h>

#include "base/error.h"

struct client_command {
    const char *program;  /* absolute path */
    const char *argument; /* NULL: none */
    unsigned limit_s;     /* it and what it started is ended after this */
    size_t output_max;    /* bytes of standard output that are read; 0: it goes where standard error goes */
    bool tail; /* what it says on standard output and error goes on to ours, and its last output_max bytes are
                  kept instead of that more is too much; *ret_output is there when it failed, too */
};

/* OK: it ended with exit code 0; *ret_output (NULL when output_max is 0) is its output, malloc'ed, maybe a secret; any
 * bytes but NUL, which is a blank in a tail.
 * R_IO: it did not start, or failed; R_LIMIT: it said more than output_max; R_TIMEOUT: ended by the limit, or with us.
 */
MUST_USE enum result client_command_run(const struct client_command *c, char **ret_output, struct error *err);

#endif
