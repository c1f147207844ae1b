/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The certificates that a peer of TLS shows, before OpenSSL reads them: a Certificate message with its header (RFC 5246
 * 7.4.2, RFC 8446 4.4.2). `version` is what OpenSSL's callback for messages tells.
 */
#ifndef DER_SHOWN_H
#define DER_SHOWN_H

#include <openssl/ssl.h>

#include "base/error.h"
#include "base/slice.h"

/* Options of each context whose certificates are looked at: they come once, and in no message of another kind (RFC
 * 8879; OpenSSL 3.0 knows none). */
#ifdef SSL_OP_NO_RX_CERTIFICATE_COMPRESSION
#define DER_SHOWN_OPTIONS (SSL_OP_NO_RENEGOTIATION | SSL_OP_NO_RX_CERTIFICATE_COMPRESSION)
#else
#define DER_SHOWN_OPTIONS SSL_OP_NO_RENEGOTIATION
#endif

/* Octets of the certificates, without what is around them; SIZE_MAX when it is malformed. */
size_t der_shown_len(int version, struct slice message);

/* From inside that callback. Has one of them a key that is slow to be read (der/key.h), *why is set (R_DENIED), and
 * since OpenSSL asks nobody, its own copy of the message is spoilt: it ends the handshake with decode_error. */
void der_shown_stop_slow(int version, const void *message, size_t len, struct error *why);

/* The same for all connections of a context of somebody else's making, such as libcurl's. *why lives until
 * hands are shaken: they are not again on that connection. */
void der_shown_guard(SSL_CTX *context, struct error *why);

#endif
