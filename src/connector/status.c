/* SPDX-License-Identifier: Apache-2.0 */
/* Reads the dialers and upstreams of a connector; changes nothing. In the loop's thread. */
#include "connector/status.h"

#include "base/mem.h"
#include "connector/connector.h"
#include "connector/site/report.h"

enum { FAULTS_MAX = 64 };

json_t *connector_status_gateways(const void *connector)
{
    const struct connector *c = connector;
    json_t *list = json_array();
    for (size_t i = 0; i < c->dialers.count; i++) {
        const struct dialer *d = &c->dialers.list[i];
        if (!d->tunnels)
            continue;
        json_t *one = json_pack("{s:s, s:s, s:i, s:I, s:I}", "id", d->gateway.at.id, "host", d->gateway.at.host, "port",
                                (int)d->gateway.at.port, "up", (json_int_t)tunnel_dialer_up(d->tunnels), "workers",
                                (json_int_t)d->workers);
        if (*d->why)
            (void)json_object_set_new(one, "error", report_text(d->why));
        (void)json_array_append_new(list, one);
    }
    return list;
}

/* Those that failed last and have not answered since. */
json_t *connector_status_upstreams(const void *connector)
{
    const struct connector *c = connector;
    json_t *list = json_array();
    for (size_t i = 0; i < c->upstreams.count && json_array_size(list) < FAULTS_MAX; i++) {
        const struct upstream_fault *f = upstream_fault(c->upstreams.list[i]);
        if (f->reason)
            (void)json_array_append_new(list, json_pack("{s:s, s:s, s:o, s:I}", "id", upstream_id(c->upstreams.list[i]),
                                                        "reason", f->reason, "detail", report_text(f->detail), "at",
                                                        (json_int_t)f->at));
    }
    return list;
}
