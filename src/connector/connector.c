/* SPDX-License-Identifier: Apache-2.0 */
/* Puts the parts together: requests from tunnels to upstreams, documents to upstreams and dialers, certificates to
 * all of them. What talks with the site lies in site/ and hears of this by hooks. In the one loop. */
#include "connector/connector.h"

#include <stdlib.h>

#include "base/clock.h"
#include "base/host/log.h"
#include "base/mem.h"
#include "bundle/bundle.h"
#include "connector/request/forward.h"
#include "connector/request/identity.h"
#include "connector/site/relay_source.h"
#include "connector/site/report.h"
#include "connector/site/self_check.h"
#include "connector/site/site.h"
#include "connector/site/site_question.h"
#include "connector/status.h"
#include "http/path.h"
#include "tunnel/accept.h"

enum { TUNNELS_MAX = 64 };

/* For all that lies below: the report itself may be gone already, or not be there yet. */
static void on_news(void *ctx)
{
    report_changed(((struct connector *)ctx)->report);
}

/* --- requests --- */

static struct upstream *find_upstream(const struct connector *c, struct slice id)
{
    for (size_t i = 0; i < c->upstream_count; i++) {
        if (slice_eq(id, slice_of(upstream_id(c->upstreams[i]))))
            return c->upstreams[i];
    }
    return NULL;
}

static struct upstream *site_upstream(const struct connector_dialer *d, struct http_exchange *x)
{
    const struct site_question *q = site_question_find(x->request.method, x->request.target);
    if (!q)
        return NULL;
    if (q->named) {
        size_t path = slice_find(x->request.target, '?');
        struct slice query = path == SIZE_MAX ? SLICE_NONE : slice_skip(x->request.target, path);
        const struct slice parts[] = {arena_printf(x->arena, q->named, d->gateway.id), query};
        x->request.target = parts[0].ptr ? arena_join(x->arena, parts, ARRAY_LEN(parts)) : SLICE_NONE;
    }
    return x->request.target.ptr ? site_link_upstream(d->connector->site) : NULL;
}

/* False: it was refused. */
static bool says_who_asks(struct http_exchange *x, const struct upstream *u)
{
    enum result r = identity_unfold(upstream_form(u), &x->request, x->arena);
    if (r == R_LIMIT)
        forward_refuse(x, REASON_HEAD_TOO_LONG, NULL);
    else if (r != OK)
        forward_refuse(x, REASON_BAD_REQUEST, "the gateway does not say who asks");
    return r == OK;
}

/* Gateways let nothing else through; of one that was broken into, a path could lead out of the one that is published.
 * False: it was refused. */
static bool has_plain_path(struct http_exchange *x)
{
    struct slice rest = x->request.target;
    struct http_path path;
    struct error err;
    if (http_path_read(slice_cut(&rest, '?'), &path, &err) == OK && !path.dots)
        return true;
    forward_refuse(x, REASON_BAD_REQUEST, "the gateway asks for a path that servers could read differently");
    return false;
}

static void on_request(void *owner, struct http_exchange *x)
{
    struct connector_dialer *d = owner;
    struct connector *c = d->connector;
    struct slice id = x->request.authority;
    if (slice_eq(id, SLICE(SOURCE_ENDPOINT))) {
        relay_source_start(&c->known, x);
        return;
    }
    bool for_site = slice_eq(id, SLICE(SITE_ENDPOINT));
    struct upstream *u = for_site ? site_upstream(d, x) : find_upstream(c, id);
    if (!u)
        forward_refuse(x, REASON_UNKNOWN_ENDPOINT, NULL);
    else if (for_site || (has_plain_path(x) && says_who_asks(x, u)))
        forward_start(x, u, on_news, c);
}

static void on_tunnel(void *owner, const char *gateway_id, uint32_t worker, uint32_t workers, bool up,
                      const struct error *why)
{
    struct connector_dialer *d = owner;
    if (workers)
        d->workers = workers;
    (void)snprintf(d->why, sizeof d->why, "%s", up || !why ? "" : why->text);
    LOG_EVENT(up ? LOG_INFO : LOG_WARN, "tunnel", up ? "up" : "down",
              LOG_T("gateway", gateway_id && gateway_id[0] ? gateway_id : d->gateway.id), LOG_N("worker", worker),
              LOG_T("host", d->gateway.host), LOG_T("reason", why ? why->text : ""));
    report_changed(d->connector->report);
}

