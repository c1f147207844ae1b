/* SPDX-License-Identifier: Apache-2.0 */
/* What was shown, with its fingerprints made once; the long field Client-Cert is made when it is asked for and given
 * back at rest. Judges nothing. Of one connection, in its worker's thread. */
#include "gateway/judge/credential.h"

#include <stdio.h>
#include <stdlib.h>

#include "base/mem.h"
#include "tls/stream.h"
#include "tunnel/device.h"

static void take_shown(struct credential *c, X509 *peer, STACK_OF(X509) * sent)
{
    memset(c, 0, sizeof *c);
    (void)X509_up_ref(peer);
    c->certificate = peer;
    c->sent = sent ? X509_chain_up_ref(sent) : NULL;
    pki_cert_sha256(peer, c->sha256);
    pki_cert_spki_sha256(peer, c->spki_sha256);
    (void)encode_hex(slice_make(c->sha256, sizeof c->sha256), c->sha256_hex);
    (void)encode_hex(slice_make(c->spki_sha256, sizeof c->spki_sha256), c->spki_hex);
    (void)encode_base64url(slice_make(c->sha256, sizeof c->sha256), c->x5t);
}

void credential_init(struct credential *c, const struct net_stream *tls)
{
    X509 *peer = tls_stream_peer(tls);
    if (peer)
        take_shown(c, peer, tls_stream_peer_chain(tls));
    else
        memset(c, 0, sizeof *c);
}

void credential_init_chain(struct credential *c, STACK_OF(X509) * chain)
{
    take_shown(c, sk_X509_value(chain, 0), chain);
}

void credential_done(struct credential *c)
{
    X509_free(c->certificate);
    sk_X509_pop_free(c->sent, X509_free);
    free((char *)(uintptr_t)c->field.ptr);
    free(c->refused);
    memset(c, 0, sizeof *c);
}

size_t credential_size(const struct credential *c)
{
    size_t ret = 0;
    for (int i = 0; i < sk_X509_num(c->sent); i++)
        ret += (size_t)i2d_X509(sk_X509_value(c->sent, i), NULL);
    return ret;
}

void credential_rest(struct credential *c)
{
    if (!c->used) {
        free((char *)(uintptr_t)c->field.ptr);
        c->field = SLICE_NONE;
    }
    c->used = false;
}

struct slice credential_field(struct credential *c)
{
    c->used = true;
    if (c->field.ptr || !c->certificate)
        return c->field;
    char *base64 = pki_cert_base64(c->certificate);
    size_t len = strlen(base64) + 2;
    char *text = mem_array(len + 1, 1), *marked = mem_array(len, 1);
    (void)snprintf(text, len + 1, ":%s:", base64);
    tunnel_device_mark(slice_make(text, len), marked);
    free(base64);
    free(text);
    c->field = slice_make(marked, len);
    return c->field;
}
