/* SPDX-License-Identifier: Apache-2.0 */
/* The parts of mp/watch/status.c: each puts its members into `status`, and into its "certificates" what ends when. */
#ifndef MP_WATCH_STATUS_PART_H
#define MP_WATCH_STATUS_PART_H

#include "base/arena.h"
#include "mp/site.h"
#include "json/json.h"

/* --- roles.c --- */
MUST_USE enum result mp_status_put_points(struct mp_site *site, struct arena *a, json_t *status, struct error *err);
MUST_USE enum result mp_status_put_gateways(struct mp_site *site, struct arena *a, json_t *status, struct error *err);
MUST_USE enum result mp_status_put_connectors(struct mp_site *site, struct arena *a, json_t *status, struct error *err);

#endif
