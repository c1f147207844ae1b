/* SPDX-License-Identifier: Apache-2.0 */
/* What is given and is of no use: told when it is uploaded, and in `cmg status` for as long as it is there. */
#ifndef MP_STATUS_TRUST_FAULT_H
#define MP_STATUS_TRUST_FAULT_H

#include "base/arena.h"
#include "mp/site.h"
#include "store/site/trust.h"
#include "json/json.h"

/* Why this certificate is of no use as what it was given for (no CRL), now; "": it is of use. */
void mp_trust_fault(enum store_trust_kind kind, X509 *cert, int64_t now, char *ret, size_t size);

/* Puts "trust" into a status: of anchors, intermediates and lists those that can't be used, ended, or end soon:
 * {id, kind, subject, scope, not_after, fault}. */
MUST_USE enum result mp_trust_put_faults(struct mp_site *site, struct arena *a, json_t *status, struct error *err);

#endif
