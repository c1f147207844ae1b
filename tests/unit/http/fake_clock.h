/* SPDX-License-Identifier: Apache-2.0 */
/* base/clock.h's two clocks for tests, which turn them. Link with -Wl,--wrap=clock_wall_s, and with
 * -Wl,--wrap=clock_mono_ms where that one is to stand still too. Wall seconds are those of the test, or run with a fake
 * loop (fake_loop.h) from then on. */
#ifndef TESTS_HTTP_FAKE_CLOCK_H
#define TESTS_HTTP_FAKE_CLOCK_H

#include "loop/loop.h"

extern int64_t fake_wall_s; /* at first NOW (pki/maker.h) */
extern uint64_t fake_mono_ms;

/* It is now_s now, and goes on with this loop. */
void fake_wall_follow(const struct loop *loop, int64_t now_s);

#endif
