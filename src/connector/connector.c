/* SPDX-License-Identifier: Apache-2.0 */
/* Puts the parts together: documents to upstreams and dialers, certificates to all of them, news to the report. What
 * talks with the site lies in site/ and hears of this by hooks. In the one loop. */
#include "connector/connector.h"

#include <stdlib.h>

#include "base/clock.h"
#include "base/host/log.h"
#include "base/limit/crowd.h"
#include "bundle/bundle.h"
#include "connector/gateway/joining.h"
#include "connector/site/questions.h"
#include "connector/site/relay_source.h"
#include "connector/site/report.h"
#include "connector/site/self_check.h"
#include "connector/status.h"

/* For all that lies below: the report itself may be gone already, or not be there yet. */
static void on_news(void *ctx)
{
    report_changed(((struct connector *)ctx)->report);
}

static void on_request(void *owner, const char *gateway_id, struct http_exchange *x)
{
    struct connector *c = owner;
    c->requests++;
    const struct route to = {&c->known, c->site, &c->upstreams, c->senders, c->gateways};
    route_request(&to, gateway_id, x);
}

/* --- the document --- */

static void replace_upstreams(struct connector *c, const struct connector_document *d)
{
    upstreams_replace(&c->upstreams, c->known.loop, c->known.config, renewer_identity(c->known.renewer), d);
}

/* Upstreams, announcements, gateways; takes the document over. R_DENIED: the choices rule the first one out, which
 * decides whether this connector can do its job at all. */
static enum result apply_document(void *owner, struct connector_document *d, struct error *err)
{
    struct connector *c = owner;
    enum result r = c->known.has_document ? OK : upstreams_check(c->known.config, d, err);
    if (r != OK)
        return r;
    replace_upstreams(c, d);
    dialers_announce(&c->dialers);
    dialers_apply(&c->dialers, d);
    joining_apply(c->joining, d);
    connector_document_free(c->known.document);
    c->known.document = d;
    LOG_EVENT(LOG_INFO, "site", "connector document in use", LOG_N("sequence", d->sequence),
              LOG_N("endpoints", c->upstreams.count));
    self_check_run(c->self_check);
    report_changed(c->report);
    return OK;
}

static void give_up(void *owner)
{
    ((struct connector *)owner)->exit_code = EXIT_FAILURE;
}

static const struct site_link_events site_events = {apply_document, give_up};

void connector_certificate_changed(void *connector)
{
    struct connector *c = connector;
    if (c->known.document)
        replace_upstreams(c, c->known.document);
    self_check_run(c->self_check);
    report_changed(c->report);
}

/* --- the role certificate --- */

/* Pooled connections would go on under the old certificate beyond its end: the pools are made anew, and requests under
 * way hold the old ones. */
static void use_role(struct connector *c)
{
    dialers_renewed(&c->dialers);
    report_stop(c->report);
    questions_stop(c->questions);
    joining_pause(c->joining);
    site_link_renewed(c->site);
    if (c->known.document)
        replace_upstreams(c, c->known.document);
    report_changed(c->report);
    questions_start(c->questions);
}

static enum result send_renewal(void *owner, const struct http_request *request, const struct http_call_events *events,
                                void *ctx, struct http_call **ret, struct error *err)
{
    const struct connector *c = owner;
    return site_link_call(c->site, request, events, ctx, ret, err);
}

static void on_renewal(void *owner, const struct role_identity *fresh, const struct error *why, uint64_t retry_s)
{
    struct connector *c = owner;
    char until[CLOCK_TEXT_SIZE];
    clock_rfc3339(fresh ? fresh->not_after : renewer_identity(c->known.renewer)->not_after, until);
    if (!fresh) {
        LOG_EVENT(LOG_WARN, "renew", "the role certificate was not renewed", LOG_T("reason", why->text),
                  LOG_N("retry_s", retry_s), LOG_T("not_after", until));
        return;
    }
    if (why->code != OK)
        LOG_EVENT(LOG_ERROR, "renew", "the new role certificate could not be kept", LOG_T("reason", why->text));
    use_role(c);
    LOG_EVENT(LOG_INFO, "renew", "role certificate renewed", LOG_T("not_after", until));
}

