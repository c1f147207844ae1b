/* SPDX-License-Identifier: Apache-2.0 */
/* See fake_clock.h. */
#include "fake_clock.h"

#include "../pki/maker.h"

int64_t fake_wall_s = NOW;
uint64_t fake_mono_ms = 5000 * 1000;

static const struct loop *follows;
static uint64_t since_ms;

int64_t __wrap_clock_wall_s(void);
uint64_t __wrap_clock_mono_ms(void);

void fake_wall_follow(const struct loop *loop, int64_t now_s)
{
    follows = loop;
    since_ms = loop_now_ms(loop);
    fake_wall_s = now_s;
}

int64_t __wrap_clock_wall_s(void)
{
    return follows ? fake_wall_s + (int64_t)((loop_now_ms(follows) - since_ms) / 1000) : fake_wall_s;
}

uint64_t __wrap_clock_mono_ms(void)
{
    return fake_mono_ms;
}
