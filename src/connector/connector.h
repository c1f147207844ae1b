/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The connector: dials out only.
 *
 *   site ──── asks a management point for this connector's own document (parked), and passes the gateways' questions on
 *   upstreams the document's endpoints, by id
 *   dialers   one a gateway; each keeps a tunnel to every worker of it
 *   self_check  would this connector's own client certificate be believed?
 */
#ifndef CONNECTOR_CONNECTOR_H
#define CONNECTOR_CONNECTOR_H

#include "connector/gateway/dialers.h"
#include "connector/route.h"

struct joining;
struct questions;
struct report;
struct self_check;

struct connector {
    struct site_known known; /* its loop and configuration too */
    struct site_link *site;
    struct upstreams upstreams;
    struct http_splice_senders senders, gateways; /* as in struct route; as long as the process */
    struct dialers dialers;
    struct report *report;
    struct joining *joining; /* gateways */
    struct questions *questions;
    struct self_check *self_check; /* of the PKI client certificate */
    uint64_t requests;             /* that came through tunnels */
    int exit_code;
};

MUST_USE enum result connector_start(struct connector *c, const struct connector_config *config, struct loop *loop,
                                     struct error *err);
/* The configuration's client certificate is another: the next connections show it. `connector`: the struct connector.
 */
void connector_certificate_changed(void *connector);
void connector_drain(struct connector *c);
bool connector_idle(const struct connector *c); /* no tunnel is left */
void connector_stop(struct connector *c);

#endif
