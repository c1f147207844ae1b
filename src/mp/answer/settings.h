/* SPDX-License-Identifier: Apache-2.0 */
/* What a device's resultant client settings mean for its requests (PROTOCOL 6, cmg_disallowed), and the document by
 * which it learns of them. */
#ifndef MP_TARGETING_SETTINGS_H
#define MP_TARGETING_SETTINGS_H

#include "mp/sender/device.h"
#include "mp/server/request.h"

/* May the device do more, on this way, than register, get tokens, and learn where things are and what its settings are?
 * Through a gateway allow_cmg decides; allowed_methods everywhere. false: answered, naming the setting that won. */
MUST_USE bool mp_settings_let_through(struct mp_request *r, const struct store_device *d);

/* GET /SMS_MP/.sms_pol?SETTINGS of this device: the signed document, or 304. Ends the request. */
void mp_settings_answer(struct mp_request *r, const struct mp_device *d);

/* {"sequence", "fetched", "settings", "winners", "state": "never|outdated|current", "explanation"}: what the device
 * fetched last, held against `resultant` (mp_resultant). */
MUST_USE enum result mp_settings_of_device(struct mp_request *r, const struct store_device *d, const json_t *resultant,
                                           json_t **ret, struct error *err);

#endif
