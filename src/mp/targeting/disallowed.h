/* SPDX-License-Identifier: Apache-2.0 */
/* Whom client settings do not let use the gateways, for the bundle: gateways ask it for what other servers than
 * management points answer (PROTOCOL 6, cmg_disallowed). */
#ifndef MP_TARGETING_DISALLOWED_H
#define MP_TARGETING_DISALLOWED_H

#include <jansson.h>

#include "base/arena.h"
#include "mp/site.h"

/*
 * Pushes groups (docs/protocol/wire.md 5, "disallowed") to `ret`: by the settings that won, those devices; at the end,
 * when the default settings forbid it, everybody but the devices that custom settings decide about. Costs nothing
 * while no settings forbid it to anybody, or nothing but management points is published.
 */
MUST_USE enum result mp_disallowed(struct mp_site *site, struct arena *a, json_t *ret, struct error *err);

#endif
