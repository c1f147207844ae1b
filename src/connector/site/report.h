/* SPDX-License-Identifier: Apache-2.0 */
/* Tells the site every minute, and soon after a change, which tunnels stand (docs/protocol/wire.md 4). */
#ifndef CONNECTOR_SITE_REPORT_H
#define CONNECTOR_SITE_REPORT_H

#include "connector/connector.h"

struct report *report_new(struct connector *c);
void report_free(struct report *r); /* NULL allowed */

void report_changed(struct report *r); /* NULL allowed: nothing is told */
void report_stop(struct report *r);    /* what is under way; report_changed starts again */

#endif
