/* SPDX-License-Identifier: Apache-2.0 */
/* Each row's value, read when it is asked for. In the loop's thread. */
#include "connector/metrics.h"

#include "base/clock.h"
#include "base/host/file.h"
#include "metrics/text.h"

enum connector_metric {
#define CONNECTOR_X(symbol, name, type, help) METRIC_##symbol,
    CONNECTOR_METRICS(CONNECTOR_X)
#undef CONNECTOR_X
        METRIC_COUNT
};

static const struct metrics_family families[METRIC_COUNT] = {
#define CONNECTOR_X(symbol, word, kind, text) [METRIC_##symbol] = {word, kind, text},
    CONNECTOR_METRICS(CONNECTOR_X)
#undef CONNECTOR_X
};

static void read_gateways(const struct connector *c, long long values[METRIC_COUNT])
{
    for (size_t i = 0; i < c->dialers.count; i++) {
        const struct dialer *d = &c->dialers.list[i];
        values[METRIC_GATEWAYS] += d->tunnels != NULL;
        values[METRIC_TUNNELS] += d->tunnels ? (long long)tunnel_dialer_up(d->tunnels) : 0;
    }
}

static void read_endpoints(const struct connector *c, long long values[METRIC_COUNT])
{
    values[METRIC_ENDPOINTS] = (long long)c->upstreams.count;
    for (size_t i = 0; i < c->upstreams.count; i++)
        values[METRIC_FAILING] += upstream_fault(c->upstreams.list[i])->reason != NULL;
}

static enum result write_all(void *owner, struct buf *out)
{
    const struct connector *c = owner;
    struct file_space space;
    long long values[METRIC_COUNT] = {0};
    enum result r = OK;
    read_gateways(c, values);
    read_endpoints(c, values);
    values[METRIC_REQUESTS] = (long long)c->requests;
    values[METRIC_DOCUMENT] = (long long)site_link_sequence(c->site);
    values[METRIC_ROLE_LEFT] = (long long)(renewer_identity(c->known.renewer)->not_after - clock_wall_s());
    values[METRIC_DISK_FREE] = file_space(c->known.config->state, &space) ? (long long)space.free : -1;
    for (size_t i = 0; r == OK && i < METRIC_COUNT; i++)
        r = metrics_one(out, &families[i], values[i]);
    return r;
}

/* Every gateway that is known has a tunnel. */
static bool is_ready(void *owner, char *why, size_t size)
{
    const struct connector *c = owner;
    long long values[METRIC_COUNT] = {0};
    read_gateways(c, values);
    bool ready = c->known.has_document && values[METRIC_TUNNELS] > 0;
    (void)snprintf(why, size, "%s\n",
                   c->known.has_document ? "no tunnel to a gateway is up" : "the site gave no document yet");
    return ready;
}

enum result connector_metrics_listen(struct connector *c, struct metrics_listener **ret, struct error *err)
{
    static struct metrics_pages pages = {.key = "metrics_listen", .write = write_all, .ready = is_ready};
    const char *at = c->known.config->metrics_listen;
    *ret = NULL;
    pages.owner = c;
    return at && *at ? metrics_listen(c->known.loop, at, &pages, ret, err) : OK;
}
