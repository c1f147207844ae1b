/* SPDX-License-Identifier: Apache-2.0 */
/* What `cmg choices` and `cmg explain` share. */
#ifndef CTL_ASK_EXPLAIN_H
#define CTL_ASK_EXPLAIN_H

#include "choices/choices.h"
#include "json/json.h"

enum { EXPLAIN_WIDTH = 100 };

/* {"id","kind","title","when","text"}; the caller json_decref()s it. */
json_t *ctl_condition_json(const struct choices_condition *c);

#endif
