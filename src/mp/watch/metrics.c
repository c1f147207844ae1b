/* SPDX-License-Identifier: Apache-2.0 */
/* Each row's value, read when it is asked for; the site's problems, which cost more, at most every few seconds. */
#include "mp/watch/metrics.h"

#include <stdlib.h>

#include "base/clock.h"
#include "base/host/file.h"
#include "base/mem.h"
#include "metrics/pages.h"
#include "metrics/text.h"
#include "mp/answer/parked.h"
#include "mp/notify/waiting.h"
#include "mp/server/point.h"
#include "mp/watch/status.h"
#include "store/device/device.h"

enum { PROBLEMS_EVERY_MS = 10 * 1000, PROBLEMS_ARENA = 256 * 1024 * 1024 };

enum mp_metric {
#define MP_X(symbol, name, type, help) METRIC_##symbol,
    MP_METRICS(MP_X)
#undef MP_X
        METRIC_COUNT
};

static const struct metrics_family families[METRIC_COUNT] = {
#define MP_X(symbol, word, kind, text) [METRIC_##symbol] = {word, kind, text},
    MP_METRICS(MP_X)
#undef MP_X
};

struct mp_metrics {
    struct mp_site *site;
    struct metrics_pages pages;
    struct metrics_listener *listener;
    uint64_t looked_ms;
    json_t *problems; /* [{"cause", …}] as of then; NULL: never looked */
    int64_t pending;
};

static enum result look(struct mp_metrics *m, struct error *err)
{
    uint64_t now = clock_mono_ms();
    json_t *problems;
    if (m->problems && now - m->looked_ms < PROBLEMS_EVERY_MS)
        return OK;
    struct arena *a = arena_new(PROBLEMS_ARENA);
    enum result r = mp_status_problems(m->site, a, &problems, err);
    if (r == OK)
        r = store_device_count_pending(m->site->store, &m->pending, err);
    arena_free(a);
    if (r != OK)
        return r;
    json_decref(m->problems);
    m->problems = problems;
    m->looked_ms = now;
    return OK;
}

/* A sample a cause that there is. Causes are words of our own. */
static enum result write_causes(const json_t *problems, struct buf *out)
{
    const struct metrics_family f = {"cmg_site_problem", "gauge", "What cmg status tells as problems, by cause"};
    json_t *counts = json_object();
    const json_t *p, *count;
    const char *cause;
    size_t i;
    enum result r = metrics_head(out, &f);
    json_array_foreach(problems, i, p) {
        const char *of = json_opt_str(p, "cause", "");
        (void)json_object_set_new(counts, of, json_integer((json_int_t)json_opt_int(counts, of, 0) + 1));
    }
    json_object_foreach(counts, cause, count) {
        char labels[100];
        (void)snprintf(labels, sizeof labels, "{cause=\"%.60s\"}", cause);
        if (r == OK)
            r = metrics_sample(out, &f, labels, (long long)json_integer_value(count));
    }
    json_decref(counts);
    return r;
}

static enum result write_all(void *owner, struct buf *out)
{
    struct mp_metrics *m = owner;
    struct file_space space;
    struct error err;
    long long values[METRIC_COUNT] = {0};
    enum result r = look(m, &err);
    for (size_t i = 0; i < m->site->config->points.count; i++)
        values[METRIC_CONNECTIONS] += (long long)m->site->points[i].connection_count;
    values[METRIC_REQUESTS] = (long long)m->site->counted.requests;
    values[METRIC_REFUSED] = (long long)m->site->counted.refused;
    values[METRIC_LISTENING] = (long long)mp_waiting_count(m->site->waiting);
    values[METRIC_PARKED] = (long long)mp_parked_count(m->site->parked);
    values[METRIC_PENDING] = (long long)m->pending;
    values[METRIC_PROBLEMS] = (long long)json_array_size(m->problems);
    values[METRIC_DISK_FREE] = file_space(m->site->config->state, &space) ? (long long)space.free : -1;
    for (size_t i = 0; r == OK && i < METRIC_COUNT; i++)
        r = metrics_one(out, &families[i], values[i]);
    return r == OK ? write_causes(m->problems, out) : r;
}

enum result mp_metrics_open(struct mp_site *site, struct mp_metrics **ret, struct error *err)
{
    const char *at = site->config->metrics_listen;
    *ret = NULL;
    if (!at || !*at)
        return OK;
    struct mp_metrics *m = mem_zalloc(sizeof *m);
    *m = (struct mp_metrics){.site = site, .pages = {.key = "metrics_listen", .write = write_all, .owner = m}};
    enum result r = metrics_listen(site->loop, at, &m->pages, &m->listener, err);
    if (r == OK)
        *ret = m;
    else
        free(m);
    return r;
}

void mp_metrics_hang_up(struct mp_metrics *m)
{
    if (m)
        metrics_hang_up(m->listener);
}

void mp_metrics_free(struct mp_metrics *m)
{
    if (!m)
        return;
    metrics_free(m->listener);
    json_decref(m->problems);
    free(m);
}
