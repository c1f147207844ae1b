/* SPDX-License-Identifier: Apache-2.0 */
/* Judging the peer's certificate inside the handshake. */
#include "tls/verify.h"

#include <openssl/x509v3.h>

#include "base/buf.h"
#include "base/clock.h"
#include "der/judged.h"
#include "tls/context_internal.h"

enum { NAMES_SHOWN = 4 };

/* "a.example, b.example": the DNS names of a certificate. They came over the wire: controls are left out. */
static void dns_names(X509 *cert, char *ret, size_t size)
{
    GENERAL_NAMES *names = X509_get_ext_d2i(cert, NID_subject_alt_name, NULL, NULL);
    size_t len = 0;
    int shown = 0;
    for (int i = 0; i < sk_GENERAL_NAME_num(names) && shown < NAMES_SHOWN; i++) {
        const GENERAL_NAME *n = sk_GENERAL_NAME_value(names, i);
        if (n->type != GEN_DNS)
            continue;
        const char *sep = shown++ ? ", " : "";
        for (; *sep && len + 1 < size; sep++)
            ret[len++] = *sep;
        const unsigned char *text = ASN1_STRING_get0_data(n->d.dNSName);
        for (int c = 0; c < ASN1_STRING_length(n->d.dNSName) && len + 1 < size; c++)
            ret[len++] = text[c] > ' ' && text[c] < 0x7f ? (char)text[c] : '?';
    }
    ret[len] = '\0';
    GENERAL_NAMES_free(names);
}

static void explain(X509_STORE_CTX *store, SSL *ssl, struct error *ret)
{
    int code = X509_STORE_CTX_get_error(store);
    X509 *cert = X509_STORE_CTX_get_current_cert(store);
    const char *what = X509_verify_cert_error_string(code);
    char subject[DER_NAME_SIZE] = "", issuer[DER_NAME_SIZE] = "", names[DER_NAME_SIZE] = "", here[CLOCK_TEXT_SIZE];
    if (!cert)
        cert = X509_STORE_CTX_get0_cert(store);
    der_name_text(X509_get_subject_name(cert), subject);
    der_name_text(X509_get_issuer_name(cert), issuer);
    if (code == X509_V_ERR_HOSTNAME_MISMATCH) {
        const char *wanted = SSL_get_servername(ssl, TLSEXT_NAMETYPE_host_name);
        dns_names(cert, names, sizeof names);
        (void)error_set(ret, R_DENIED, "%s: expected %s, the certificate is for: %s (issued by '%s')", what,
                        wanted ? wanted : "another", names[0] ? names : "no DNS name", issuer);
        return;
    }
    if (code == X509_V_ERR_CERT_NOT_YET_VALID || code == X509_V_ERR_CERT_HAS_EXPIRED) {
        clock_rfc3339(clock_wall_s(), here);
        (void)error_set(ret, R_DENIED,
                        "%s by this machine's clock, where it is %s (certificate of '%s', issued by '%s')", what, here,
                        subject, issuer);
        return;
    }
    (void)error_set(ret, R_DENIED, "%s (certificate of '%s', issued by '%s')", what, subject, issuer);
}

/* --- DER --- */

/* What OpenSSL read as BER is shorter when it writes it in DER. One certificate has one form (RFC 8446 4.4.2), and one
 * fingerprint. */
static bool is_der(X509_STORE_CTX *store, SSL *ssl)
{
    STACK_OF(X509) *sent = X509_STORE_CTX_get0_untrusted(store);
    size_t came = tls_stream_certificates_len(ssl), len = 0;
    for (int i = 0; i < sk_X509_num(sent); i++)
        len += (size_t)i2d_X509(sk_X509_value(sent, i), NULL);
    return came == 0 || len == came;
}

/* --- the verdict --- */

/* The alert is bad_certificate. */
static int refuse(X509_STORE_CTX *store, SSL *ssl, const struct error *why)
{
    X509_STORE_CTX_set_error(store, X509_V_ERR_CERT_REJECTED);
    *tls_stream_verify_error(ssl) = *why;
    return 0;
}

int tls_verify(X509_STORE_CTX *store, void *context)
{
    const struct tls_context *c = context;
    SSL *ssl = X509_STORE_CTX_get_ex_data(store, SSL_get_ex_data_X509_STORE_CTX_idx());
    struct error why = {OK, ""};
    if (c->is_server && !is_der(store, ssl)) {
        (void)error_set(&why, R_DENIED, "a certificate is not encoded in DER (RFC 8446 4.4.2)");
        return refuse(store, ssl, &why);
    }
    if (c->verify) {
        X509 *leaf = X509_STORE_CTX_get0_cert(store);
        return c->verify(c->verify_arg, leaf, X509_STORE_CTX_get0_untrusted(store), &why) == OK ||
               refuse(store, ssl, &why);
    }
    if (c->is_server || X509_verify_cert(store) == 1)
        return 1;
    explain(store, ssl, &why); /* the alert is OpenSSL's for what it found */
    *tls_stream_verify_error(ssl) = why;
    return 0;
}
