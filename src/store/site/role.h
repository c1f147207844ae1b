/* SPDX-License-Identifier: Apache-2.0 */
/* The site's roles: gateways, connectors, management points. A removed id stays revoked until the last certificate that
 * bears it has ended, and can't be taken again before. Of one that is still there, old certificates may be withdrawn.
 */
#ifndef STORE_SITE_ROLE_H
#define STORE_SITE_ROLE_H

#include "base/arena.h"
#include "store/store.h"

/* Those that have role certificates by renewal and by join strings. */
enum store_role { STORE_CONNECTOR, STORE_GATEWAY };
const char *store_role_name(enum store_role role); /* "connector", "gateway": of certificates and documents, too */
MUST_USE bool store_role_find(const char *name, enum store_role *ret);

struct store_gateway {
    const char *id, *host;
    int64_t port, created, not_after; /* not_after: of its role certificate */
    int64_t seen;                     /* 0: never */
    const char *report;               /* its last one, JSON; NULL: none */
    int64_t withdrawn;                /* its certificates that end then or before are withdrawn; 0: none is */
};

struct store_connector {
    const char *id;
    int64_t created, not_after;
    const char *pki_sha256, *pki_subject; /* its PKI certificate for https management points; NULL: none registered */
    int64_t pki_not_after;
    int64_t seen;
    const char *report;
    int64_t withdrawn; /* as a gateway's */
};

struct store_mp {
    const char *id, *mode, *url;
    const char *clients;     /* "pki entra token" */
    const char *anchors_pem; /* https: the CA of its certificate; NULL: judged by its role certificate */
};

struct store_revoked {
    const char *kind, *id;
    int64_t until; /* its certificates that end then or before; 0: it was removed, and all are withdrawn */
};

/* R_CONFLICT: the id is taken or revoked. */
MUST_USE enum result store_gateway_add(struct store *s, const struct store_gateway *g, struct error *err);
MUST_USE enum result store_connector_add(struct store *s, const struct store_connector *c, struct error *err);
/* A new certificate for the same id; the PKI certificate of a connector too, when one is given. `withdraw`: those that
 * were issued before count no longer; R_CONFLICT when the new one ends no later than they do. A join string of the id
 * ends: there is one way in at a time. */
MUST_USE enum result store_gateway_renew(struct store *s, const struct store_gateway *g, bool withdraw,
                                         struct error *err);
MUST_USE enum result store_connector_renew(struct store *s, const struct store_connector *c, bool withdraw,
                                           struct error *err);
/* Another PKI certificate (pki_…) for the same connector, from now on. R_NOTFOUND. */
MUST_USE enum result store_connector_certificate(struct store *s, const struct store_connector *c, struct error *err);
/* It has a new certificate beside the old one, which works on until its own end: not_after grows and nothing else
 * changes. R_NOTFOUND. */
MUST_USE enum result store_role_renewed(struct store *s, enum store_role role, const char *id, int64_t not_after,
                                        struct error *err);
/* Until when its certificates count. R_NOTFOUND. */
struct store_role_ends {
    int64_t not_after, withdrawn; /* as a gateway's */
};
MUST_USE enum result store_role_ends(struct store *s, struct arena *a, enum store_role role, const char *id,
                                     struct store_role_ends *ret, struct error *err);
/* It is to get a new certificate by a join string: name and port (of a connector: the PKI certificate, when one is
 * given) change now, and with `withdraw` what was issued before counts no longer. R_NOTFOUND. */
MUST_USE enum result store_gateway_await(struct store *s, const struct store_gateway *g, bool withdraw,
                                         struct error *err);
MUST_USE enum result store_connector_await(struct store *s, const struct store_connector *c, bool withdraw,
                                           struct error *err);
MUST_USE enum result store_gateway_remove(struct store *s, const char *id, struct error *err);
MUST_USE enum result store_connector_remove(struct store *s, const char *id, struct error *err);

MUST_USE enum result store_gateway_get(struct store *s, struct arena *a, const char *id, struct store_gateway *ret,
                                       struct error *err);
MUST_USE enum result store_gateway_list(struct store *s, struct arena *a, struct store_gateway **ret, size_t *ret_count,
                                        struct error *err);
MUST_USE enum result store_connector_get(struct store *s, struct arena *a, const char *id, struct store_connector *ret,
                                         struct error *err);
/* By the SHA-256 of its PKI certificate. */
MUST_USE enum result store_connector_by_pki(struct store *s, struct arena *a, const char *sha256,
                                            struct store_connector *ret, struct error *err);
MUST_USE enum result store_connector_list(struct store *s, struct arena *a, struct store_connector **ret,
                                          size_t *ret_count, struct error *err);

/* What a role told of itself. report NULL: it was only heard of. An unknown id changes nothing. */
MUST_USE enum result store_gateway_seen(struct store *s, const char *id, int64_t now, const char *report,
                                        struct error *err);
MUST_USE enum result store_connector_seen(struct store *s, const char *id, int64_t now, const char *report,
                                          struct error *err);

/* Adds or changes it; bumps only when something changed. */
MUST_USE enum result store_mp_put(struct store *s, const struct store_mp *m, struct error *err);
MUST_USE enum result store_mp_list(struct store *s, struct arena *a, struct store_mp **ret, size_t *ret_count,
                                   struct error *err);
/* With its endpoints. */
MUST_USE enum result store_mp_remove(struct store *s, const char *id, struct error *err);

MUST_USE enum result store_revoked_list(struct store *s, struct arena *a, int64_t now, struct store_revoked **ret,
                                        size_t *ret_count, struct error *err);

#endif