static const struct tunnel_dialer_events dialer_events = {on_request, on_tunnel};

/* --- announcements --- */

/* The site itself and its sources, then every endpoint that there is an upstream for. */
static size_t announced(const struct connector *c, const char *ids[CONNECTOR_UPSTREAMS_MAX + 2])
{
    size_t count = 0;
    ids[count++] = SITE_ENDPOINT;
    ids[count++] = SOURCE_ENDPOINT;
    for (size_t i = 0; i < c->upstream_count; i++)
        ids[count++] = upstream_id(c->upstreams[i]);
    return count;
}

static void announce(struct connector *c)
{
    const char **ids = mem_array(CONNECTOR_UPSTREAMS_MAX + 2, sizeof *ids);
    size_t count = announced(c, ids);
    for (size_t i = 0; i < c->dialer_count; i++) {
        if (c->dialers[i].dialer)
            tunnel_dialer_set_endpoints(c->dialers[i].dialer, ids, count);
    }
    free(ids);
}

/* --- gateways --- */

/* A gateway's key opens its own place alone: one that was removed is in no document, so nobody dials it any more. */
static enum result judge_gateway(void *arg, X509 *leaf, STACK_OF(X509) * chain, struct error *err)
{
    const struct connector_dialer *d = arg;
    char id[PKI_ROLE_ID_MAX];
    enum result r = pki_role_check(d->connector->gateway_judge, leaf, chain, clock_wall_s(), id, err);
    if (r == OK && strcmp(id, d->gateway.id) != 0)
        r = error_set(err, R_DENIED, "the peer is gateway %s, expected %s", id, d->gateway.id);
    if (r == OK && pki_cert_not_after(leaf) <= d->withdrawn)
        r = error_set(err, R_DENIED, "the certificate of gateway %s was withdrawn; it needs its new bootstrap file",
                      id);
    return r;
}

static enum result tunnel_context(struct connector_dialer *d, struct tls_context **ret, struct error *err)
{
    const struct role_identity *role = renewer_identity(d->connector->known.renewer);
    struct tls_client_options o = {
        .identity = {slice_of(role->certificate_pem), slice_of(role->key_pem)},
        .verify = judge_gateway,
        .verify_arg = d,
        .alpn = TUNNEL_ALPN,
        .tls13_only = true,
    };
    return tls_context_client(&o, ret, err);
}

static void hang_up(struct connector_dialer *d)
{
    tunnel_dialer_free(d->dialer);
    tls_context_unref(d->tls);
    *d = (struct connector_dialer){.connector = d->connector};
}

/* A dialer's address is its callbacks' owner, so the array's slots never move. */
static struct connector_dialer *free_slot(struct connector *c)
{
    for (size_t i = 0; i < c->dialer_count; i++) {
        if (!c->dialers[i].dialer)
            return &c->dialers[i];
    }
    return c->dialer_count < CONNECTOR_DIALERS_MAX ? &c->dialers[c->dialer_count++] : NULL;
}

static void dial(struct connector *c, const struct bootstrap_address *gateway, int64_t withdrawn)
{
    struct connector_dialer *d = free_slot(c);
    struct error err;
    if (!d) {
        log_msg(LOG_ERROR, "connector", "more than %d gateways; %s is not dialled", CONNECTOR_DIALERS_MAX, gateway->id);
        return;
    }
    *d = (struct connector_dialer){.gateway = *gateway, .withdrawn = withdrawn, .connector = c};
    if (tunnel_context(d, &d->tls, &err) != OK) {
        log_msg(LOG_ERROR, "connector", "gateway %s is not dialled: %s", gateway->id, err.text);
        return;
    }
    struct tunnel_dialer_options o = {.port = gateway->port, .tls = d->tls, .max_tunnels = TUNNELS_MAX};
    (void)snprintf(o.host, sizeof o.host, "%s", gateway->host);
    (void)snprintf(o.connector_id, sizeof o.connector_id, "%s", c->known.config->bootstrap.id);
    const char **ids = mem_array(CONNECTOR_UPSTREAMS_MAX + 2, sizeof *ids);
    size_t count = announced(c, ids);
    d->dialer = tunnel_dialer_new(c->known.loop, &o, ids, count, &dialer_events, d);
    free(ids);
}

