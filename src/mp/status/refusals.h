/* SPDX-License-Identifier: Apache-2.0 */
/* Refusals of a gateway by the hour, made of the totals in its reports, and whether they rise. Pure. */
#ifndef MP_STATUS_REFUSALS_H
#define MP_STATUS_REFUSALS_H

#include <jansson.h>
#include <stdint.h>

enum {
    MP_REFUSED_HOURS = 24,
    MP_REFUSED_FEWEST = 100, /* in an hour; fewer are never told */
    MP_REFUSED_RISE = 3      /* times the average of the hours before */
};

/*
 * Puts "refused" into a report: {"hour": hours since 1970, "now": {reason: count}, "last": that of the hour before,
 * "hours": [sums of those before, the youngest first]}. `clean`: the report as it is kept; before: the one that was
 * kept until now, NULL: none.
 */
void mp_refusals_follow(const json_t *before, json_t *clean, int64_t now);

#endif
