/* SPDX-License-Identifier: Apache-2.0 */
/* Numbers with units as people write them in configuration files. */
#ifndef CONF_UNITS_H
#define CONF_UNITS_H

#include "base/slice.h"

/* "64KiB", "30MiB", "1GiB", "512" (bytes) → bytes. */
MUST_USE bool conf_parse_size(struct slice text, uint64_t *ret);

/* "30s", "5m", "24h", "90d", "30" (seconds) → seconds. */
MUST_USE bool conf_parse_duration(struct slice text, uint64_t *ret);

/* true/false, yes/no, on/off. */
MUST_USE bool conf_parse_bool(struct slice text, bool *ret);

#endif
