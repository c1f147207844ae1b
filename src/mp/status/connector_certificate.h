/* SPDX-License-Identifier: Apache-2.0 */
/* How it stands with a connector's PKI client certificate: what the site demands and has registered, and what the
 * connector found when it judged its own. */
#ifndef MP_STATUS_CONNECTOR_CERTIFICATE_H
#define MP_STATUS_CONNECTOR_CERTIFICATE_H

#include <jansson.h>

#include "store/site/role.h"

/*
 * {"needed", "registered", "state", "step", "detail", "remedy", "subject", "not_after", "checked", "steps"}; the caller
 * json_decref()s. `state` is "not_needed", "missing", "failed", "unknown" or "ok"; `step` the one that rules it out, or
 * that nothing is known of, else "none".
 *
 * demanding: a management point that needs it (SPEC 2: https with pki clients); NULL: none does. report: the
 * connector's last one.
 */
json_t *mp_connector_certificate(const struct store_connector *c, const struct store_mp *demanding,
                                 const json_t *report);

#endif
