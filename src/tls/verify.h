/* SPDX-License-Identifier: Apache-2.0 */
/* How a peer's certificate is judged inside the handshake, and what the operator is told. Included in src/tls alone. */
#ifndef TLS_VERIFY_H
#define TLS_VERIFY_H

#include <openssl/ssl.h>

#include "base/error.h"
#include "base/slice.h"

/* For SSL_CTX_set_cert_verify_callback; the argument is the struct tls_context. A judge of one's own decides alone;
 * else a client's context checks chain and name, and a server's takes what it is shown. */
int tls_verify(X509_STORE_CTX *store, void *context);

/* Octets of the certificates in a Certificate message, without what is around them (RFC 5246 7.4.2, RFC 8446 4.4.2);
 * SIZE_MAX when it is malformed. */
size_t tls_certificates_len(int version, struct slice message);

/* Before OpenSSL reads it. R_DENIED: one of the certificates has a key that is slow to be read (der/key.h). What is
 * malformed, OpenSSL refuses. */
MUST_USE enum result tls_certificates_check(int version, struct slice message, struct error *err);

/* That length of a server's connection, kept until the certificates are judged; 0: no such message came, as when a
 * session is resumed (newer OpenSSL judges its certificates once more). */
size_t tls_stream_certificates_len(SSL *ssl);

#endif
