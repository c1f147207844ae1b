/* SPDX-License-Identifier: Apache-2.0 */
/* How many calls may be tried again: a tenth of all (PROTOCOL 2), so that a site in trouble is not asked twice as much;
 * and the first few of a process. A worker's own. */
#ifndef GATEWAY_REQUEST_RETRY_BUDGET_H
#define GATEWAY_REQUEST_RETRY_BUDGET_H

#include <stdbool.h>
#include <stdint.h>

enum { RETRY_BUDGET_PERCENT = 10, RETRY_BUDGET_FREE = 10 };

struct retry_budget {
    uint64_t calls, retries; /* retries are calls too */
};

static inline void retry_budget_count(struct retry_budget *b, bool again)
{
    b->calls++;
    b->retries += again;
}

static inline bool retry_budget_allows(const struct retry_budget *b)
{
    return b->retries * 100 <= b->calls * RETRY_BUDGET_PERCENT + RETRY_BUDGET_FREE * 100;
}

#endif
