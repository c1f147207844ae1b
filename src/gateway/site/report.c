/* SPDX-License-Identifier: Apache-2.0 */
/* Makes the report's JSON and sends it, once a minute and soon after a change. Looks, and changes nothing; whether
 * the site takes it matters to nobody here. In its home's loop. */
#include "gateway/site/report.h"

#include <stdlib.h>

#include "base/clock.h"
#include "base/host/file.h"
#include "base/host/log.h"
#include "base/mem.h"
#include "bundle/role/space.h"
#include "http/fetch.h"
#include "net/url.h"
#include "json/json.h"

enum {
    EVERY_MS = 60 * 1000,
    SOON_MS = 1000,
    ANSWER_MS = 20 * 1000,
    ANSWER_MAX = 16 * 1024,
    CERTIFICATE_MAX = 12 * 1024
};

struct gateway_report {
    struct gateway_report_parts parts;
    struct http_fetch *fetch;
    struct loop_timer *timer;
    int64_t started;
    bool soon; /* the timer stands for a change */
};

static json_t *refusals_json(const struct gateway_counters *all)
{
    json_t *o = json_object();
    for (enum verdict_reason reason = REASON_OK + 1; reason < REASON_COUNT; reason++) {
        const char *name = verdict_reason_info(reason)->name; /* a word may stand for two reasons */
        long long total = (long long)json_opt_int(o, name, 0), more = gateway_refusals_sum(all, reason);
        if (more)
            (void)json_object_set_new(o, name, json_integer(total + more));
    }
    return o;
}

/* For the site, which knows the names that it must be for. NULL: too long to be told. */
static json_t *pem_json(X509 *certificate)
{
    char *pem = pki_cert_pem(certificate);
    json_t *o = strlen(pem) <= CERTIFICATE_MAX ? json_string(pem) : NULL;
    free(pem);
    return o;
}

static json_t *certificates_json(const struct certificates *c)
{
    json_t *list = json_array();
    for (size_t i = 0; i < certificates_count(c); i++) {
        char subject[256];
        pki_cert_subject(certificates_at(c, i), subject, sizeof subject);
        (void)json_array_append_new(list, json_pack("{s:s, s:I, s:o*}", "subject", subject, "not_after",
                                                    (json_int_t)pki_cert_not_after(certificates_at(c, i)), "pem",
                                                    pem_json(certificates_at(c, i))));
    }
    return list;
}

/* What stands in certificates is no secret. */
static json_t *source_json(const struct source_state *s)
{
    char shown[NET_URL_SHOWN_SIZE];
    net_url_shown(slice_of(s->url), shown);
    return json_pack("{s:s, s:s, s:s, s:b, s:I, s:I, s:I, s:I, s:I, s:s}", "id", s->id, "kind",
                     bundle_source_kind_name(s->kind), "url", s->pointed ? s->url : shown, "pointed", (int)s->pointed,
                     "fetched", (json_int_t)s->fetched, "since", (json_int_t)s->since, "until", (json_int_t)s->until,
                     "next", (json_int_t)s->next, "failures", (json_int_t)s->failures, "error", s->error);
}

static json_t *sources_json(struct sources *sources)
{
    json_t *list = json_array();
    struct source_state *states = mem_array(SOURCES_STATES_MAX, sizeof *states);
    size_t count = sources_states(sources, states, SOURCES_STATES_MAX);
    for (size_t i = 0; i < count; i++)
        (void)json_array_append_new(list, source_json(&states[i]));
    free(states);
    return list;
}

/* "": there is none. */
static void put_fault(json_t *o, const char *member, const char *why)
{
    json_t *text = json_string(why); /* NULL when it quotes what is not UTF-8 */
    if (*why)
        (void)json_object_set_new(o, member, text ? text : json_string("unknown"));
    else
        json_decref(text);
}

static void put_faults(json_t *o, const struct gateway_report_parts *parts)
{
    char why[ERROR_TEXT_MAX];
    snapshot_current_refused(parts->home->current, why);
    put_fault(o, "document_refused", why);
    shown_certificates_unread(parts->shown, why);
    put_fault(o, "certificate_fault", why);
    shown_certificates_unissued(parts->shown, why);
    put_fault(o, "acme_fault", why);
}

