/* SPDX-License-Identifier: Apache-2.0 */
/* See fake_clock.h. */
#include "fake_clock.h"

#include "../pki/maker.h"

int64_t fake_wall_s = NOW;
uint64_t fake_mono_ms = 5000 * 1000;

int64_t __wrap_clock_wall_s(void);
uint64_t __wrap_clock_mono_ms(void);

int64_t __wrap_clock_wall_s(void)
{
    return fake_wall_s;
}

uint64_t __wrap_clock_mono_ms(void)
{
    return fake_mono_ms;
}
