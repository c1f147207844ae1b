/* SPDX-License-Identifier: Apache-2.0 */
/* Published endpoints (docs/protocol/wire.md 5): what is reachable at all, and where it is inside. */
#ifndef STORE_SITE_ENDPOINT_H
#define STORE_SITE_ENDPOINT_H

#include "base/arena.h"
#include "store/store.h"

struct store_endpoint {
    const char *id;
    const char *role, *name; /* by path; role "" when by host */
    const char *host;        /* by host; "" when by path */
    const char *auth;        /* "pki token" */
    const char *purpose;     /* "general" … */
    const char *methods;     /* "GET HEAD"; "": any */
    int64_t max_body;
    const char *headers; /* "cmg", "puppet", "hawkbit" */
    bool management_point;
    const char *url; /* inside; "" for a management point's: its own */
    const char *anchors_pem;
    const char *upstream_host; /* "" : that of the URL */
    int64_t answer_s;          /* 0: the connector's default */
    bool allow_encoded_slash, websocket;
    bool keep_host, x_forwarded; /* the server sees the name that the client asked for: as Host, in X-Forwarded-… */
    const char
        *client_anchors; /* ids of the anchors whose certificates count here, words; "" or NULL: all of the site */
};

/* R_CONFLICT: the id, the path or the host is taken. */
MUST_USE enum result store_endpoint_add(struct store *s, const struct store_endpoint *e, struct error *err);
/* Adds or changes it, bumping only when something changed: for a management point's own. */
MUST_USE enum result store_endpoint_put(struct store *s, const struct store_endpoint *e, struct error *err);
MUST_USE enum result store_endpoint_get(struct store *s, struct arena *a, const char *id, struct store_endpoint *ret,
                                        struct error *err);
MUST_USE enum result store_endpoint_list(struct store *s, struct arena *a, struct store_endpoint **ret,
                                         size_t *ret_count, struct error *err);
MUST_USE enum result store_endpoint_remove(struct store *s, const char *id, struct error *err);

#endif
