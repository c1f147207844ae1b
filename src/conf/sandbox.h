/* SPDX-License-Identifier: Apache-2.0 */
/* From a daemon's table of keys to its sandbox: each key that holds a path says in `use` what for. */
#ifndef CONF_SANDBOX_H
#define CONF_SANDBOX_H

#include "conf/conf.h"

/* The row that switches it off, the same in every daemon's table; `at` is a bool. */
#define CONF_SANDBOX_KEY(at)                                                                                           \
    {                                                                                                                  \
        .name = "sandbox", .kind = CONF_BOOL, .offset = (at), .fallback = "on",                                        \
        .help = "the process locks itself in: it reaches only the files named here and of the system what libraries "  \
                "read, and starts no programs"                                                                         \
    }

/* Lets in what `loaded`, which conf_load() made, names. */
void conf_sandbox_paths(const struct conf_schema *schema, const void *loaded, struct sandbox *s);

#endif
