/* SPDX-License-Identifier: Apache-2.0 */
/* An older copy of the store was put back: who took documents of the newer one holds higher numbers, and refuses what
 * the site says until its numbers are above those (docs/protocol/wire.md 5). Whoever asks or reports tells what it
 * holds; here the site goes above it, and notes it in the store for `cmg status`. */
#ifndef MP_STATUS_WENT_BACK_H
#define MP_STATUS_WENT_BACK_H

#include "base/error.h"
#include "json/json.h"

struct mp_site;

enum {
    MP_WENT_BACK_WHOM_SIZE = 80,
    MP_WENT_BACK_AHEAD_MAX_S = 366 * 86400,          /* no number further ahead of the time is believed */
    MP_WENT_BACK_DISBELIEVED_EVERY_MS = 3600 * 1000, /* what can't be is written down no more often */
    MP_WENT_BACK_LIFT_EVERY_MS = 60 * 1000,          /* one that lies makes everybody's documents anew no more often */
};

/* `kind` `id` ("gateway gw1") holds a document of number `held`; the site's own last number is `own`. Cheap while held
 * is no higher. */
MUST_USE enum result mp_went_back_heard(struct mp_site *site, const char *kind, const char *id, int64_t held,
                                        int64_t own, struct error *err);
/* The same of a device's policy. Whoever is on the way may have changed what it says, so only its own numbers are
 * lifted, and status tells nothing: a device that registered anew holds what it was given under its former GUID. */
MUST_USE enum result mp_went_back_policy(struct mp_site *site, const char *guid, int64_t held, int64_t own,
                                         struct error *err);
/* As status has it, until `cmg restore done`; null: nothing to tell. The caller json_decref()s it. */
MUST_USE enum result mp_went_back_json(struct mp_site *site, json_t **ret, struct error *err);

#endif
