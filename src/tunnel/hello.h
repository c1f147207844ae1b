/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The hello: what gateway and connector tell each other on a tunnel's first stream (PROTOCOL 2). The gateway's request
 * is one JSON object; the connector's answer stays open, and each of its lines (application/x-ndjson) announces the
 * endpoints that it reaches from then on.
 */
#ifndef TUNNEL_HELLO_H
#define TUNNEL_HELLO_H

#include "base/text/encode.h"
#include "tunnel/accept.h"

#define TUNNEL_OWN_PATHS "/.cmg/"
#define TUNNEL_HELLO_PATH "/.cmg/hello"
#define TUNNEL_HELLO_TYPE "application/x-ndjson"
enum {
    TUNNEL_HELLO_MAX = 4 * 1024,  /* bytes of the request */
    TUNNEL_LINE_MAX = 128 * 1024, /* of a line of the answer: TUNNEL_ENDPOINTS_MAX ids of TUNNEL_ID_MAX fit */
    TUNNEL_HELLO_MS = 10 * 1000,  /* for the whole hello */
};

struct tunnel_greeting { /* the gateway's, as the connector read it */
    char gateway_id[TUNNEL_ID_MAX + 1];
    char generation[GUID_SIZE];
    uint32_t worker, workers;
};

struct tunnel_endpoints {
    char (*ids)[TUNNEL_ID_MAX + 1]; /* sorted */
    size_t count;
};

/* Replaces the set; ids that are none of endpoints (base/text/name.h), or come twice, are left out. R_LIMIT over
 * TUNNEL_ENDPOINTS_MAX. */
MUST_USE enum result tunnel_endpoints_set(struct tunnel_endpoints *e, const char *const *ids, size_t count,
                                          struct error *err);
bool tunnel_endpoints_same(const struct tunnel_endpoints *a, const struct tunnel_endpoints *b);
bool tunnel_endpoints_has(const struct tunnel_endpoints *e, struct slice id);
void tunnel_endpoints_free(struct tunnel_endpoints *e);

/* malloc'ed; the caller frees it. */
char *tunnel_hello_write(const struct tunnel_hello *hello);
MUST_USE enum result tunnel_hello_read(struct slice json, struct tunnel_greeting *ret, struct error *err);

/* A line, "\n" included, malloc'ed. connector_id NULL: not the first line. */
char *tunnel_line_write(const char *connector_id, const struct tunnel_endpoints *e);
/* Replaces *e. The first line must name `connector_id` (NULL: not the first). */
MUST_USE enum result tunnel_line_read(struct slice line, const char *connector_id, struct tunnel_endpoints *e,
                                      struct error *err);

#endif
