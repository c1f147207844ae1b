/* SPDX-License-Identifier: Apache-2.0 */
/* Sums over workers, and their text. Whatever else is told beside the counters, admin.c adds. */
#include "gateway/metrics.h"

#include "metrics/text.h"

static const struct metrics_family rows[METRIC_COUNT] = {
#define GATEWAY_X(symbol, word, kind, text) [METRIC_##symbol] = {word, kind, text},
    GATEWAY_METRICS(GATEWAY_X)
#undef GATEWAY_X
};

long long gateway_metric_sum(const struct gateway_counters *all, enum gateway_metric which)
{
    long long total = 0;
    for (size_t i = 0; i < all->count; i++)
        total += atomic_load_explicit(&all->of[i]->values[which], memory_order_relaxed);
    return total;
}

long long gateway_refusals_sum(const struct gateway_counters *all, enum verdict_reason reason)
{
    long long total = 0;
    for (size_t i = 0; i < all->count; i++)
        total += atomic_load_explicit(&all->of[i]->refusals[reason], memory_order_relaxed);
    return total;
}

/* Every reason has its line from the start, at zero, so that a dashboard sees it before it first happens. */
static enum result write_refusals(const struct gateway_counters *all, struct buf *out)
{
    enum result r =
        buf_append_str(out, "# TYPE cmg_refusals counter\n# HELP cmg_refusals Requests refused, by code and reason\n");
    for (enum verdict_reason reason = REASON_OK + 1; r == OK && reason < REASON_COUNT; reason++) {
        const struct verdict_reason_info *info = verdict_reason_info(reason);
        r = buf_printf(out, "cmg_refusals_total{code=\"%s\",reason=\"%s\"} %lld\n",
                       verdict_refusal_info(info->refusal)->code, info->name, gateway_refusals_sum(all, reason));
    }
    return r;
}

static enum result write_away(const struct gateway_counters *all, struct buf *out)
{
    static const char *const words[AWAY_COUNT] = {
#define GATEWAY_X(symbol, word, text) [AWAY_##symbol] = word,
        GATEWAY_AWAY(GATEWAY_X)
#undef GATEWAY_X
    };
    enum result r = buf_append_str(out, "# TYPE cmg_turned_away counter\n# HELP cmg_turned_away Connections that were "
                                        "turned away or given up, by reason\n");
    for (size_t why = 0; r == OK && why < AWAY_COUNT; why++) {
        long long sum = 0;
        for (size_t i = 0; i < all->count; i++)
            sum += atomic_load_explicit(&all->of[i]->away[why], memory_order_relaxed);
        r = buf_printf(out, "cmg_turned_away_total{reason=\"%s\"} %lld\n", words[why], sum);
    }
    return r;
}

enum result gateway_metrics_write_contact(long long age_s, struct buf *out)
{
    return buf_printf(
        out,
        "# TYPE cmg_site_contact_age_seconds gauge\n# HELP cmg_site_contact_age_seconds Since the site was "
        "last heard of\ncmg_site_contact_age_seconds %lld\n",
        age_s);
}

enum result gateway_metrics_write(const struct gateway_counters *all, struct buf *out)
{
    enum result r = OK;
    for (size_t i = 0; r == OK && i < METRIC_COUNT; i++)
        r = metrics_one(out, &rows[i], gateway_metric_sum(all, (enum gateway_metric)i));
    if (r == OK)
        r = write_refusals(all, out);
    return r == OK ? write_away(all, out) : r;
}
