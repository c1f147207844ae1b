/* SPDX-License-Identifier: Apache-2.0 */
/* One document over http or https, by libcurl: no redirects, bounded in size and time. Blocks: for a thread of the
 * pool. */
#ifndef SOURCE_HTTP_H
#define SOURCE_HTTP_H

#include "base/buf.h"
#include "base/error.h"
#include "net/address.h"

enum { SOURCE_BYTES_MAX = 64 * 1024 * 1024, SOURCE_CONNECT_S = 10, SOURCE_WHOLE_S = 60 };

struct source_http {
    const char *url;
    struct slice post;  /* .ptr NULL: GET */
    const char *type;   /* of post */
    long whole_s;       /* 0: SOURCE_WHOLE_S */
    const char *ca_pem; /* by which a server of https is judged, and by nothing else; NULL: the system's CAs */
    /* May it connect there? NULL: anywhere. */
    bool (*may)(const void *arg, const struct net_address *to);
    const void *arg;
    int64_t *fresh_s; /* NULL, or: for how long the answer says that it is fresh (source/freshness.h) */
};

/* Appends the body of a 200 to *ret. Errors name no host: they may be told to others. R_IO, R_TIMEOUT, R_LIMIT,
 * R_DENIED (the address is not allowed), R_NOTFOUND (404, 410), R_INVALID (another status). */
MUST_USE enum result source_http(const struct source_http *what, struct buf *ret, struct error *err);

/* Of libcurl, before its first use; often is as good as once. Any thread. */
void source_http_init(void);

#endif
