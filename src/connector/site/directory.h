/* SPDX-License-Identifier: Apache-2.0 */
/* A revocation list out of a directory (RFC 4516 URLs, RFC 4523 attributes), by libldap. Blocks: for a thread of the
 * pool. */
#ifndef CONNECTOR_SITE_DIRECTORY_H
#define CONNECTOR_SITE_DIRECTORY_H

#include "source/http.h"

struct directory_question {
    const char *url;
    const char *ca_pem; /* by which a server of ldaps is judged; NULL: the system's CAs */
    const char *folder; /* where this process may write: libldap takes CAs from a file alone */
    bool (*may)(const void *arg, const struct net_address *to);
    const void *arg;
};

/* Appends the one value of the attribute that the URL names (certificateRevocationList;binary when it names none) of
 * the one entry that it finds. Anonymous, no referrals. Errors name no host. As source_http. */
MUST_USE enum result directory_fetch(const struct directory_question *q, struct buf *ret, struct error *err);

#endif
