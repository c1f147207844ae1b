/* SPDX-License-Identifier: Apache-2.0 */
/* The analysis for people, as it goes on: aligned, on a terminal with the step that is running, within its
 * width and in colours (not with NO_COLOR). */
#ifndef ANALYZE_PRINT_H
#define ANALYZE_PRINT_H

#include "analyze/analyze.h"
#include "term/term.h"

struct analyze_print {
    struct term lines;
    size_t consequences; /* steps held back: skipped for want of … */
    char wanting[96];    /* … this one */
};
void analyze_print_begin(struct analyze_print *p, FILE *out, const struct analyze_config *c);
/* Prints each step as it ends; on a terminal also the one that is running. */
struct analyze_watch analyze_print_watch(struct analyze_print *p);
/* What was proved and what was not, and the first cause. */
void analyze_print_end(struct analyze_print *p, const struct analyze_config *c, const struct analyze_report *report,
                       const struct analyze_proof *proof);

#endif
