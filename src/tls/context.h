/* SPDX-License-Identifier: Apache-2.0 */
/*
 * TLS contexts: what one side of a connection shows and demands. TLS 1.2 and 1.3 only, ECDHE with AEAD; no
 * renegotiation, no compression, no 0-RTT, no stateless tickets.
 */
#ifndef TLS_CONTEXT_H
#define TLS_CONTEXT_H

#include <openssl/x509.h>

#include "base/error.h"
#include "base/slice.h"

struct tls_context; /* reference-counted, thread-safe, immutable once made */

/* Judges the peer's certificate inside the handshake. `chain` is what it sent, the leaf first. OK lets it in; else
 * the handshake ends with an alert and *err says why. Called in any worker's thread. */
typedef enum result tls_verify_fn(void *arg, X509 *leaf, STACK_OF(X509) * chain, struct error *err);

enum tls_client_cert {
    TLS_CLIENT_CERT_NONE, /* not asked for */
    TLS_CLIENT_CERT_ASK,  /* asked for, accepted whatever it is (in DER), possession proven; judged later by others */
    TLS_CLIENT_CERT_REQUIRE, /* the handshake fails without one that `verify` accepts */
};

struct tls_identity {
    struct slice certificate_pem; /* leaf first, then intermediates */
    struct slice key_pem;         /* PKCS#8 or SEC1, unencrypted */
};

struct tls_server_options {
    struct tls_identity identity;
    const struct tls_identity *more; /* for the same names, of keys of other kinds: which is shown, the client's */
    size_t more_count;               /* abilities decide */
    enum tls_client_cert client_cert;
    tls_verify_fn *verify; /* for REQUIRE, and needed there; for ASK: what must not even prove its key; NULL allowed */
    void *verify_arg;      /* borrowed: outlives the context */
    const char
        *alpn; /* "h2,http/1.1": ours in order of preference; a client that offers none of them is refused (RFC 7301) */
    bool tls13_only;
    bool resumption; /* stateful cache, bounded; otherwise none. Not with REQUIRE: a resumed session is not judged */
};
MUST_USE enum result tls_context_server(const struct tls_server_options *o, struct tls_context **ret,
                                        struct error *err);

struct tls_client_options {
    struct tls_identity identity; /* empty: none */
    /* Either anchors (PEM, one or many; SLICE_NONE: the system's) with the server's name checked … */
    struct slice anchors_pem;
    /* … or a judge of one's own, which then alone decides. */
    tls_verify_fn *verify;
    void *verify_arg; /* borrowed */
    const char *alpn; /* NULL: none offered */
    bool tls13_only;
};
MUST_USE enum result tls_context_client(const struct tls_client_options *o, struct tls_context **ret,
                                        struct error *err);

/* Ends the sessions of the process that are older at `now` (wall seconds) than sessions get; returns how many are left
 * to be resumed. Any thread. */
size_t tls_sessions_end(int64_t now);

struct tls_context *tls_context_ref(struct tls_context *c);
void tls_context_unref(struct tls_context *c); /* NULL allowed */

#endif