/* Tunnels that stand may be those of a certificate that is withdrawn now: so this is another gateway than before. */
static bool same_gateway(const struct connector_dialer *a, const struct connector_gateway *b)
{
    const struct bootstrap_address *at = &a->gateway;
    return at->port == b->port && strcmp(at->host, b->host) == 0 && strcmp(at->id, b->id) == 0 &&
           a->withdrawn == b->withdrawn;
}

static bool in_document(const struct connector_dialer *a, const struct connector_document *d)
{
    for (size_t i = 0; i < d->gateway_count; i++) {
        if (same_gateway(a, &d->gateways[i]))
            return true;
    }
    return false;
}

static bool dialled(const struct connector *c, const struct connector_gateway *g)
{
    for (size_t i = 0; i < c->dialer_count; i++) {
        if (c->dialers[i].dialer && same_gateway(&c->dialers[i], g))
            return true;
    }
    return false;
}

/* At once: a gateway is removed when it is no longer trusted. */
static void drop_gone_gateways(struct connector *c, const struct connector_document *d)
{
    for (size_t i = 0; i < c->dialer_count; i++) {
        struct connector_dialer *one = &c->dialers[i];
        if (one->dialer && !in_document(one, d)) {
            LOG_EVENT(LOG_INFO, "connector", "gateway removed, moved or its certificate withdrawn",
                      LOG_T("gateway", one->gateway.id));
            hang_up(one);
        }
    }
}

static void apply_gateways(struct connector *c, const struct connector_document *d)
{
    drop_gone_gateways(c, d);
    for (size_t i = 0; i < d->gateway_count; i++) {
        const struct connector_gateway *g = &d->gateways[i];
        if (dialled(c, g))
            continue;
        struct bootstrap_address address = {.port = g->port};
        (void)snprintf(address.id, sizeof address.id, "%s", g->id);
        (void)snprintf(address.host, sizeof address.host, "%s", g->host);
        dial(c, &address, g->withdrawn);
    }
}

/* --- upstreams --- */

static const struct choices_line *forbidden(const struct connector *c, const struct connector_endpoint *e)
{
    return e->mp ? choices_forbids_connector(e->mode, e->clients, c->known.config->identity.certificate != NULL) : NULL;
}

static enum result make_upstream(struct connector *c, const struct connector_endpoint *e, struct upstream **ret,
                                 struct error *err)
{
    struct upstream_options o = {
        .config = c->known.config,
        .role = renewer_identity(c->known.renewer),
        .id = e->id,
        .scheme = e->tls ? "https" : "http",
        .host = e->host,
        .port = e->port,
        .base_path = e->base_path,
        .authority = e->authority,
        .anchors_pem = e->anchors_pem,
        .mp_id = e->mp && e->mode == CHOICE_MP_EHTTP ? e->mp : NULL,
        .show_role_certificate = e->mp != NULL,
        .show_pki_certificate = e->mp && choices_connector_needs_certificate(e->mode, e->clients),
        .answer_ms = (uint64_t)e->answer_s * 1000,
        .websocket = e->websocket,
        .keep_host = e->keep_host,
        .form = {e->headers, e->x_forwarded},
    };
    return upstream_new(c->known.loop, &o, ret, err);
}

/* The first document decides whether this connector can do its job at all. */
static enum result check_choices(const struct connector *c, const struct connector_document *d, struct error *err)
{
    for (size_t i = 0; !c->known.has_document && i < d->endpoint_count; i++) {
        const struct choices_line *rule = forbidden(c, &d->endpoints[i]);
        if (rule)
            return error_set(err, R_DENIED, "endpoint %s: %s (rule %s)", d->endpoints[i].id, rule->text, rule->id);
    }
    return OK;
}

static void replace_upstreams(struct connector *c, const struct connector_document *d)
{
    struct error err;
    for (size_t i = 0; i < c->upstream_count; i++)
        upstream_unref(c->upstreams[i]); /* requests under way hold their own references */
    c->upstream_count = 0;
    for (size_t i = 0; i < d->endpoint_count && c->upstream_count < CONNECTOR_UPSTREAMS_MAX; i++) {
        const struct choices_line *rule = forbidden(c, &d->endpoints[i]);
        if (rule)
            log_msg(LOG_ERROR, "connector", "endpoint %s is not served: %s (rule %s)", d->endpoints[i].id, rule->text,
                    rule->id);
        else if (make_upstream(c, &d->endpoints[i], &c->upstreams[c->upstream_count], &err) == OK)
            c->upstream_count++;
        else
            log_msg(LOG_ERROR, "connector", "an endpoint is not served: %s", err.text);
    }
    if (d->endpoint_count > CONNECTOR_UPSTREAMS_MAX)
        log_msg(LOG_ERROR, "connector", "more than %d endpoints; the rest is not served", CONNECTOR_UPSTREAMS_MAX);
}

