/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Resultant client settings: of each setting the value of the first client settings, by priority, whose collection has
 * the device and that say something of it; else the default. One table of settings.
 */
#ifndef MP_TARGETING_RESULTANT_H
#define MP_TARGETING_RESULTANT_H

#include "mp/site.h"
#include "store/device/device.h"
#include "json/json.h"

/* A value as it is kept (a new reference), from JSON or from the words of a command line. NULL: *err says what it may
 * be, or which settings there are. */
json_t *mp_resultant_value(const char *name, const json_t *given, struct error *err);

/* clang-format off */
/*
 * *ret (json_decref):
 *     {"collections": ["lab"],
 *      "values": {"allow_cmg": true, …},
 *      "winners": {"allow_cmg": "custom settings 'Lab' (priority 1, collection lab)"},
 *      "settings": [{"name", "value", "winner": C, "losers": [C…]}]}
 * where C is {"from", "priority", "collection", "value", "why"}.
 */
/* clang-format on */
MUST_USE enum result mp_resultant(struct mp_site *site, struct arena *a, const struct store_device *d, json_t **ret,
                                  struct error *err);

/* "custom settings 'Lab' (priority 1, collection lab)": how winners are called. NULL: the built-in default. */
struct store_client_settings;
void mp_resultant_name(const struct store_client_settings *c, char *ret, size_t size);

/* *ret (json_decref): the names of the collections that have the device. */
MUST_USE enum result mp_collections_of(struct mp_site *site, struct arena *a, const struct store_device *d,
                                       json_t **ret, struct error *err);

#endif
