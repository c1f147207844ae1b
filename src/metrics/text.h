/* SPDX-License-Identifier: Apache-2.0 */
/* Metrics as OpenMetrics text (openmetrics.io 1.0), a family after the other. */
#ifndef METRICS_TEXT_H
#define METRICS_TEXT_H

#include "base/buf.h"

struct metrics_family {
    const char *name, *type, *help; /* type: "counter" (its samples end with "_total"), "gauge" */
};

/* Its head alone: samples follow. */
MUST_USE enum result metrics_head(struct buf *out, const struct metrics_family *f);
/* `labels`: "" or "{cause=\"clock_skew\"}", whose values need no escape. */
MUST_USE enum result metrics_sample(struct buf *out, const struct metrics_family *f, const char *labels,
                                    long long value);
/* Both, of one without labels. */
MUST_USE enum result metrics_one(struct buf *out, const struct metrics_family *f, long long value);

/* Of OpenMetrics text, what Prometheus' own format (text/plain; version=0.0.4) says otherwise: a counter's family has
 * the name of its samples, and nothing ends the text. For who asks for no OpenMetrics, as promtool. */
MUST_USE enum result metrics_plain(struct slice openmetrics, struct buf *out);

#endif
