/* SPDX-License-Identifier: Apache-2.0 */
/* The OpenID providers that the site takes tokens from, ready to judge with: the management point judges again what the
 * gateway let in. */
#ifndef MP_SENDER_TENANTS_H
#define MP_SENDER_TENANTS_H

#include "jose/entra.h"
#include "mp/site.h"

struct mp_tenants;     /* as of one state of the site */
struct mp_tenant_keys; /* those that are fetched */

/* At start and at end of the site. */
MUST_USE enum result mp_tenants_open(struct mp_site *site, struct error *err);
void mp_tenants_close(struct mp_site *site);

/* The tenants or their sources may have changed: keys that are not at hand yet are fetched. */
void mp_tenants_changed(struct mp_site *site);

/* What this process last got of each source of keys: [{"id", "kind", "fetched", "failures", "error"}]. */
json_t *mp_tenants_sources(const struct mp_site *site);

/* Judges an Entra token. OK and *ret_reason with *detail; else a fault of ours. ret->tenant is borrowed until the next
 * call. */
MUST_USE enum result mp_tenants_judge(struct mp_site *site, struct slice text, struct entra_token *ret,
                                      enum verdict_reason *ret_reason, struct error *detail);

#endif
