/* SPDX-License-Identifier: Apache-2.0 */
/* What the site knows of a fault behind the gateway: the gateway sees only that no connection point reaches an
 * endpoint, or that one got no answer; why, the connectors told the site. */
#ifndef CTL_ASK_BEHIND_H
#define CTL_ASK_BEHIND_H

#include "analyze/analyze.h"
#include "ctl/ctl.h"

struct behind {
    const struct ctl_common *common;
    const struct analyze_gateway *gateway; /* the one that is analyzed; a site that does not know it is not asked */
};

/* An analyze_explain_fn; arg: struct behind. Without a site that answers *r stays as it is. */
void behind_explain(void *arg, struct analyze_result *r);

#endif
