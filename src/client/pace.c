/* SPDX-License-Identifier: Apache-2.0 */
/* Spreads the returns of a fleet. */
#include "client/pace.h"

#include "base/limit/backoff.h"
#include "base/rand.h"

uint64_t client_pace_return_ms(unsigned times)
{
    uint64_t span = backoff_doubled(CLIENT_RETURN_FIRST_S, CLIENT_RETURN_MOST_S, times ? times - 1 : 0);
    return rand_below(span * 1000);
}
