/* SPDX-License-Identifier: Apache-2.0 */
/* The site's status as `cmg status` and alerts have it (docs/protocol/wire.md 8), asked for without a request. */
#ifndef MP_WATCH_STATUS_H
#define MP_WATCH_STATUS_H

#include "base/arena.h"
#include "mp/site.h"
#include "json/json.h"

/* With "problems" (mp/status/problems.h); the caller json_decref()s *ret. */
MUST_USE enum result mp_status(struct mp_site *site, struct arena *a, json_t **ret, struct error *err);

/* Its problems alone, without counting all devices: for who looks often. The caller json_decref()s *ret. */
MUST_USE enum result mp_status_problems(struct mp_site *site, struct arena *a, json_t **ret, struct error *err);

/* To each of `roles`, JSON with an "id", its member "joining": until when its join string counts; null: none does.
 * `kind`: "gateway", "connector". */
MUST_USE enum result mp_status_put_joining(struct mp_site *site, struct arena *a, const char *kind, json_t *roles,
                                           struct error *err);

#endif
