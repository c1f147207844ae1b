/* SPDX-License-Identifier: Apache-2.0 */
/* What a document's endpoint means for an upstream: which certificate is shown, who the server must be; and which
 * endpoints the choices rule out. In the loop's thread. */
#include "connector/request/upstreams.h"

#include <stdlib.h>

#include "base/host/log.h"
#include "bundle/bundle.h"

static const struct choices_line *forbidding_rule(const struct connector_config *config,
                                                  const struct connector_endpoint *e)
{
    return e->mp ? choices_forbids_connector(e->mode, e->clients, config->identity.certificate != NULL) : NULL;
}

enum result upstreams_check(const struct connector_config *config, const struct connector_document *d,
                            struct error *err)
{
    for (size_t i = 0; i < d->endpoint_count; i++) {
        const struct choices_line *rule = forbidding_rule(config, &d->endpoints[i]);
        if (rule)
            return error_set(err, R_DENIED, "endpoint %s: %s (rule %s)", d->endpoints[i].id, rule->text, rule->id);
    }
    return OK;
}

static struct upstream_options options_of(const struct connector_config *config, const struct role_identity *role,
                                          const struct connector_endpoint *e, size_t gateways)
{
    return (struct upstream_options){
        .config = config,
        .role = role,
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
        .gateways = gateways,
        .websocket = e->websocket,
        .keep_host = e->keep_host,
        .form = {e->headers, e->x_forwarded},
    };
}

static void add_endpoint(struct upstreams *u, struct loop *loop, const struct connector_config *config,
                         const struct role_identity *role, const struct connector_endpoint *e, size_t gateways)
{
    struct error err;
    const struct choices_line *rule = forbidding_rule(config, e);
    if (rule) {
        log_msg(LOG_ERROR, "connector", "endpoint %s is not served: %s (rule %s)", e->id, rule->text, rule->id);
        return;
    }
    struct upstream_options o = options_of(config, role, e, gateways);
    if (upstream_new(loop, &o, &u->list[u->count], &err) == OK)
        u->count++;
    else
        log_msg(LOG_ERROR, "connector", "an endpoint is not served: %s", err.text);
}

static int compare(const void *a, const void *b)
{
    struct upstream *const *x = a, *const *y = b;
    return strcmp(upstream_id(*x), upstream_id(*y));
}

void upstreams_replace(struct upstreams *u, struct loop *loop, const struct connector_config *config,
                       const struct role_identity *role, const struct connector_document *d)
{
    upstreams_free(u);
    for (size_t i = 0; i < d->endpoint_count && u->count < UPSTREAMS_MAX; i++)
        add_endpoint(u, loop, config, role, &d->endpoints[i], d->gateway_count);
    qsort(u->list, u->count, sizeof *u->list, compare);
    if (d->endpoint_count > UPSTREAMS_MAX)
        log_msg(LOG_ERROR, "connector", "more than %d endpoints; the rest is not served", UPSTREAMS_MAX);
}

void upstreams_free(struct upstreams *u)
{
    for (size_t i = 0; i < u->count; i++)
        upstream_unref(u->list[i]); /* requests under way hold their own references */
    u->count = 0;
}

static int compare_id(const void *id, const void *member)
{
    struct upstream *const *u = member;
    return slice_cmp(*(const struct slice *)id, slice_of(upstream_id(*u)));
}

struct upstream *upstreams_find(const struct upstreams *u, struct slice id)
{
    struct upstream *const *found = bsearch(&id, u->list, u->count, sizeof *u->list, compare_id);
    return found ? *found : NULL;
}
