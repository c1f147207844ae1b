/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The step engine: each step is ok, failed or skipped, with what was found. A step runs only when the one that it needs
 * is ok; else it is skipped and names the step that failed first, so that a cause is told once and its consequences not
 * at all. Pure but for the clock.
 */
#ifndef ANALYZE_STEPS_H
#define ANALYZE_STEPS_H

#include <stdint.h>

#include "analyze/cause.h"
#include "base/error.h"

enum analyze_outcome { ANALYZE_OK, ANALYZE_FAILED, ANALYZE_SKIPPED };
const char *analyze_outcome_name(enum analyze_outcome o); /* "ok", "failed", "skipped" */

struct analyze_result {
    char id[80], title[96];
    char needs[80], needs_title[96]; /* skipped for want of this step; "" otherwise */
    enum analyze_outcome outcome;
    int64_t ms;
    char found[900];
    char cause[64], remedy[640];   /* failed; "" otherwise */
    char code[64], request_id[64]; /* of the answer that refused; "" otherwise */
};

/* What a step says; by default it is ok and found nothing. */
void analyze_found(struct analyze_result *r, const char *fmt, ...) PRINTF_LIKE(2, 3);
void analyze_skip(struct analyze_result *r, const char *fmt, ...) PRINTF_LIKE(2, 3);
/* Failed by a cause of cause.h: its text, then ": " and what was found (fmt NULL: nothing more). */
void analyze_fail(struct analyze_result *r, enum analyze_cause cause, const char *fmt, ...) PRINTF_LIKE(3, 4);
/* Failed by a cause of somebody else's words. */
void analyze_fail_as(struct analyze_result *r, const char *cause, const char *found, const char *remedy);

typedef void analyze_fn(void *arg, struct analyze_result *r);
struct analyze_step {
    const char *id, *title;
    const char *needs; /* id of an earlier step, or NULL */
    analyze_fn *fn;
};

struct analyze_watch { /* both may be NULL */
    void (*begins)(void *arg, const struct analyze_result *r);
    void (*ended)(void *arg, const struct analyze_result *r);
    void *arg;
};

/* May put another cause, words and remedy into one that failed, when more is known of it elsewhere. */
typedef void analyze_explain_fn(void *arg, struct analyze_result *r);

struct analyze_report {
    struct analyze_result *items; /* in the order in which they ran */
    size_t count, room;
    analyze_explain_fn *explain; /* NULL: none */
    void *explain_arg;
};
void analyze_report_free(struct analyze_report *report);

/* Runs one step, or skips it, and adds its result, which it returns (valid until the next one). */
const struct analyze_result *analyze_step_run(struct analyze_report *report, const struct analyze_step *step, void *arg,
                                              const struct analyze_watch *watch);

const struct analyze_result *analyze_report_find(const struct analyze_report *report, const char *id); /* or NULL */
const struct analyze_result *analyze_report_fault(const struct analyze_report *report); /* the first, or NULL */

#endif
