/* SPDX-License-Identifier: Apache-2.0 */
/* The wall clock for tests, which runs with a fake loop's (fake_loop.h) and can be set like a real one. Link with
 * -Wl,--wrap=clock_wall_s. */
#ifndef TESTS_FAKE_WALL_H
#define TESTS_FAKE_WALL_H

#include "loop/loop.h"

/* It is now_s now, and goes on with this loop. */
void fake_wall_set(const struct loop *loop, int64_t now_s);

int64_t __real_clock_wall_s(void);
int64_t __wrap_clock_wall_s(void);

#endif
