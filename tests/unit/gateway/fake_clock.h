/* SPDX-License-Identifier: Apache-2.0 */
/* base/clock.h's two clocks for tests, which turn them; linked with --wrap. Wall seconds stand still, monotonic
 * milliseconds too. */
#ifndef TEST_GATEWAY_FAKE_CLOCK_H
#define TEST_GATEWAY_FAKE_CLOCK_H

#include <stdint.h>

extern int64_t fake_wall_s;
extern uint64_t fake_mono_ms;

#endif
