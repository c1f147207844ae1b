/* SPDX-License-Identifier: Apache-2.0 */
#include "gateway/credential.h"

#include <stdlib.h>

#include "tls/stream.h"

void credential_init(struct credential *c, const struct net_stream *tls)
{
    memset(c, 0, sizeof *c);
    X509 *peer = tls_stream_peer(tls);
    if (!peer)
        return;
    (void)X509_up_ref(peer);
    c->certificate = peer;
    STACK_OF(X509) *sent = tls_stream_peer_chain(tls);
    c->sent = sent ? X509_chain_up_ref(sent) : NULL;
    pki_cert_sha256(peer, c->sha256);
    pki_cert_spki_sha256(peer, c->spki_sha256);
    (void)encode_base64url(slice_make(c->sha256, sizeof c->sha256), c->x5t);
}

void credential_done(struct credential *c)
{
    X509_free(c->certificate);
    sk_X509_pop_free(c->sent, X509_free);
    free(c->base64);
    memset(c, 0, sizeof *c);
}

const char *credential_base64(struct credential *c)
{
    if (!c->base64 && c->certificate)
        c->base64 = pki_cert_base64(c->certificate);
    return c->base64;
}