/* Of the role certificate that is in use; 0: it can't be read. */
static int64_t role_ends(const struct gateway_config *config)
{
    X509 *role;
    if (pki_cert_read(slice_of(config->bootstrap.certificate_pem), &role, NULL) != OK)
        return 0;
    int64_t ends = pki_cert_not_after(role);
    X509_free(role);
    return ends;
}

static json_t *report_json(const struct gateway_report *r)
{
    const struct gateway_report_parts *parts = &r->parts;
    const struct gateway_counters *all = parts->counters;
    const struct gateway_config *config = parts->home->config;
    struct error err;
    bool at_fault = file_room(config->state, &err) != OK || sources_fault(parts->sources, err.text);
    json_t *fault = at_fault ? json_string(err.text) : NULL;
    json_t *o =
        json_pack("{s:s, s:I, s:I, s:I, s:I, s:I, s:o*}", "version", CMG_VERSION, "started", (json_int_t)r->started,
                  "bundle", (json_int_t)snapshot_current_sequence(parts->home->current), "workers",
                  (json_int_t)all->count, "tunnels", (json_int_t)gateway_metric_sum(all, METRIC_TUNNELS), "connections",
                  (json_int_t)gateway_metric_sum(all, METRIC_CONNECTIONS), "state_fault", fault);
    (void)json_object_set_new(o, "time", json_integer((json_int_t)clock_wall_s()));
    (void)json_object_set_new(o, "refusals", refusals_json(all));
    (void)json_object_set_new(o, "not_after", json_integer((json_int_t)role_ends(config)));
    put_faults(o, parts);
    bundle_put_space(o, config->state);
    struct certificates *shown = shown_certificates_get(parts->shown);
    (void)json_object_set_new(o, "server_certificates", certificates_json(shown));
    certificates_unref(shown);
    (void)json_object_set_new(o, "sources", sources_json(parts->sources));
    return o;
}

static enum result send_it(void *owner, const struct http_request *request, const struct http_call_events *events,
                           void *ctx, struct http_call **ret, struct error *err)
{
    const struct gateway_report *r = owner;
    struct tunnel *t = gateway_tunnels_pick(r->parts.home->tunnels, SLICE("site"), NULL);
    if (!t)
        return error_set(err, R_AGAIN, "no connector reaches the site");
    return tunnel_call(t, request, events, ctx, ret, err);
}

static void on_done(void *owner, int status, struct slice body, const struct error *why)
{
    (void)owner;
    (void)body;
    if (status != 204) /* the bundle's pull says what is wrong with the way to the site */
        log_msg(LOG_DEBUG, "report", "the site did not take the report: %d %s", status, why->text);
}

static void on_timer(void *arg)
{
    struct gateway_report *r = arg;
    loop_timer_start(r->timer, EVERY_MS, 0);
    r->soon = false;
    if (http_fetch_busy(r->fetch))
        http_fetch_cancel(r->fetch);
    json_t *o = report_json(r);
    char *text = json_text(o);
    http_fetch_post(r->fetch, SLICE("site"), SLICE("/report"), "application/json", slice_of(text));
    free(text);
    json_decref(o);
}

struct gateway_report *gateway_report_new(const struct gateway_report_parts *parts)
{
    struct gateway_report *r = mem_zalloc(sizeof *r);
    r->parts = *parts;
    r->started = clock_wall_s();
    r->fetch = http_fetch_new(parts->home->loop, ANSWER_MAX, ANSWER_MS, send_it, on_done, r);
    r->timer = loop_timer_new(parts->home->loop, on_timer, r);
    return r;
}

void gateway_report_free(struct gateway_report *r)
{
    if (!r)
        return;
    http_fetch_free(r->fetch);
    loop_timer_free(r->timer);
    free(r);
}

/* The first change starts the wait, so that it is not put off for ever. */
void gateway_report_changed(struct gateway_report *r)
{
    if (!r || r->soon)
        return;
    r->soon = true;
    loop_timer_start(r->timer, SOON_MS, 0);
}
