/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What a request shows in TLS. PEM goes to libcurl as it is. A key that stays in its TPM or HSM is put into libcurl's
 * OpenSSL context; libcurl, which tells connections apart by what it was given itself, must then not use one of another
 * identity again.
 */
#include <openssl/err.h>
#include <openssl/ssl.h>
#include <string.h>

#include "digest/digest.h"
#include "pki/key/key.h"
#include "web/http_curl.h"

enum { CHAIN_MAX = 16 };

bool web_curl_is_kept(const struct web_request *r)
{
    return r->certificate_pem.ptr && pki_key_is_kept(r->key_pem);
}

void web_curl_part_identities(struct web_http *h, const struct web_request *r)
{
    unsigned char shown[PKI_SHA256] = {0};
    if (web_curl_is_kept(r))
        digest_of(r->certificate_pem, shown);
    if (memcmp(shown, h->kept, sizeof shown) != 0)
        web_curl_renew(h);
    memcpy(h->kept, shown, sizeof shown);
}

static enum result use_certificates(SSL_CTX *ctx, struct slice pem, struct error *err)
{
    STACK_OF(X509) *chain = NULL;
    enum result r = pki_cert_read_given(pem, CHAIN_MAX, &chain, err);
    bool ok = r == OK && sk_X509_num(chain) > 0 && SSL_CTX_use_certificate(ctx, sk_X509_value(chain, 0)) == 1;
    for (int i = 1; ok && i < sk_X509_num(chain); i++)
        ok = SSL_CTX_add1_chain_cert(ctx, sk_X509_value(chain, i)) == 1;
    sk_X509_pop_free(chain, X509_free);
    return ok || r != OK ? r : error_set(err, R_INVALID, "the certificate can't be shown in TLS");
}

enum result web_curl_use_kept(SSL_CTX *ctx, const struct web_request *r, struct error *err)
{
    EVP_PKEY *key = NULL;
    enum result result = use_certificates(ctx, r->certificate_pem, err);
    if (result == OK)
        result = pki_key_open_kept(r->key_pem, &key, err);
    if (result == OK && SSL_CTX_use_PrivateKey(ctx, key) != 1)
        result = error_set(err, R_INVALID, "the key is another certificate's");
    EVP_PKEY_free(key);
    ERR_clear_error();
    return result;
}
