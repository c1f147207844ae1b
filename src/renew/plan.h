/* SPDX-License-Identifier: Apache-2.0 */
/* When a role's certificate is looked at, and asked for again: pure, so that it can be proved. `dice`: any random
 * number, so that a site's roles do not come in step. */
#ifndef RENEW_PLAN_H
#define RENEW_PLAN_H

#include <stdint.h>

/* To the next look at the clock: until it is due, but an hour at most, for the wall clock decides, and may be set.
 * Milliseconds; up to a second is added by chance. */
uint64_t renew_look_ms(int64_t left_s, uint64_t dice);

/* After so many failures before this one: from 10 s (or every_s, where that is set and shorter) to an hour, doubling;
 * half of it by chance. Seconds. */
uint64_t renew_pause_s(unsigned failures, uint64_t every_s, uint64_t dice);

#endif
