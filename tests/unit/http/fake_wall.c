/* SPDX-License-Identifier: Apache-2.0 */
/* See fake_wall.h. */
#include "fake_wall.h"

static const struct loop *follows;
static uint64_t since_ms;
static int64_t since_s;

void fake_wall_set(const struct loop *loop, int64_t now_s)
{
    follows = loop;
    since_ms = loop_now_ms(loop);
    since_s = now_s;
}

int64_t __wrap_clock_wall_s(void)
{
    return follows ? since_s + (int64_t)((loop_now_ms(follows) - since_ms) / 1000) : __real_clock_wall_s();
}
