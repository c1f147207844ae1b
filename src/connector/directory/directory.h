/* SPDX-License-Identifier: Apache-2.0 */
/* A revocation list out of a directory (RFC 4516 URLs, RFC 4523 attributes), by libldap. Blocks: for a thread of the
 * pool. */
#ifndef CONNECTOR_DIRECTORY_DIRECTORY_H
#define CONNECTOR_DIRECTORY_DIRECTORY_H

#include "connector/directory/settings.h"
#include "source/http.h"
#include "tls/identity_file.h"

struct directory_question {
    const char *url;
    const char *ca_pem; /* by which a server's certificate is judged; NULL: the system's CAs */
    const char *folder; /* where this process may write: libldap takes certificates from files alone */
    const struct directory_settings *settings;    /* who is asked where the URL names nobody; NULL: nobody */
    const struct tls_identity_files *certificate; /* for bind: external; read by who asks, in its own thread */
    unsigned whole_s;                             /* 0: SOURCE_WHOLE_S; servers of `settings` share it */
    bool (*may)(const void *arg, const struct net_address *to);
    const void *arg;
};

/* Appends the one value of the attribute that the URL names (certificateRevocationList;binary when it names none) of
 * the one entry that it finds. A server that the URL names is asked anonymously; without one, those of `settings` are,
 * in their order, until one answers. No referrals. Errors name no host, but hold what the server said. As source_http;
 * R_DENIED, too: it does not take the bind. */
MUST_USE enum result directory_fetch(const struct directory_question *q, struct buf *ret, struct error *err);

#endif
