/* SPDX-License-Identifier: Apache-2.0 */
/* Which gateways are dialled, by the bootstrap file and then by the document; what they are told; whom they are taken
 * for. How a tunnel is dialled again is tunnel/dial.h's. In the loop's thread. */
#include "connector/gateway/dialers.h"

#include <stdlib.h>

#include "base/clock.h"
#include "base/host/log.h"
#include "base/mem.h"
#include "connector/site/relay_source.h"
#include "connector/site/site.h"
#include "tunnel/accept.h"

enum { TUNNELS_MAX = 64, ANNOUNCED_MAX = UPSTREAMS_MAX + 2 };

/* --- who it is --- */

enum result dialers_judge(const struct pki_role_judge *judge, const struct dialed_gateway *meant, X509 *leaf,
                          STACK_OF(X509) * chain, int64_t now, struct error *err)
{
    char id[PKI_ROLE_ID_MAX];
    enum result r = pki_role_check(judge, leaf, chain, now, id, err);
    if (r == OK && strcmp(id, meant->at.id) != 0)
        r = error_set(err, R_DENIED, "the peer is gateway %s, expected %s", id, meant->at.id);
    if (r == OK && pki_cert_not_after(leaf) <= meant->withdrawn)
        r = error_set(err, R_DENIED, "the certificate of gateway %s was withdrawn; it needs its new bootstrap file",
                      id);
    return r;
}

static enum result judge_peer(void *arg, X509 *leaf, STACK_OF(X509) * chain, struct error *err)
{
    const struct dialer *d = arg;
    return dialers_judge(d->dialers->judge, &d->gateway, leaf, chain, clock_wall_s(), err);
}

static enum result make_context(struct dialer *d, struct tls_context **ret, struct error *err)
{
    const struct role_identity *role = renewer_identity(d->dialers->known->renewer);
    struct tls_client_options o = {
        .identity = {slice_of(role->certificate_pem), slice_of(role->key_pem)},
        .verify = judge_peer,
        .verify_arg = d,
        .alpn = TUNNEL_ALPN,
        .tls13_only = true,
    };
    return tls_context_client(&o, ret, err);
}

/* --- what comes of a tunnel --- */

static void on_request(void *owner, struct http_exchange *x)
{
    const struct dialer *d = owner;
    d->dialers->on_request(d->dialers->owner, d->gateway.at.id, x);
}

static void on_tunnel(void *owner, const char *gateway_id, uint32_t worker, uint32_t workers, bool up,
                      const struct error *why)
{
    struct dialer *d = owner;
    if (workers)
        d->workers = workers;
    (void)snprintf(d->why, sizeof d->why, "%s", up || !why ? "" : why->text);
    LOG_EVENT(up ? LOG_INFO : LOG_WARN, "tunnel", up ? "up" : "down",
              LOG_T("gateway", gateway_id && gateway_id[0] ? gateway_id : d->gateway.at.id), LOG_N("worker", worker),
              LOG_T("host", d->gateway.at.host), LOG_T("reason", why ? why->text : ""));
    d->dialers->known->on_news(d->dialers->known->ctx);
}

static const struct tunnel_dialer_events tunnel_events = {on_request, on_tunnel};

/* --- announcements --- */

/* The site itself and its sources, then every endpoint that there is an upstream for. */
static size_t list_announced(const struct dialers *ds, const char *ids[ANNOUNCED_MAX])
{
    size_t count = 0;
    ids[count++] = SITE_ENDPOINT;
    ids[count++] = SOURCE_ENDPOINT;
    for (size_t i = 0; i < ds->upstreams->count; i++)
        ids[count++] = upstream_id(ds->upstreams->list[i]);
    return count;
}

void dialers_announce(struct dialers *ds)
{
    const char **ids = mem_array(ANNOUNCED_MAX, sizeof *ids);
    size_t count = list_announced(ds, ids);
    for (size_t i = 0; i < ds->count; i++) {
        if (ds->list[i].tunnels)
            tunnel_dialer_set_endpoints(ds->list[i].tunnels, ids, count);
    }
    free(ids);
}

/* --- dialling --- */

static void hang_up(struct dialer *d)
{
    tunnel_dialer_free(d->tunnels);
    tls_context_unref(d->tls);
    *d = (struct dialer){.dialers = d->dialers};
}

/* A dialer's address is its callbacks' owner, so the array's slots never move. */
static struct dialer *find_slot(struct dialers *ds)
{
    for (size_t i = 0; i < ds->count; i++) {
        if (!ds->list[i].tunnels)
            return &ds->list[i];
    }
    return ds->count < DIALERS_MAX ? &ds->list[ds->count++] : NULL;
}