/* Upstreams, announcements, gateways; takes the document over. R_DENIED: the choices rule the first one out. */
static enum result apply_document(void *owner, struct connector_document *d, struct error *err)
{
    struct connector *c = owner;
    enum result r = check_choices(c, d, err);
    if (r != OK)
        return r;
    replace_upstreams(c, d);
    announce(c);
    apply_gateways(c, d);
    connector_document_free(c->known.document);
    c->known.document = d;
    LOG_EVENT(LOG_INFO, "site", "connector document in use", LOG_N("sequence", d->sequence),
              LOG_N("endpoints", c->upstream_count));
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

/* Tunnels that stand stay as they are; the next ones show the new certificate. */
static void renew_tunnels(struct connector *c)
{
    struct error err;
    for (size_t i = 0; i < c->dialer_count; i++) {
        struct connector_dialer *d = &c->dialers[i];
        struct tls_context *made;
        if (!d->dialer)
            continue;
        if (tunnel_context(d, &made, &err) != OK) {
            log_msg(LOG_ERROR, "connector", "gateway %s: the new role certificate can't be shown: %s", d->gateway.id,
                    err.text);
            continue;
        }
        tunnel_dialer_set_tls(d->dialer, made);
        tls_context_unref(d->tls);
        d->tls = made;
    }
}

/* Pooled connections would go on under the old certificate beyond its end: the pools are made anew, and requests under
 * way hold the old ones. */
static void use_role(struct connector *c)
{
    renew_tunnels(c);
    report_stop(c->report);
    site_link_renewed(c->site);
    if (c->known.document)
        replace_upstreams(c, c->known.document);
    report_changed(c->report);
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

enum result connector_start(struct connector *c, const struct connector_config *config, struct loop *loop,
                            struct error *err)
{
    memset(c, 0, sizeof *c);
    c->known.on_news = on_news;
    c->known.ctx = c;
    c->known.config = config;
    c->known.loop = loop;
    const struct bootstrap *b = &config->bootstrap;
    enum result r = pki_role_judge_new(slice_of(b->root_pem), b->site, "gateway", &c->gateway_judge, err);
    if (r == OK)
        r = load_role(c, err);
    if (r == OK)
        r = site_link_new(&c->known, &site_events, c, &c->site, err);
    if (r != OK)
        return r;
    c->self_check = self_check_new(&c->known);
    const struct report_parts parts = {
        &c->known, c->site, c->self_check, clock_wall_s(), connector_status_gateways, connector_status_upstreams, c};
    c->report = report_new(&parts);
    site_link_start(c->site);
    if (!c->known.has_document)
        self_check_run(c->self_check);
    if (c->known.has_document) /* the kept one named them */
        return OK;
    for (size_t i = 0; i < config->bootstrap.gateway_count; i++)
        dial(c, &config->bootstrap.gateways[i], 0);
    return OK;
}

void connector_drain(struct connector *c)
{
    for (size_t i = 0; i < c->dialer_count; i++) {
        if (c->dialers[i].dialer)
            tunnel_dialer_drain(c->dialers[i].dialer);
    }
}

bool connector_idle(const struct connector *c)
{
    for (size_t i = 0; i < c->dialer_count; i++) {
        if (c->dialers[i].dialer && !tunnel_dialer_idle(c->dialers[i].dialer))
            return false;
    }
    return true;
}

void connector_stop(struct connector *c)
{
    relay_source_stop();
    report_free(c->report);
    c->report = NULL;
    self_check_free(c->self_check);
    renewer_free(c->known.renewer);
    for (size_t i = 0; i < c->dialer_count; i++)
        hang_up(&c->dialers[i]);
    site_link_free(c->site);
    for (size_t i = 0; i < c->upstream_count; i++)
        upstream_unref(c->upstreams[i]);
    connector_document_free(c->known.document);
    pki_role_judge_free(c->gateway_judge);
}
