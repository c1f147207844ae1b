/* SPDX-License-Identifier: Apache-2.0 */
/* Two clocks: the monotonic one for durations, the wall clock for validity (PROTOCOL 5). Code that judges takes `now`
 * as an argument; only the edges read a clock. */
#ifndef BASE_CLOCK_H
#define BASE_CLOCK_H

#include <stdint.h>

#include "base/slice.h"

uint64_t clock_mono_ms(void);
uint64_t clock_mono_us(void); /* of the same clock, for what takes less than a millisecond */
int64_t clock_wall_s(void);   /* seconds since 1970, UTC */
int64_t clock_wall_ms(void);

/* "2026-11-23T04:05:06Z" (RFC 3339) and "Mon, 23 Nov 2026 04:05:06 GMT" (RFC 9110 5.6.7). */
#define CLOCK_TEXT_SIZE 40
void clock_rfc3339(int64_t wall_s, char ret[CLOCK_TEXT_SIZE]);
void clock_http_date(int64_t wall_s, char ret[CLOCK_TEXT_SIZE]);

/* RFC 3339 in UTC ("Z") → seconds. */
MUST_USE bool clock_parse_rfc3339(struct slice text, int64_t *ret);

#endif
