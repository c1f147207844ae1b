/* SPDX-License-Identifier: Apache-2.0 */
/* One published endpoint as the connector sees it: an internal server, a pool of connections to it for each gateway,
 * and how its certificate is judged. A request maps to an upstream by endpoint id and to nothing else. */
#ifndef CONNECTOR_REQUEST_UPSTREAM_H
#define CONNECTOR_REQUEST_UPSTREAM_H

#include "bundle/bundle.h"
#include "bundle/role/role_identity.h"
#include "connector/config.h"
#include "connector/request/identity.h"
#include "http/pool/pool.h"
#include "pki/role.h"

struct upstream;

struct upstream_options {
    const struct connector_config *config;
    const struct role_identity *role; /* for show_role_certificate */
    const char *id;
    const char *scheme, *host; /* "https" or "http" */
    uint16_t port;
    const char *base_path;   /* "" or "/prefix": put before the request's path */
    const char *authority;   /* Host that it sees; "": host:port */
    const char *anchors_pem; /* NULL: the system's, unless mp_id is judged by its role certificate */
    const char *mp_id;       /* a management point that is judged by its role certificate; NULL: by anchors and name */
    bool any_mp;             /* like mp_id, whichever management point of the site it is */
    bool any_target;         /* loopback too: the bootstrap file names it, not the site */
    bool show_role_certificate; /* to management points: who this connector is */
    bool show_pki_certificate;  /* instead of it: the configured client certificate */
    uint64_t answer_ms;
    size_t gateways; /* that may ask, each with its part of the connections; 0: as one */
    bool websocket;  /* may become one */
    bool keep_host;  /* Host is the name that the client asked for, where it named one */
    struct identity_form form;
};

/* Does this connector (`arg`: its struct connector_config) connect to such an address for the site? */
bool upstream_may_connect(const void *arg, const struct net_address *to);

/* One reference. R_DENIED: a target that this connector does not allow. */
MUST_USE enum result upstream_new(struct loop *loop, const struct upstream_options *o, struct upstream **ret,
                                  struct error *err);
struct upstream *upstream_ref(struct upstream *u);
void upstream_unref(struct upstream *u); /* the last one closes its connections. NULL allowed */

const char *upstream_id(const struct upstream *u);
bool upstream_takes_websocket(const struct upstream *u);
const struct identity_form *upstream_form(const struct upstream *u);

/* The last failure to get an answer, until the next answer: for the report to the site, which names it to
 * administrators. */
struct upstream_fault {
    const char *reason;          /* verdict_reason_info(…)->name; NULL: none */
    char detail[ERROR_TEXT_MAX]; /* names the inside: never for a device */
    int64_t at;                  /* wall seconds, the last time */
};
const struct upstream_fault *upstream_fault(const struct upstream *u);
/* Returns whether that is news. `reason` NULL: it answered. */
bool upstream_note(struct upstream *u, const char *reason, const char *detail);

/* Whose shares a request takes: of the gateway's part ("": all gateways have one), those of `whom` ("": this connector
 * asks for itself, and is not counted). */
struct upstream_asker {
    struct slice gateway, whom;
};

/* `request`: as it came through the tunnel, identity_unfold()ed; its authority is replaced by the upstream's,
 * its base path put before the target. It stays as http/pool/pool.h says. */
MUST_USE enum result upstream_call(struct upstream *u, const struct upstream_asker *by,
                                   const struct http_request *request, const struct http_call_events *events, void *ctx,
                                   struct http_call **ret, struct error *err);

#endif
