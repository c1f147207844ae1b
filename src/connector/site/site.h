/* SPDX-License-Identifier: Apache-2.0 */
/* The link to the site: keeps a request for this connector's next document parked at a management point, one of those
 * that the bootstrap file names, the next one when it fails; the last good document is kept on disk. */
#ifndef CONNECTOR_SITE_SITE_H
#define CONNECTOR_SITE_SITE_H

#include "connector/request/upstream.h"
#include "connector/site/known.h"

/* The id under which gateways reach the site through tunnels. */
#define SITE_ENDPOINT "site"

struct site_link;

struct site_link_events {
    /* Puts a verified document in place and takes it over. R_DENIED: it can't be served; it stays the link's. */
    enum result (*on_document)(void *owner, struct connector_document *d, struct error *err);
    /* The very first document can't be served: the site is told, then the loop is stopped. */
    void (*on_hopeless)(void *owner);
};

/* `known` is borrowed, and its has_document is the link's to set. */
MUST_USE enum result site_link_new(struct site_known *known, const struct site_link_events *events, void *owner,
                                   struct site_link **ret, struct error *err);
void site_link_free(struct site_link *s); /* NULL allowed */
void site_link_start(struct site_link *s);

/* The upstream that questions of gateways go to now (borrowed): that of the management point which answered last. */
struct upstream *site_link_upstream(struct site_link *s);

/* A request of the connector's own to that management point; `request` is copied, "/.cmg" is put before its target. */
MUST_USE enum result site_link_call(struct site_link *s, const struct http_request *request,
                                    const struct http_call_events *ev, void *ctx, struct http_call **ret,
                                    struct error *err);

/* The role certificate is a new one: asks anew with it. No call of site_link_call may be under way. */
void site_link_renewed(struct site_link *s);
/* The document that was kept for this connector, verified, whatever its sequence; the caller connector_document_free()s
 * it. R_NOTFOUND: none was. */
MUST_USE enum result site_link_kept(const struct connector_config *config, struct connector_document **ret,
                                    struct error *err);
int64_t site_link_sequence(const struct site_link *s); /* of the document in use; 0: none */
/* Why the site's last document was not taken; "": it was. */
const char *site_link_refused(const struct site_link *s);

#endif
