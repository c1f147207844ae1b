/* SPDX-License-Identifier: Apache-2.0 */
/* Programs of the administrator's that are run for him: directly, without a shell, with a time limit and little around
 * them. */
#ifndef BASE_HOST_PROGRAM_H
#define BASE_HOST_PROGRAM_H

#include <stdbool.h>

#include "base/error.h"

struct program {
    const char *path;     /* absolute */
    const char *argument; /* NULL: none */
    unsigned limit_s;     /* it and what it started is ended after this */
    size_t output_max;    /* bytes of standard output that are read; 0: it goes where standard error goes */
    bool tail; /* what it says on standard output and error goes on to ours, and its last output_max bytes are
                  kept instead of that more is too much; *ret_output is there when it failed, too */
    bool (*stopped)(void); /* are we to end, and it with us? NULL: never */
};

/* OK: it ended with exit code 0; *ret_output (NULL when output_max is 0) is its output, malloc'ed, maybe a secret; any
 * bytes but NUL, which is a blank in a tail.
 * R_IO: it did not start, or failed; R_LIMIT: it said more than output_max; R_TIMEOUT: ended by the limit, or with us.
 */
MUST_USE enum result program_run(const struct program *p, char **ret_output, struct error *err);

#endif
