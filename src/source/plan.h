/* SPDX-License-Identifier: Apache-2.0 */
/* When a source is fetched next: pure, so that it can be proved. All in seconds. */
#ifndef SOURCE_PLAN_H
#define SOURCE_PLAN_H

#include <stdint.h>

#define SOURCE_NO_END INT64_MAX

/* After a good fetch: within refresh_s (0: an hour), and when half of what is left of the list has gone by, so that
 * several tries fit in before its nextUpdate. left_s: until then, SOURCE_NO_END for what has no end. `dice`: any random
 * number; up to a tenth is taken off by it, so that gateways do not come in step. Milliseconds. */
uint64_t source_plan_next(int64_t refresh_s, int64_t left_s, uint64_t dice);

/* What stands for refresh_s when an answer says for how long it is fresh (fresh_s; negative: it does not): that long,
 * but at least a minute, and no longer than refresh_s, or a day where the site says nothing. */
int64_t source_plan_refresh(int64_t refresh_s, int64_t fresh_s);

/* After the n-th failure in a row (1, 2 …): from 2 s to an hour, doubling, no longer than refresh_s; half of it by
 * chance. Milliseconds. */
uint64_t source_plan_again(unsigned failures, int64_t refresh_s, uint64_t dice);

#endif
