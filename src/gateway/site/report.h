/* SPDX-License-Identifier: Apache-2.0 */
/* Tells the site once a minute, and soon after a change, how this gateway is (docs/protocol/wire.md 4): through a
 * tunnel of worker 0, in whose loop it lives. */
#ifndef GATEWAY_SITE_REPORT_H
#define GATEWAY_SITE_REPORT_H

#include "gateway/snapshot/sources.h"

struct gateway_report;

struct gateway_report *gateway_report_new(struct gateway_worker *w);
void gateway_report_free(struct gateway_report *r);    /* NULL allowed */
void gateway_report_changed(struct gateway_report *r); /* NULL allowed; many changes make one report */

#endif
