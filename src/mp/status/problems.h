/* SPDX-License-Identifier: Apache-2.0 */
/* What needs an administrator, by what the site's status tells: causes only, not what follows from them. Pure. */
#ifndef MP_STATUS_PROBLEMS_H
#define MP_STATUS_PROBLEMS_H

#include <jansson.h>
#include <stdint.h>

enum {
    MP_SILENT_S = 180,
    MP_ENDS_SOON_S = 14 * 86400,
    MP_FAULT_FRESH_S = 300 /* gateways and connectors report each minute */
};

/*
 * [{"cause", "of", "found", "remedy"}], the most urgent first; the caller json_decref()s. `status`: the answer of
 * /v1/status (docs/protocol/wire.md 8) without it. `now`: wall seconds.
 */
json_t *mp_problems(const json_t *status, int64_t now);

#endif
