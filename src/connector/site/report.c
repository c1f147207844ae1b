/* SPDX-License-Identifier: Apache-2.0 */
/* One request a minute, and one soon after a change; what is under way is broken off for the next one. In the loop's
 * thread. How tunnels and upstreams are it asks those who have them. */
#include "connector/site/report.h"

#include <stdlib.h>

#include "base/clock.h"
#include "base/host/file.h"
#include "base/host/log.h"
#include "base/mem.h"
#include "bundle/role/space.h"
#include "connector/site/self_check.h"
#include "connector/site/site.h"
#include "http/fetch.h"
#include "json/json.h"

enum { EVERY_MS = 60 * 1000, SOON_MS = 150, AGAIN_MS = 3 * 1000, ANSWER_MS = 20 * 1000, ANSWER_MAX = 16 * 1024 };

struct report {
    struct report_parts parts;
    struct http_fetch *fetch;
    struct loop_timer *timer;
    bool soon; /* the timer stands for a change */
};

json_t *report_text(const char *text)
{
    json_t *o = json_string(text);
    return o ? o : json_string("");
}

static json_t *report_json(const struct report_parts *p)
{
    struct error err;
    json_t *fault = file_room(p->known->config->state, &err) == OK ? NULL : json_string(err.text);
    json_t *o = json_pack(
        "{s:s, s:I, s:I, s:I, s:I, s:o, s:o, s:o, s:o*}", "version", CMG_VERSION, "time", (json_int_t)clock_wall_s(),
        "started", (json_int_t)p->started, "document", (json_int_t)site_link_sequence(p->site), "not_after",
        (json_int_t)renewer_identity(p->known->renewer)->not_after, "gateways", p->gateways(p->ctx), "upstreams",
        p->upstreams(p->ctx), "client_certificate", self_check_json(p->self_check), "state_fault", fault);
    bundle_put_space(o, p->known->config->state);
    const char *refused = site_link_refused(p->site);
    if (*refused)
        (void)json_object_set_new(o, "document_refused", report_text(refused));
    return o;
}

static enum result send_report(void *owner, const struct http_request *request, const struct http_call_events *events,
                               void *ctx, struct http_call **ret, struct error *err)
{
    const struct report *r = owner;
    return site_link_call(r->parts.site, request, events, ctx, ret, err);
}

static void on_done(void *owner, int status, struct slice body, const struct error *why)
{
    struct report *r = owner;
    (void)body;
    if (status == 204)
        return;
    /* The link to the site says what is wrong with it, and goes on to another management point. */
    log_msg(LOG_DEBUG, "report", "the site did not take the report: %d %s", status, why->text);
    if (!r->soon)
        loop_timer_start(r->timer, AGAIN_MS, 0);
}

static void on_timer(void *arg)
{
    struct report *r = arg;
    loop_timer_start(r->timer, EVERY_MS, 0);
    r->soon = false;
    if (http_fetch_busy(r->fetch))
        http_fetch_cancel(r->fetch);
    json_t *o = report_json(&r->parts);
    char *text = json_text(o);
    http_fetch_post(r->fetch, SLICE_NONE, SLICE("/report"), "application/json", slice_of(text));
    free(text);
    json_decref(o);
}

struct report *report_new(const struct report_parts *parts)
{
    struct report *r = mem_zalloc(sizeof *r);
    r->parts = *parts;
    r->fetch = http_fetch_new(parts->known->loop, ANSWER_MAX, ANSWER_MS, send_report, on_done, r);
    r->timer = loop_timer_new(parts->known->loop, on_timer, r);
    report_changed(r);
    return r;
}

void report_free(struct report *r)
{
    if (!r)
        return;
    http_fetch_free(r->fetch);
    loop_timer_free(r->timer);
    free(r);
}

/* The first change starts the wait, so that many changes make one report and it is not put off for ever. */
void report_changed(struct report *r)
{
    if (!r || r->soon)
        return;
    r->soon = true;
    loop_timer_start(r->timer, SOON_MS, 0);
}

void report_stop(struct report *r)
{
    if (r)
        http_fetch_cancel(r->fetch);
}
