/* SPDX-License-Identifier: Apache-2.0 */
/* What is asked of a certificate inside the handshake, before its key proves itself. */
#ifndef PKI_PEER_H
#define PKI_PEER_H

#include <openssl/x509.h>

#include "base/error.h"

/* A tls_verify_fn for servers that ask for certificates and judge them later: R_DENIED for a key with which verifying
 * that proof takes long (RSA beyond pki/cert/strength.h); the peer gets an alert then. Everything else passes, to be
 * judged with an answer in words. */
MUST_USE enum result pki_peer_bearable(void *arg, X509 *leaf, STACK_OF(X509) * sent, struct error *err);

#endif
