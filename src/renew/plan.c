/* SPDX-License-Identifier: Apache-2.0 */
/* Arithmetic alone: dice are an argument. */
#include "renew/plan.h"

#include "base/limit/backoff.h"

enum { RETRY_S = 10, RETRY_MAX_S = 3600, LOOK_S = 3600, MS = 1000 };

uint64_t renew_look_ms(int64_t left_s, uint64_t dice)
{
    int64_t s = left_s < 0 ? 0 : left_s > LOOK_S ? LOOK_S : left_s;
    return (uint64_t)s * MS + dice % MS;
}

uint64_t renew_pause_s(unsigned failures, uint64_t every_s, uint64_t dice)
{
    uint64_t first = every_s && every_s < RETRY_S ? every_s : RETRY_S;
    uint64_t pause = backoff_doubled(first, RETRY_MAX_S, failures);
    return pause / 2 + dice % (pause / 2 + 1);
}
