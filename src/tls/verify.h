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

/* Octets of the certificates that came on a server's connection (der/shown.h), kept until the certificates are judged;
 * 0: no such message came, as when a session is resumed (newer OpenSSL judges its certificates once more). */
size_t tls_stream_certificates_len(SSL *ssl);

#endif
