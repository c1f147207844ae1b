/* SPDX-License-Identifier: Apache-2.0 */
/* Durations by logarithmic classes: 64 to a doubling, so that a percentile is within 1.6 %. */
#ifndef BENCH_HISTOGRAM_H
#define BENCH_HISTOGRAM_H

#include <stdint.h>

enum { HISTOGRAM_STEPS = 64, HISTOGRAM_CLASSES = HISTOGRAM_STEPS * 40 };

struct histogram {
    uint64_t count, max;
    uint64_t classes[HISTOGRAM_CLASSES];
};

void histogram_add(struct histogram *h, uint64_t ns);
/* The duration that `share` (0 … 1) of all did not exceed; 0 when there are none. */
uint64_t histogram_at(const struct histogram *h, double share);

#endif
