/* SPDX-License-Identifier: Apache-2.0 */
/* The writers of /metrics are a table here, so that what counts knows nothing of who shows it. In the control loop's
 * thread; reads atomics of the workers. */
#include "gateway/admin.h"

#include "base/clock.h"
#include "gateway/judge/responder.h"
#include "gateway/site/site.h"
#include "gateway/start.h"

static enum result write_counters(struct gateway *g, struct buf *out)
{
    return gateway_metrics_write(&g->counters, out);
}

static enum result write_sources(struct gateway *g, struct buf *out)
{
    return sources_metrics(g->site->sources, out);
}

static enum result write_responder(struct gateway *g, struct buf *out)
{
    return responder_metrics(g->responder, out);
}

static enum result write_contact(struct gateway *g, struct buf *out)
{
    return gateway_metrics_write_contact(snapshot_current_contact_age(&g->current, (int64_t)(clock_mono_ms() / 1000)),
                                         out);
}

typedef enum result metrics_writer(struct gateway *g, struct buf *out);

static enum result write_all(void *owner, struct buf *out)
{
    static metrics_writer *const writers[] = {write_counters, write_sources, write_responder, write_contact};
    enum result r = OK;
    for (size_t i = 0; r == OK && i < ARRAY_LEN(writers); i++)
        r = writers[i](owner, out);
    return r;
}

static bool is_ready(void *owner, char *why, size_t size)
{
    return gateway_ready(owner, why, size);
}

enum result gateway_admin_listen(struct gateway *g, struct metrics_listener **ret, struct error *err)
{
    static struct metrics_pages pages = {.key = "admin_listen", .write = write_all, .ready = is_ready};
    pages.owner = g;
    return metrics_listen(g->control, g->config->admin_listen, &pages, ret, err);
}
