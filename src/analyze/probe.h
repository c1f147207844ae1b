/* SPDX-License-Identifier: Apache-2.0 */
/* One TLS handshake with whatever answers at an address, believing nothing: to see what comes, not to talk. No
 * certificate is shown and nothing is sent over it. */
#ifndef ANALYZE_PROBE_H
#define ANALYZE_PROBE_H

#include <openssl/x509.h>

#include "analyze/cause.h"
#include "web/http.h"

enum analyze_probe_kind {
    ANALYZE_PROBE_CLIENT, /* as a client: TLS 1.2 or 1.3 */
    ANALYZE_PROBE_OLD,    /* TLS 1.0 or 1.1, any cipher: is the other side too old? */
    ANALYZE_PROBE_TUNNEL, /* as a connector (ALPN rh2): a gateway itself shows its role certificate then */
};

struct analyze_peer {
    enum analyze_cause cause; /* ANALYZE_CAUSE_NONE: the handshake was done */
    struct error detail;
    char version[16]; /* "TLSv1.3" */
    X509 *leaf;       /* what came; NULL: nothing */
    STACK_OF(X509) * sent;
};
void analyze_peer_done(struct analyze_peer *p);

void analyze_probe(const struct web_endpoint *at, enum analyze_probe_kind kind, long timeout_ms,
                   struct analyze_peer *ret);

/* The cause of a connection that did not come about. */
enum analyze_cause analyze_connect_cause(enum web_fault fault);

#endif
