/* SPDX-License-Identifier: Apache-2.0 */
#include "tls/filter.h"

#include <stdlib.h>

#include <openssl/err.h>

static void release(struct tls_handshake *t)
{
    SSL_free(t->ssl);
    tls_context_unref(t->context);
    buf_free(&t->ends.out);
    buf_free(&t->hello);
    buf_free(&t->plain);
    buf_free(&t->pending);
    free(t);
}

void tls_filter_enter(struct tls_handshake *t)
{
    t->busy++;
}

bool tls_filter_leave(struct tls_handshake *t)
{
    bool gone = --t->busy == 0 && t->closed;
    if (gone)
        release(t);
    return !gone;
}

void tls_filter_close(struct tls_handshake *t)
{
    if (t->closed)
        return;
    t->closed = true;
    loop_defer_cancel(&t->flush);
    loop_defer_cancel(&t->restart);
    loop_timer_free(t->limit);
    t->limit = NULL;
    net_stream_close(t->below);
    t->below = NULL;
    if (!t->busy)
        release(t);
}

void tls_filter_send(struct tls_handshake *t)
{
    if (!t->below || buf_len(&t->ends.out) == 0)
        return;
    net_stream_write(t->below, buf_data(&t->ends.out));
    buf_consume(&t->ends.out, buf_len(&t->ends.out));
}

/* The judge of OpenSSL's own: which certificate, and whose it would have to be. */
static bool verify_text(struct tls_handshake *t, struct error *ret)
{
    long code = SSL_get_verify_result(t->ssl);
    char issuer[200] = "";
    X509 *peer = SSL_get0_peer_certificate(t->ssl);
    if (code == X509_V_OK)
        return false;
    if (peer)
        (void)X509_NAME_oneline(X509_get_issuer_name(peer), issuer, sizeof issuer);
    (void)error_set(ret, R_DENIED, "the peer's certificate is not accepted: %s%s%s%s",
                    X509_verify_cert_error_string(code), issuer[0] ? " (issued by " : "", issuer, issuer[0] ? ")" : "");
    return true;
}

void tls_filter_error(struct tls_handshake *t, struct error *ret)
{
    const char *reason = tls_openssl_reason();
    if (t->verify_error.text[0])
        (void)error_set(ret, R_DENIED, "the peer's certificate is not accepted: %s", t->verify_error.text);
    else if (verify_text(t, ret))
        return;
    else if (t->alert >= 0)
        (void)error_set(ret, R_DENIED, "the peer ended TLS with the alert '%s' (%d)",
                        SSL_alert_desc_string_long(t->alert), t->alert);
    else
        (void)error_set(ret, R_INVALID, "TLS failed: %s", reason);
}
