/* SPDX-License-Identifier: Apache-2.0 */
/* A tunnel has its place from the handshake on, answered hello or not: of a connector that has all of its own, the
 * oldest gives way, as the newest is the one whose connector is likeliest to be there still. */
#include "gateway/connectors.h"

#include <stdio.h>
#include <stdlib.h>

#include "base/host/gather.h"
#include "base/host/log.h"
#include "base/limit/crowd.h"
#include "base/mem.h"
#include "gateway/site/site.h"
#include "net/strangers.h"
#include "pki/cert/cert.h"
#include "tls/stream.h"

/* One, and for a while another in its place: a connector keeps a tunnel to each worker. */
enum { TUNNELS_EACH = 8 };

enum { COMES, RATES };

struct connector_tunnel {
    struct gateway_worker *worker;
    struct tunnel *tunnel;
    struct crowd_member place;
};

struct crowd *gateway_connectors_new(void)
{
    static const struct crowd_rate rates[RATES] = {[COMES] = {64, 1}};
    return crowd_new(rates, RATES);
}

/* --- what becomes of it --- */

static void tunnel_up(void *owner, struct tunnel *t)
{
    struct gateway_worker *w = ((struct connector_tunnel *)owner)->worker;
    if (!gateway_tunnels_add(&w->tunnels, t)) {
        log_msg(LOG_WARN, "tunnel", "more than %d tunnels on one worker; one more was closed", GATEWAY_TUNNELS_MAX);
        tunnel_close(t);
        return;
    }
    metric_add(&w->metrics, METRIC_TUNNELS, 1);
    LOG_EVENT(LOG_INFO, "tunnel", "up", LOG_T("connector", tunnel_connector_id(t)), LOG_N("worker", w->index));
    gateway_site_kick(w->site);
    gateway_site_changed(w->site);
    patience_look(&w->desk.way.patience);
}

static bool tunnel_is_withdrawn(const struct gateway_worker *w, const char *connector, int64_t not_after)
{
    return w->judge.snapshot && bundle_role_revoked(w->judge.snapshot->bundle, "connector", connector, not_after);
}

/* A connector that is started anew will be back; one that was removed will not. */
static void await_another(struct gateway_worker *w, const struct tunnel *t)
{
    if (!tunnel_is_withdrawn(w, tunnel_connector_id(t), tunnel_not_after(t)))
        patience_renew(&w->desk.way.patience);
}

static void tunnel_update(void *owner, struct tunnel *t)
{
    struct gateway_worker *w = ((struct connector_tunnel *)owner)->worker;
    gateway_site_kick(w->site);
    if (tunnel_drains(t))
        await_another(w, t);
    else
        patience_look(&w->desk.way.patience);
}

static void tunnel_down(void *owner, struct tunnel *t, const struct error *why)
{
    struct connector_tunnel *c = owner;
    struct gateway_worker *w = c->worker;
    size_t before = w->tunnels.count;
    gateway_tunnels_remove(&w->tunnels, t);
    metric_add(&w->metrics, METRIC_TUNNELS, (long long)w->tunnels.count - (long long)before);
    atomic_fetch_sub(&w->tunnel_count, 1);
    if (w->tunnels.count < before)
        await_another(w, t);
    LOG_EVENT(LOG_INFO, "tunnel", "down", LOG_T("connector", tunnel_connector_id(t)), LOG_N("worker", w->index),
              LOG_T("reason", why->text));
    crowd_part(w->connectors, &c->place);
    free(c);
}

static const struct tunnel_events tunnel_callbacks = {tunnel_up, tunnel_update, tunnel_down};

/* --- arriving --- */

static void give_way(struct crowd_member *m)
{
    tunnel_close(container_of(m, struct connector_tunnel, place)->tunnel);
}

static bool any(const struct crowd_member *m)
{
    (void)m;
    return true;
}

static void begin(struct gateway_worker *w, struct net_stream *stream, const char *id, int64_t not_after)
{
    const struct gateway *g = w->gateway;
    const struct tunnel_hello hello = {g->config->bootstrap.id, g->generation, (uint32_t)w->index,
                                       (uint32_t)g->worker_count};
    struct connector_tunnel *c = mem_zalloc(sizeof *c);
    c->worker = w;
    if (crowd_count(w->connectors, slice_of(id)) >= TUNNELS_EACH)
        (void)crowd_make_room_of(w->connectors, slice_of(id), any);
    crowd_join(w->connectors, &c->place, slice_of(id), loop_now_ms(w->loop), give_way);
    c->tunnel = tunnel_accept(w->loop, stream, id, not_after, &hello, &tunnel_callbacks, c);
}

static void turn_away(struct gateway_worker *w, struct net_stream *stream)
{
    atomic_fetch_sub(&w->tunnel_count, 1);
    net_stream_close(stream);
}

void gateway_connector_arrive(struct gateway_worker *w, struct net_stream *stream, struct crowd_member *stranger)
{
    char prefix[64], urn[PKI_ROLE_ID_MAX + 64];
    (void)snprintf(prefix, sizeof prefix, "urn:opencmg:%s:connector:", w->gateway->config->bootstrap.site);
    X509 *peer = tls_stream_peer(stream);
    if (!peer || !pki_cert_uri(peer, prefix, urn, sizeof urn)) { /* the handshake's judge lets none such through */
        turn_away(w, stream);
        return;
    }
    const char *id = urn + strlen(prefix);
    if (!crowd_take(w->connectors, slice_of(id), COMES, loop_now_ms(w->loop))) {
        LOG_GATHERED(LOG_WARN, "tunnel", id, "often", "refused: the connector comes too often", LOG_T("connector", id));
        turn_away(w, stream);
        return;
    }
    net_stranger_known(w->clients.strangers, stranger, NULL, SLICE_NONE, loop_now_ms(w->loop));
    if (tunnel_is_withdrawn(w, id, pki_cert_not_after(peer))) {
        LOG_GATHERED(LOG_WARN, "tunnel", id, "removed",
                     "refused: the connector was removed, or its certificate withdrawn", LOG_T("connector", id));
        turn_away(w, stream);
        return;
    }
    begin(w, stream, id, pki_cert_not_after(peer));
}

void gateway_connectors_close_removed(struct gateway_worker *w)
{
    for (size_t i = w->tunnels.count; i-- > 0;) {
        struct tunnel *t = w->tunnels.list[i];
        if (tunnel_is_withdrawn(w, tunnel_connector_id(t), tunnel_not_after(t)))
            tunnel_close(t);
    }
}
