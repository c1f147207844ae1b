/* SPDX-License-Identifier: Apache-2.0 */
/* The device's own key and self-signed certificate: made once, since tokens are bound to them. */
#include <stdio.h>
#include <stdlib.h>

#include "base/file.h"
#include "base/mem.h"
#include "client/credential.h"
#include "pki/issue.h"

enum { OWN_MAX = 16 * 1024, DAY = 86400, OWN_DAYS = 3650 };

static enum result load_key(const char *path, EVP_PKEY **ret, struct error *err)
{
    char *pem = NULL;
    size_t len = 0;
    enum result r = file_check_private(path, err);
    if (r == OK)
        r = file_read(path, OWN_MAX, &pem, &len, err);
    if (r == OK)
        r = pki_key_read(slice_make(pem, len), ret, err);
    if (pem)
        mem_free_secret(pem, len);
    return r;
}

static enum result make_key(const char *path, EVP_PKEY **ret, struct error *err)
{
    EVP_PKEY *key = pki_key_new();
    char *pem = pki_key_pem(key);
    enum result r = file_write(path, slice_of(pem), 0600, err);
    mem_free_secret(pem, strlen(pem));
    if (r != OK)
        EVP_PKEY_free(key);
    else
        *ret = key;
    return r;
}

static enum result load_certificate(const char *path, EVP_PKEY *key, X509 **ret, struct error *err)
{
    char *pem;
    size_t len;
    enum result r = file_read(path, OWN_MAX, &pem, &len, err);
    if (r != OK)
        return r;
    r = pki_cert_read(slice_make(pem, len), ret, err);
    free(pem);
    if (r == OK && X509_check_private_key(*ret, key) != 1) {
        X509_free(*ret);
        *ret = NULL;
        r = error_set(err, R_NOTFOUND, "it belongs to another key");
    }
    return r;
}

static enum result make_certificate(const char *path, EVP_PKEY *key, int64_t now, X509 **ret, struct error *err)
{
    char guid[GUID_SIZE];
    guid_new(guid);
    struct pki_request request = {.profile = PKI_DEVICE,
                                  .common_name = guid,
                                  .not_before = now - DAY, /* for clocks that are behind */
                                  .not_after = now + (int64_t)OWN_DAYS * DAY,
                                  .subject_key = key};
    enum result r = pki_issue(&request, ret, err);
    if (r != OK)
        return r;
    char *pem = pki_cert_pem(*ret);
    r = file_write(path, slice_of(pem), 0600, err);
    free(pem);
    return r;
}

enum result client_credential_own(const char *state, int64_t now, struct client_credential *ret, struct error *err)
{
    char *key_path = file_join(state, "key.pem"), *cert_path = file_join(state, "certificate.pem");
    *ret = (struct client_credential){0};
    enum result r = file_exists(key_path) ? load_key(key_path, &ret->key, err) : make_key(key_path, &ret->key, err);
    if (r == OK) {
        r = load_certificate(cert_path, ret->key, &ret->leaf, err);
        if (r == R_NOTFOUND)
            r = make_certificate(cert_path, ret->key, now, &ret->leaf, err);
    }
    if (r == OK) {
        unsigned char hash[PKI_SHA256];
        pki_key_spki_sha256(ret->key, hash);
        (void)encode_hex(slice_make(hash, sizeof hash), ret->key_id);
        ret->certificate_pem = pki_cert_pem(ret->leaf);
        ret->key_pem = pki_key_pem(ret->key);
    } else {
        (void)error_prefix(err, "the device's own key");
        client_credential_free(ret);
    }
    free(cert_path);
    free(key_path);
    return r;
}
