/* SPDX-License-Identifier: Apache-2.0 */
/* Notes while OpenSSL verifies, and changes nothing of it. */
#include "der/judged.h"

#include <stdio.h>

#include "base/utf8.h"

void der_name_text(const X509_NAME *name, char ret[DER_NAME_SIZE])
{
    BIO *bio = BIO_new(BIO_s_mem());
    char *text = NULL;
    long len = 0;
    if (bio && X509_NAME_print_ex(bio, name, 0, XN_FLAG_RFC2253 & ~ASN1_STRFLGS_ESC_MSB) >= 0)
        len = BIO_get_mem_data(bio, &text);
    utf8_escape(slice_make(text, len > 0 ? (size_t)len : 0), ret, DER_NAME_SIZE);
    BIO_free(bio);
}

static int on_verify(int ok, X509_STORE_CTX *store)
{
    SSL *ssl = X509_STORE_CTX_get_ex_data(store, SSL_get_ex_data_X509_STORE_CTX_idx());
    struct der_judged *j = ssl ? SSL_CTX_get_app_data(SSL_get_SSL_CTX(ssl)) : NULL;
    X509 *cert = X509_STORE_CTX_get_current_cert(store);
    char subject[DER_NAME_SIZE], issuer[DER_NAME_SIZE];
    if (!j || !cert)
        return ok;
    der_name_text(X509_get_subject_name(cert), subject);
    der_name_text(X509_get_issuer_name(cert), issuer);
    if (!ok)
        (void)snprintf(j->fault, sizeof j->fault, "%s (certificate of '%s', issued by '%s')",
                       X509_verify_cert_error_string(X509_STORE_CTX_get_error(store)), subject, issuer);
    else if (X509_STORE_CTX_get_error_depth(store) == 0)
        memcpy(j->issuer, issuer, sizeof issuer);
    return ok;
}

void der_judged_note(SSL_CTX *context, struct der_judged *ret)
{
    SSL_CTX_set_app_data(context, ret);
    SSL_CTX_set_verify(context, SSL_CTX_get_verify_mode(context), on_verify);
}

void der_judged_text(const struct der_judged *j, const char *what, char ret[DER_JUDGED_SIZE])
{
    if (j->fault[0])
        (void)snprintf(ret, DER_JUDGED_SIZE, "%s", j->fault);
    else if (j->issuer[0])
        (void)snprintf(ret, DER_JUDGED_SIZE, "%.280s (certificate issued by '%s')", what, j->issuer);
    else
        (void)snprintf(ret, DER_JUDGED_SIZE, "%.280s", what);
}
