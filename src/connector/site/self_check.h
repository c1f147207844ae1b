/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Would this connector's own client certificate be believed by an https management point? Judged step by step
 * (pki/own_check.h) with the anchors, settings and lists that the site's document brings; lists of sources that this
 * connector relays it fetches itself, and only when the others don't decide. Told at start-up and at each change, to
 * the log and to the site.
 */
#ifndef CONNECTOR_SITE_SELF_CHECK_H
#define CONNECTOR_SITE_SELF_CHECK_H

#include <jansson.h>
#include <stdio.h>

#include "connector/site/known.h"

struct self_check;

struct self_check *self_check_new(const struct site_known *known);
void self_check_free(struct self_check *s); /* NULL allowed */

/* There is another document, or none yet. It is run again by itself every hour, and when the certificate begins or
 * ends. NULL allowed. */
void self_check_run(struct self_check *s);

/* For the report: {"configured", "needed", "subject", "sha256", "not_after", "checked", "state", "step", "detail",
 * "remedy", "steps": [{"step", "outcome", "detail"}]}; the caller json_decref()s. */
json_t *self_check_json(const struct self_check *s);

/* The role certificate, which the site gave: by what gateways and management points judge it. R_DENIED or R_INVALID. */
MUST_USE enum result self_check_role(const struct connector_config *config, const struct role_identity *role,
                                     struct error *err);
#define SELF_CHECK_ROLE_REMEDY                                                                                         \
    "make another bootstrap file: cmg connector add ID --renew --out FILE; and check this machine's clock"

/* For --check-config: with the document that was kept; a line a step, and a fault when one rules it out. */
void self_check_print(const struct connector_config *config, FILE *out, struct conf_faults *faults);

#endif
