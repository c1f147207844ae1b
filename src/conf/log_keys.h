/* SPDX-License-Identifier: Apache-2.0 */
/* The `log:` block, the same in every daemon's file. */
#ifndef CONF_LOG_KEYS_H
#define CONF_LOG_KEYS_H

#include "base/error.h"
#include "conf/conf.h"

struct conf_log {
    char *format, *level, *file;
};
extern const struct conf_schema conf_log_schema;

/* Makes it the process's log. */
MUST_USE enum result conf_log_apply(const struct conf_log *log, struct error *err);

#endif
