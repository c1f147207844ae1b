/* SPDX-License-Identifier: Apache-2.0 */
/* Tokens are filled up when they are asked for: no timer, no lock, the owner's thread. */
#include "base/limit/bucket.h"

void bucket_start(struct bucket *b, uint64_t burst, uint64_t per_second, uint64_t now_ms)
{
    *b = (struct bucket){.tokens = burst, .burst = burst, .per_second = per_second, .at_ms = now_ms};
}

void bucket_add(struct bucket *b, uint64_t n)
{
    b->tokens = b->burst - b->tokens < n ? b->burst : b->tokens + n;
}

bool bucket_take(struct bucket *b, uint64_t n, uint64_t now_ms)
{
    uint64_t gained = (now_ms - b->at_ms) * b->per_second / 1000;
    if (gained) {
        bucket_add(b, gained);
        b->at_ms = now_ms;
    }
    if (b->tokens < n)
        return false;
    b->tokens -= n;
    return true;
}

void bucket_charge(struct bucket *b, uint64_t n, uint64_t now_ms)
{
    if (!bucket_take(b, n, now_ms))
        b->tokens = 0;
}
