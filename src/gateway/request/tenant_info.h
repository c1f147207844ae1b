/* SPDX-License-Identifier: Apache-2.0 */
/* GET /CCM_Proxy_ServerAuth/AADAuthInfo?TenantID=…: what a device that is not registered yet needs to know to ask its
 * tenant for a token. Open to everybody, for onboarded tenants alone, and so often a second (PROTOCOL 6). */
#ifndef GATEWAY_REQUEST_TENANT_INFO_H
#define GATEWAY_REQUEST_TENANT_INFO_H

#include "gateway/client/connection.h"
#include "gateway/request/target.h"
#include "net/strangers.h"

/* For all addresses together; one address has its own rate (net/strangers.h). */
enum { TENANT_INFO_PER_SECOND = 1000 };

bool tenant_info_asked(const struct target *t);

/* REASON_OK: tenant_info_answer may answer. `all_together`: the rates of all addresses. */
MUST_USE enum verdict_reason tenant_info_allowed(struct gateway_connection *c, struct net_questions *all_together,
                                                 const struct target *t, struct error *detail);
void tenant_info_answer(const struct bundle *b, const struct target *t, struct http_exchange *x);

#endif
