/* SPDX-License-Identifier: Apache-2.0 */
/* Making the gateway of its configuration, and handing snapshots to its workers. */
#include "gateway/start.h"

#include <malloc.h>
#include <stdlib.h>

#include "base/clock.h"
#include "base/host/file.h"
#include "base/host/log.h"
#include "base/mem.h"
#include "conf/daemon.h"
#include "gateway/client/certificates.h"
#include "gateway/judge/responder.h"
#include "gateway/site/site.h"
#include "gateway/snapshot/builder.h"
#include "gateway/worker.h"
#include "tunnel/accept.h"

enum { LARGE = 4 * 1024 * 1024, STANDS_MS = 5000 };

static void refresh_workers(void *ctx)
{
    struct gateway *g = ctx;
    for (size_t i = 0; i < g->worker_count; i++)
        gateway_worker_refresh(g->workers[i]);
}

static void show_in_workers(void *ctx)
{
    struct gateway *g = ctx;
    for (size_t i = 0; i < g->worker_count; i++)
        gateway_worker_show(g->workers[i]);
}

/* --- TLS --- */

static enum result tunnel_context(struct gateway *g, struct error *err)
{
    const struct bootstrap *b = &g->config->bootstrap;
    enum result r = pki_role_judge_new(slice_of(b->root_pem), b->site, "connector", &g->connector_judge, err);
    if (r != OK)
        return r;
    struct tls_server_options o = {
        .identity = {slice_of(b->certificate_pem), slice_of(b->key_pem)},
        .client_cert = TLS_CLIENT_CERT_REQUIRE,
        .verify = pki_role_tls_verify,
        .verify_arg = g->connector_judge,
        .alpn = TUNNEL_ALPN,
        .tls13_only = true,
    };
    return tls_context_server(&o, &g->tunnel_tls, err);
}

/* --- workers --- */

static enum result parse_listen(struct gateway *g, struct error *err)
{
    const struct conf_texts *list = &g->config->listen;
    if (list->count > GATEWAY_LISTENERS_MAX)
        return error_set(err, R_LIMIT, "listen: more than %d addresses", GATEWAY_LISTENERS_MAX);
    for (size_t i = 0; i < list->count; i++) {
        if (net_address_parse(slice_of(list->items[i]), &g->listen[i], err) != OK)
            return error_prefix(err, "listen");
    }
    g->listen_count = list->count;
    return OK;
}

static enum result make_workers(struct gateway *g, struct error *err)
{
    size_t count = gateway_worker_count(g->config);
    enum result r = parse_listen(g, err);
    for (size_t i = 0; r == OK && i < count; i++) {
        r = gateway_worker_new(g, i, &g->workers[i], err);
        if (r == OK)
            g->counters.of[g->worker_count++] = &g->workers[i]->metrics;
    }
    g->counters.count = g->worker_count;
    return r;
}

/* In the first worker's loop; the others' judges want things of it. */
static enum result make_site(struct gateway *g, struct error *err)
{
    struct gateway_worker *first = g->workers[0];
    const struct snapshot_home home = {first->loop, &first->tunnels, g->config, &g->current};
    const struct gateway_site_parts parts = {home, &first->judge, &g->shown, &g->counters};
    if (gateway_site_new(&parts, &first->site, err) != OK)
        return err->code;
    g->site = first->site;
    g->responder = responder_new(first->loop, &first->tunnels, &g->current);
    for (size_t i = 0; i < g->worker_count; i++) {
        struct gateway_judge *j = &g->workers[i]->judge;
        j->responder = g->responder;
        j->hooks = &gateway_site_wants;
        j->ctx = g->site;
    }
    return OK;
}

enum result gateway_start(struct gateway *g, const struct gateway_config *config, struct loop *control,
                          struct error *err)
{
    (void)mallopt(M_MMAP_THRESHOLD, LARGE); /* fixed, else it grows with what is freed and long lists leave holes */
    memset(g, 0, sizeof *g);
    g->config = config;
    g->places = gateway_places_find(config, conf_descriptors());
    g->control = control;
    guid_new(g->generation);
    snapshot_current_init(&g->current, refresh_workers, g);

    struct certificates *first;
    enum result r = file_make_dirs(config->state, 0750, err);
    file_sweep(config->state);
    if (r == OK)
        r = certificates_load(config, &first, err);
    if (r == OK)
        shown_certificates_init(&g->shown, first, show_in_workers, g);
    if (r == OK)
        r = tunnel_context(g, err);
    if (r == OK)
        r = make_workers(g, err);
    if (r == OK)
        r = make_site(g, err);
    if (r != OK)
        return r;
    net_handed_settle();
    builder_restore(&g->site->home);
    for (size_t i = 0; i < g->worker_count; i++)
        gateway_worker_start(g->workers[i]);
    return OK;
}

void gateway_drain(struct gateway *g)
{
    atomic_store(&g->draining, true);
    for (size_t i = 0; i < g->worker_count; i++)
        gateway_worker_drain(g->workers[i]);
}

void gateway_stop(struct gateway *g)
{
    responder_stop(g->responder);
    for (size_t i = g->worker_count; i-- > 0;) /* the first one last: the others ask for its sources */
        gateway_worker_stop(g->workers[i]);
}

bool gateway_idle(const struct gateway *g, bool with_handshakes)
{
    size_t arriving = 0;
    for (size_t i = 0; with_handshakes && i < g->worker_count; i++)
        arriving += atomic_load(&g->workers[i]->clients.connection_count);
    return arriving == 0 && gateway_metric_sum(&g->counters, METRIC_CONNECTIONS) == 0;
}

/* The first whose loop has not turned for long; NULL: all turn. */
static const struct gateway_worker *find_standing(const struct gateway *g, uint64_t now_ms)
{
    for (size_t i = 0; i < g->worker_count; i++) {
        uint64_t beat = atomic_load_explicit(&g->workers[i]->beat, memory_order_relaxed);
        if (beat && now_ms > beat + STANDS_MS)
            return g->workers[i];
    }
    return NULL;
}

bool gateway_ready(struct gateway *g, char *why, size_t size)
{
    struct snapshot *current = snapshot_current_get(&g->current);
    bool has_bundle = current != NULL;
    snapshot_unref(current);
    char refused[ERROR_TEXT_MAX];
    snapshot_current_refused(&g->current, refused);

    size_t without = 0;
    for (size_t i = 0; i < g->worker_count; i++)
        without += atomic_load_explicit(&g->workers[i]->metrics.values[METRIC_TUNNELS], memory_order_relaxed) == 0;

    uint64_t now_ms = clock_mono_ms();
    const struct gateway_worker *stands = find_standing(g, now_ms);
    if (stands)
        (void)snprintf(why, size, "worker %zu stands: it has not gone on for %llu s", stands->index,
                       (unsigned long long)(now_ms - atomic_load(&stands->beat)) / 1000);
    else if (atomic_load(&g->draining))
        (void)snprintf(why, size, "draining");
    else if (without)
        (void)snprintf(why, size, "%zu of %zu workers have no tunnel yet: is a cmg-connector running?", without,
                       g->worker_count);
    else if (!has_bundle)
        (void)snprintf(why, size, "no site bundle yet: does the connector reach its management point?");
    else if (*refused)
        (void)snprintf(why, size, "the site's bundle is refused: %s", refused);
    else
        return true;
    return false;
}
