/* SPDX-License-Identifier: Apache-2.0 */
/* The class of a value: its highest bit, then the six bits behind it. */
#include "histogram.h"

enum { STEP_BITS = 6 };

static unsigned class_of(uint64_t ns)
{
    if (ns < HISTOGRAM_STEPS)
        return (unsigned)ns;
    unsigned bits = 63 - (unsigned)__builtin_clzll(ns);
    unsigned at = (bits - STEP_BITS + 1) * HISTOGRAM_STEPS + ((ns >> (bits - STEP_BITS)) & (HISTOGRAM_STEPS - 1));
    return at < HISTOGRAM_CLASSES ? at : HISTOGRAM_CLASSES - 1;
}

static uint64_t upper_end(unsigned at)
{
    if (at < HISTOGRAM_STEPS)
        return at;
    unsigned shift = at / HISTOGRAM_STEPS - 1;
    return ((uint64_t)(HISTOGRAM_STEPS + at % HISTOGRAM_STEPS + 1) << shift) - 1;
}

void histogram_add(struct histogram *h, uint64_t ns)
{
    h->classes[class_of(ns)]++;
    h->count++;
    if (ns > h->max)
        h->max = ns;
}

uint64_t histogram_at(const struct histogram *h, double share)
{
    uint64_t seen = 0, wanted = (uint64_t)(share * (double)h->count);
    for (unsigned i = 0; i < HISTOGRAM_CLASSES; i++) {
        seen += h->classes[i];
        if (seen > wanted)
            return upper_end(i) < h->max ? upper_end(i) : h->max;
    }
    return h->max;
}
