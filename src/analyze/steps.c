/* SPDX-License-Identifier: Apache-2.0 */
/* Runs the tables of steps and keeps what each said. What a step does is in the files that have its table. */
#include "analyze/steps.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/mem.h"
#include "base/utf8.h"

static const struct analyze_cause_info causes[ANALYZE_CAUSE_COUNT] = {[ANALYZE_CAUSE_NONE] = {"", "", ""},
#define ANALYZE_X(symbol, id, text, remedy) [ANALYZE_CAUSE_##symbol] = {id, text, remedy},
                                                                      ANALYZE_CAUSES(ANALYZE_X)
#undef ANALYZE_X
};

const struct analyze_cause_info *analyze_cause_info(enum analyze_cause cause)
{
    return &causes[cause];
}

const char *analyze_outcome_name(enum analyze_outcome o)
{
    static const char *const names[] = {"ok", "failed", "skipped"};
    return names[o];
}

/* --- what a step says --- */

static void say(struct analyze_result *r, const char *fmt, va_list args)
{
    (void)vsnprintf(r->found, sizeof r->found, fmt, args);
    utf8_mend_end(r->found);
}

void analyze_found(struct analyze_result *r, const char *fmt, ...)
{
    va_list args;
    va_start(args, fmt);
    say(r, fmt, args);
    va_end(args);
}

void analyze_skip(struct analyze_result *r, const char *fmt, ...)
{
    va_list args;
    va_start(args, fmt);
    say(r, fmt, args);
    va_end(args);
    r->outcome = ANALYZE_SKIPPED;
}

void analyze_fail_as(struct analyze_result *r, const char *cause, const char *found, const char *remedy)
{
    r->outcome = ANALYZE_FAILED;
    (void)snprintf(r->cause, sizeof r->cause, "%s", cause);
    (void)snprintf(r->found, sizeof r->found, "%s", found);
    utf8_mend_end(r->found);
    (void)snprintf(r->remedy, sizeof r->remedy, "%s", remedy);
}

void analyze_fail(struct analyze_result *r, enum analyze_cause cause, const char *fmt, ...)
{
    const struct analyze_cause_info *info = analyze_cause_info(cause);
    char text[sizeof r->found];
    int n = snprintf(text, sizeof text, "%s", info->text);
    if (fmt && n > 0 && (size_t)n + 2 < sizeof text) {
        va_list args;
        memcpy(text + n, ": ", 3);
        va_start(args, fmt);
        (void)vsnprintf(text + n + 2, sizeof text - (size_t)n - 2, fmt, args);
        va_end(args);
    }
    analyze_fail_as(r, info->id, text, info->remedy);
}

/* --- the engine --- */

void analyze_report_free(struct analyze_report *report)
{
    free(report->items);
    *report = (struct analyze_report){0};
}

static struct analyze_result *add(struct analyze_report *report, const struct analyze_step *step)
{
    if (report->count == report->room) {
        report->room = report->room ? 2 * report->room : 32;
        report->items = mem_resize(report->items, report->room, sizeof *report->items);
    }
    struct analyze_result *r = &report->items[report->count++];
    memset(r, 0, sizeof *r);
    (void)snprintf(r->id, sizeof r->id, "%s", step->id);
    (void)snprintf(r->title, sizeof r->title, "%s", step->title);
    return r;
}

/* Does the needed step stand in the way? Then *r is skipped, for the first cause. */
static bool held_up(const struct analyze_report *report, const char *needs, struct analyze_result *r)
{
    const struct analyze_result *n = needs ? analyze_report_find(report, needs) : NULL;
    if (n && n->outcome == ANALYZE_SKIPPED && n->needs[0])
        n = analyze_report_find(report, n->needs);
    if (!needs || (n && n->outcome == ANALYZE_OK))
        return false;
    (void)snprintf(r->needs, sizeof r->needs, "%s", n ? n->id : needs);
    (void)snprintf(r->needs_title, sizeof r->needs_title, "%s", n ? n->title : needs);
    if (!n)
        analyze_skip(r, "needs step '%s', which was not run", needs);
    else if (n->outcome == ANALYZE_FAILED)
        analyze_skip(r, "needs '%s', which failed", n->title);
    else
        analyze_skip(r, "needs '%s', which was skipped", n->title);
    return true;
}

const struct analyze_result *analyze_step_run(struct analyze_report *report, const struct analyze_step *step, void *arg,
                                              const struct analyze_watch *watch)
{
    struct analyze_result *r = add(report, step);
    if (!held_up(report, step->needs, r)) {
        uint64_t start = clock_mono_ms();
        if (watch && watch->begins)
            watch->begins(watch->arg, r);
        step->fn(arg, r);
        r->ms = (int64_t)(clock_mono_ms() - start);
        if (r->outcome == ANALYZE_FAILED && report->explain)
            report->explain(report->explain_arg, r);
    }
    if (watch && watch->ended)
        watch->ended(watch->arg, r);
    return r;
}

const struct analyze_result *analyze_report_find(const struct analyze_report *report, const char *id)
{
    for (size_t i = 0; i < report->count; i++) {
        if (strcmp(report->items[i].id, id) == 0)
            return &report->items[i];
    }
    return NULL;
}

const struct analyze_result *analyze_report_fault(const struct analyze_report *report)
{
    for (size_t i = 0; i < report->count; i++) {
        if (report->items[i].outcome == ANALYZE_FAILED)
            return &report->items[i];
    }
    return NULL;
}
