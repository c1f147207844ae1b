/* SPDX-License-Identifier: Apache-2.0 */
/* Tells the site once a minute, and soon after a change, how this gateway is (docs/protocol/wire.md 4): through a
 * tunnel; in its home's loop. */
#ifndef GATEWAY_SITE_REPORT_H
#define GATEWAY_SITE_REPORT_H

#include "gateway/client/shown.h"
#include "gateway/metrics.h"
#include "gateway/snapshot/sources.h"

struct gateway_report;

/* Where it looks; all is borrowed. */
struct gateway_report_parts {
    const struct snapshot_home *home;
    struct shown_certificates *shown;
    const struct gateway_counters *counters;
    struct sources *sources;
};

struct gateway_report *gateway_report_new(const struct gateway_report_parts *parts);
void gateway_report_free(struct gateway_report *r);    /* NULL allowed */
void gateway_report_changed(struct gateway_report *r); /* NULL allowed; many changes make one report */

#endif
