/* SPDX-License-Identifier: Apache-2.0 */
/* What the files of `cmg plan` share: where the fleet comes from, and the text that people read. */
#ifndef CTL_ASK_PLAN_H
#define CTL_ASK_PLAN_H

#include "ctl/ctl.h"
#include "plan/report.h"

/* The site's own devices, and today's set-up as far as the site tells; the rest of *setup stays as it is. *fault is
 * filled on failure. */
MUST_USE enum result ctl_plan_site(const struct ctl_common *common, struct plan_fleet *fleet, struct plan_setup *setup,
                                   struct ctl_fault *fault);

/* A report (plan_report_json) for people. */
void ctl_plan_print(const json_t *report);

#endif