static void start_dialer(struct dialer *d)
{
    const struct bootstrap_address *at = &d->gateway.at;
    struct tunnel_dialer_options o = {.port = at->port, .tls = d->tls, .max_tunnels = TUNNELS_MAX};
    (void)snprintf(o.host, sizeof o.host, "%s", at->host);
    connector_proxy_to(&d->dialers->known->config->proxy, at->host, &o.proxy);
    (void)snprintf(o.connector_id, sizeof o.connector_id, "%s", d->dialers->known->config->bootstrap.id);
    const char **ids = mem_array(ANNOUNCED_MAX, sizeof *ids);
    size_t count = list_announced(d->dialers, ids);
    d->tunnels = tunnel_dialer_new(d->dialers->known->loop, &o, ids, count, &tunnel_events, d);
    free(ids);
}

void dialers_dial(struct dialers *ds, const struct dialed_gateway *gateway)
{
    struct dialer *d = find_slot(ds);
    struct error err;
    if (!d) {
        log_msg(LOG_ERROR, "connector", "more than %d gateways; %s is not dialled", DIALERS_MAX, gateway->at.id);
        return;
    }
    *d = (struct dialer){.gateway = *gateway, .dialers = ds};
    if (make_context(d, &d->tls, &err) == OK)
        start_dialer(d);
    else
        log_msg(LOG_ERROR, "connector", "gateway %s is not dialled: %s", gateway->at.id, err.text);
}

/* --- which are dialled --- */

/* Tunnels that stand may be those of a certificate that is withdrawn now: so this is another gateway than before. */
static bool is_same_gateway(const struct dialer *a, const struct connector_gateway *b)
{
    const struct bootstrap_address *at = &a->gateway.at;
    return at->port == b->port && strcmp(at->host, b->host) == 0 && strcmp(at->id, b->id) == 0 &&
           a->gateway.withdrawn == b->withdrawn;
}

static bool is_in_document(const struct dialer *a, const struct connector_document *d)
{
    for (size_t i = 0; i < d->gateway_count; i++) {
        if (is_same_gateway(a, &d->gateways[i]))
            return true;
    }
    return false;
}

static bool is_dialled(const struct dialers *ds, const struct connector_gateway *g)
{
    for (size_t i = 0; i < ds->count; i++) {
        if (ds->list[i].tunnels && is_same_gateway(&ds->list[i], g))
            return true;
    }
    return false;
}

/* At once: a gateway is removed when it is no longer trusted. */
static void drop_gone(struct dialers *ds, const struct connector_document *d)
{
    for (size_t i = 0; i < ds->count; i++) {
        struct dialer *one = &ds->list[i];
        if (one->tunnels && !is_in_document(one, d)) {
            LOG_EVENT(LOG_INFO, "connector", "gateway removed, moved or its certificate withdrawn",
                      LOG_T("gateway", one->gateway.at.id));
            hang_up(one);
        }
    }
}

void dialers_apply(struct dialers *ds, const struct connector_document *d)
{
    drop_gone(ds, d);
    for (size_t i = 0; i < d->gateway_count; i++) {
        const struct connector_gateway *g = &d->gateways[i];
        if (g->unissued || is_dialled(ds, g))
            continue;
        struct dialed_gateway gateway = {.at.port = g->port, .withdrawn = g->withdrawn};
        (void)snprintf(gateway.at.id, sizeof gateway.at.id, "%s", g->id);
        (void)snprintf(gateway.at.host, sizeof gateway.at.host, "%s", g->host);
        dialers_dial(ds, &gateway);
    }
}

/* --- life --- */

enum result dialers_begin(struct dialers *ds, struct error *err)
{
    const struct bootstrap *b = &ds->known->config->bootstrap;
    return pki_role_judge_new(slice_of(b->root_pem), b->site, "gateway", &ds->judge, err);
}

static void show_role(struct dialer *d)
{
    struct error err;
    struct tls_context *made;
    if (make_context(d, &made, &err) != OK) {
        log_msg(LOG_ERROR, "connector", "gateway %s: the new role certificate can't be shown: %s", d->gateway.at.id,
                err.text);
        return;
    }
    tunnel_dialer_set_tls(d->tunnels, made);
    tls_context_unref(d->tls);
    d->tls = made;
}

void dialers_renewed(struct dialers *ds)
{
    for (size_t i = 0; i < ds->count; i++) {
        if (ds->list[i].tunnels)
            show_role(&ds->list[i]);
    }
}

void dialers_drain(struct dialers *ds)
{
    for (size_t i = 0; i < ds->count; i++) {
        if (ds->list[i].tunnels)
            tunnel_dialer_drain(ds->list[i].tunnels);
    }
}

bool dialers_idle(const struct dialers *ds)
{
    for (size_t i = 0; i < ds->count; i++) {
        if (ds->list[i].tunnels && !tunnel_dialer_idle(ds->list[i].tunnels))
            return false;
    }
    return true;
}

void dialers_end(struct dialers *ds)
{
    for (size_t i = 0; i < ds->count; i++)
        hang_up(&ds->list[i]);
    pki_role_judge_free(ds->judge);
}
