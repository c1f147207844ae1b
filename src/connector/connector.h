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

#include "connector/config.h"
#include "connector/request/upstream.h"
#include "connector/site/known.h"
#include "tunnel/dial.h"

enum { CONNECTOR_UPSTREAMS_MAX = 1000, CONNECTOR_DIALERS_MAX = BOOTSTRAP_LIST_MAX };

struct connector_dialer {
    struct bootstrap_address gateway;
    int64_t withdrawn;            /* its certificates that end then or before count no longer */
    struct tunnel_dialer *dialer; /* NULL: the slot is free */
    struct tls_context *tls;      /* takes this gateway's certificate alone */
    uint32_t workers;             /* of it; 0: not known yet */
    struct connector *connector;
    char why[ERROR_TEXT_MAX]; /* its last tunnel went down or did not come up; "": it came up since */
};

struct report;
struct self_check;
struct site_link;

struct connector {
    struct site_known known; /* its loop and configuration too */
    struct site_link *site;
    struct upstream *upstreams[CONNECTOR_UPSTREAMS_MAX];
    size_t upstream_count;
    struct connector_dialer dialers[CONNECTOR_DIALERS_MAX];
    size_t dialer_count;
    struct pki_role_judge *gateway_judge;
    struct report *report;
    struct self_check *self_check; /* of the PKI client certificate */
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
