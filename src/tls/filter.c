/* SPDX-License-Identifier: Apache-2.0 */
/* Life and death of a TLS connection's state, and its faults in words. */
#include "tls/filter.h"

#include <stdlib.h>

#include <openssl/err.h>

static void free_opening(struct tls_opening *o)
{
    if (!o)
        return;
    loop_timer_free(o->limit);
    buf_free(&o->hello);
    free(o);
}

static void release(struct tls_handshake *t)
{
    /* A connection that merely broke does not make its session bad: OpenSSL would forget it. */
    if (SSL_is_init_finished(t->ssl) && t->alert < 0 && !t->verify_error)
        SSL_set_shutdown(t->ssl, SSL_SENT_SHUTDOWN | SSL_RECEIVED_SHUTDOWN);
    SSL_free(t->ssl);
    tls_context_unref(t->context);
    sk_X509_pop_free(t->chain, X509_free);
    free(t->verify_error);
    free(t->sni);
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
    bool gone = t->closed;
    if (--t->busy == 0 && gone)
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
    free_opening(t->opening);
    t->opening = NULL;
    tls_bio_send(&t->ends);
    net_stream_close(t->below);
    t->below = t->ends.below = NULL;
    if (!t->busy)
        release(t);
}

void tls_filter_error(struct tls_handshake *t, struct error *ret)
{
    const char *reason = tls_openssl_reason();
    if (t->verify_error)
        (void)error_set(ret, R_DENIED, "certificate verify failed: %s", t->verify_error->text);
    else if (t->opening && t->opening->refused.code != OK)
        *ret = t->opening->refused;
    else if (t->alert >= 0)
        (void)error_set(ret, R_DENIED, "the peer ended TLS with the alert '%s' (%d)",
                        SSL_alert_desc_string_long(t->alert), t->alert);
    else if (t->opening && *t->opening->clear)
        (void)error_set(ret, R_INVALID, "what answers there speaks no TLS; it says '%s'", t->opening->clear);
    else
        (void)error_set(ret, R_INVALID, "TLS failed: %s", reason);
}
