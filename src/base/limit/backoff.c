/* SPDX-License-Identifier: Apache-2.0 */
/* The doubling alone, without a clock and without chance. */
#include "base/limit/backoff.h"

uint64_t backoff_doubled(uint64_t first, uint64_t most, unsigned times)
{
    uint64_t wait = first;
    for (unsigned i = 0; i < times && wait && wait < most; i++)
        wait = wait > most / 2 ? most : 2 * wait;
    return wait < most ? wait : most;
}
