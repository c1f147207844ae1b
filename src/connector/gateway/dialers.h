/* SPDX-License-Identifier: Apache-2.0 */
/* The gateways that a connector dials, one dialer each, with a TLS context that takes this gateway alone; each keeps a
 * tunnel to every worker of its gateway. */
#ifndef CONNECTOR_GATEWAY_DIALERS_H
#define CONNECTOR_GATEWAY_DIALERS_H

#include "bundle/bundle.h"
#include "connector/request/upstreams.h"
#include "connector/site/known.h"
#include "tunnel/dial.h"

enum { DIALERS_MAX = BOOTSTRAP_LIST_MAX };

/* Which gateway is meant. */
struct dialed_gateway {
    struct bootstrap_address at;
    int64_t withdrawn; /* its certificates that end then or before count no longer */
};

struct dialers;

struct dialer {
    struct dialed_gateway gateway;
    struct tunnel_dialer *tunnels; /* NULL: the slot is free */
    struct tls_context *tls;
    uint32_t workers; /* of it; 0: not known yet */
    struct dialers *dialers;
    char why[ERROR_TEXT_MAX]; /* its last tunnel went down or did not come up; "": it came up since */
};

struct dialers {
    const struct site_known *known;    /* its renewer holds what is shown to gateways */
    const struct upstreams *upstreams; /* what is announced to them */
    struct pki_role_judge *judge;      /* of gateways */
    /* A request came out of a tunnel of this gateway. */
    void (*on_request)(void *owner, const char *gateway_id, struct http_exchange *x);
    void *owner;
    struct dialer list[DIALERS_MAX];
    size_t count;
};

/* Is the peer the gateway that was dialled, with a certificate that still counts? A gateway's key opens its own place
 * alone. R_DENIED with the reason. */
MUST_USE enum result dialers_judge(const struct pki_role_judge *judge, const struct dialed_gateway *meant, X509 *leaf,
                                   STACK_OF(X509) * chain, int64_t now, struct error *err);

/* Fills in the judge; all other members down to `owner` are the caller's. */
MUST_USE enum result dialers_begin(struct dialers *ds, struct error *err);
void dialers_end(struct dialers *ds); /* hangs up */

void dialers_dial(struct dialers *ds, const struct dialed_gateway *gateway);
/* These are the gateways from now on: those that are gone are hung up at once, new ones dialled. */
void dialers_apply(struct dialers *ds, const struct connector_document *d);
void dialers_announce(struct dialers *ds);   /* what there is an upstream for, to all */
void dialers_renewed(struct dialers *ds);    /* the next tunnels show the new role certificate; those that stand stay */
void dialers_drain(struct dialers *ds);      /* no new tunnels; those that stand end with their requests */
bool dialers_idle(const struct dialers *ds); /* no tunnel is left */

#endif
