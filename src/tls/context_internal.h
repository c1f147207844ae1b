/* SPDX-License-Identifier: Apache-2.0 */
/* What context.c makes and stream.c uses: included in src/tls alone. */
#ifndef TLS_CONTEXT_INTERNAL_H
#define TLS_CONTEXT_INTERNAL_H

#include <openssl/ssl.h>

#include "tls/context.h"

struct tls_context {
    _Atomic unsigned refs;
    SSL_CTX *ssl;
    enum tls_client_cert client_cert;
    tls_verify_fn *verify;
    void *verify_arg;
    bool is_server, tls13_only, resumption;
    unsigned char alpn[64]; /* ProtocolNameList entries */
    unsigned alpn_len;
    unsigned char session_id[SSL_MAX_SID_CTX_LENGTH]; /* a session resumes only in the context that made it */
};

/* The context that every server connection starts with, before its ClientHello chose the real one. It holds the session
 * cache of the process, since OpenSSL looks sessions up in the context that a connection started with. */
SSL_CTX *tls_context_first(void);

/* Makes a started server connection one of `c`: all that SSL_set_SSL_CTX leaves as it was. */
void tls_context_apply(const struct tls_context *c, SSL *ssl);

/* The first error of OpenSSL's queue as text; empties the queue. */
const char *tls_openssl_reason(void);

/* Where a judge's words about a peer go, for a connection of ours: *err lives in the stream. */
struct error *tls_stream_verify_error(SSL *ssl);

#endif
