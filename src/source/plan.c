/* SPDX-License-Identifier: Apache-2.0 */
/* Arithmetic alone: clock and dice are arguments. */
#include "source/plan.h"

#include "base/limit/backoff.h"

enum {
    REFRESH_S = 3600,
    FRESH_MIN_S = 60,
    FRESH_MAX_S = 86400,
    SOON_S = 5,
    RETRY_S = 2,
    RETRY_MAX_S = 3600,
    MS = 1000
};

static int64_t least(int64_t a, int64_t b)
{
    return a < b ? a : b;
}

uint64_t source_plan_next(int64_t refresh_s, int64_t left_s, uint64_t dice)
{
    int64_t wait = refresh_s > 0 ? refresh_s : REFRESH_S;
    if (left_s != SOURCE_NO_END) {
        int64_t half = left_s / 2;
        wait = least(wait, half > SOON_S ? half : SOON_S);
    }
    uint64_t ms = (uint64_t)wait * MS;
    return ms - dice % (ms / 10 + 1);
}

int64_t source_plan_refresh(int64_t refresh_s, int64_t fresh_s)
{
    if (fresh_s < 0)
        return refresh_s;
    return least(fresh_s > FRESH_MIN_S ? fresh_s : FRESH_MIN_S, refresh_s > 0 ? refresh_s : FRESH_MAX_S);
}

uint64_t source_plan_again(unsigned failures, int64_t refresh_s, uint64_t dice)
{
    int64_t wait = (int64_t)backoff_doubled(RETRY_S, RETRY_MAX_S, failures ? failures - 1 : 0);
    if (refresh_s > 0)
        wait = least(wait, refresh_s);
    uint64_t ms = (uint64_t)wait * MS;
    return ms / 2 + dice % (ms / 2 + 1);
}
