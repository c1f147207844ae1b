/* SPDX-License-Identifier: Apache-2.0 */
/* The gateway's admin listener: /metrics, /healthz and /readyz, on an address that devices never see. */
#ifndef GATEWAY_ADMIN_H
#define GATEWAY_ADMIN_H

#include "gateway/gateway.h"
#include "metrics/pages.h"

MUST_USE enum result gateway_admin_listen(struct gateway *g, struct metrics_listener **ret, struct error *err);

#endif
