/* SPDX-License-Identifier: Apache-2.0 */
/* What a client proved in the handshake: possession of a certificate's key, or nothing. */
#ifndef GATEWAY_JUDGE_CREDENTIAL_H
#define GATEWAY_JUDGE_CREDENTIAL_H

#include "jose/token.h"
#include "net/stream.h"
#include "pki/cert/cert.h"

struct credential {
    X509 *certificate;     /* NULL: none was shown. Own reference */
    STACK_OF(X509) * sent; /* what came with it; own references; may be NULL */
    unsigned char sha256[PKI_SHA256], spki_sha256[PKI_SHA256];
    char x5t[TOKEN_X5T_SIZE]; /* base64url of sha256 */
    char sha256_hex[PKI_HASH_HEX], spki_hex[PKI_HASH_HEX];
    struct slice field; /* made when asked for */
    bool used;          /* asked for since the last rest */

    /* The verdict on it and on what came with it, when it was a refusal: another connection may bring a better chain.
     * Own; NULL: none yet. */
    struct pki_verdict *refused;
    uint64_t refused_generation;
};

void credential_init(struct credential *c, const struct net_stream *tls);
/* As if this chain (leaf first; not empty) had been shown. */
void credential_init_chain(struct credential *c, STACK_OF(X509) * chain);
void credential_done(struct credential *c);
size_t credential_size(const struct credential *c); /* bytes of what was shown */
/* ":<base64 DER>:" (RFC 9440), marked for the tunnel (tunnel/device.h), until the second rest from now; SLICE_NONE
 * without a certificate. */
struct slice credential_field(struct credential *c);
/* From time to time: gives back what was not asked for since the last call. */
void credential_rest(struct credential *c);

#endif