static enum result load_role(struct connector *c, struct error *err)
{
    static const struct renewer_events events = {send_renewal, on_renewal};
    const struct connector_config *config = c->known.config;
    struct role_identity role;
    struct error why;
    enum result r =
        role_identity_load(config->state, "connector", &config->bootstrap, clock_wall_s(), &role, &why, err);
    if (r != OK)
        return r;
    if (why.code != OK)
        log_msg(LOG_WARN, "renew", "the kept role certificate is not used: %s", why.text);
    char until[CLOCK_TEXT_SIZE];
    clock_rfc3339(role.not_after, until);
    LOG_EVENT(LOG_INFO, "renew", "role certificate in use", LOG_T("from", role.renewed ? "state" : "bootstrap"),
              LOG_T("not_after", until));
    if (self_check_role(config, &role, &why) != OK)
        LOG_EVENT(LOG_ERROR, "certificate", "role certificate ruled out", LOG_T("cause", why.text),
                  LOG_T("remedy", SELF_CHECK_ROLE_REMEDY));
    struct renewer_options o = {"connector", config->state, &config->bootstrap, config->role_renewal_s};
    c->known.renewer = renewer_new(c->known.loop, &o, &role, &events, c);
    return OK;
}

/* --- life --- */

static void make_known(struct connector *c, const struct connector_config *config, struct loop *loop)
{
    memset(c, 0, sizeof *c);
    c->known = (struct site_known){.loop = loop, .config = config, .on_news = on_news, .ctx = c};
    c->senders = (struct http_splice_senders){crowd_new(NULL, 0), crowd_new(NULL, 0)};
    c->gateways = (struct http_splice_senders){crowd_new(route_site_rates, ROUTE_SITE_RATES), crowd_new(NULL, 0)};
    c->dialers.known = &c->known;
    c->dialers.upstreams = &c->upstreams;
    c->dialers.on_request = on_request;
    c->dialers.owner = c;
}

enum result connector_start(struct connector *c, const struct connector_config *config, struct loop *loop,
                            struct error *err)
{
    make_known(c, config, loop);
    enum result r = dialers_begin(&c->dialers, err);
    if (r == OK)
        r = load_role(c, err);
    if (r == OK)
        r = site_link_new(&c->known, &site_events, c, &c->site, err);
    if (r != OK)
        return r;

    c->joining = joining_new(&c->known, c->site);
    c->self_check = self_check_new(&c->known);
    const struct report_parts parts = {
        &c->known, c->site, c->self_check, clock_wall_s(), connector_status_gateways, connector_status_upstreams, c};
    c->report = report_new(&parts);
    c->questions = questions_new(&c->known, c->site);
    site_link_start(c->site);
    questions_start(c->questions);
    if (c->known.has_document) /* the kept one names the gateways */
        return OK;
    self_check_run(c->self_check);
    for (size_t i = 0; i < config->bootstrap.gateway_count; i++)
        dialers_dial(&c->dialers, &(struct dialed_gateway){.at = config->bootstrap.gateways[i]});
    return OK;
}

void connector_drain(struct connector *c)
{
    dialers_drain(&c->dialers);
}

bool connector_idle(const struct connector *c)
{
    return dialers_idle(&c->dialers);
}

void connector_stop(struct connector *c)
{
    relay_source_stop();
    report_free(c->report);
    c->report = NULL;
    questions_free(c->questions);
    self_check_free(c->self_check);
    renewer_free(c->known.renewer);
    dialers_end(&c->dialers);
    joining_free(c->joining);
    site_link_free(c->site);
    upstreams_free(&c->upstreams);
    connector_document_free(c->known.document);
}
