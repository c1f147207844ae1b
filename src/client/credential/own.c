/* SPDX-License-Identifier: Apache-2.0 */
/* The device's own key and self-signed certificate: made once, since tokens are bound to them. The certificate stands
 * in key.pem too, behind the key: one that is lost comes back from there, and the tokens stay good. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/host/file.h"
#include "base/mem.h"
#include "client/credential/credential.h"
#include "pki/issue/issue.h"

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

/* Both, for the day on which certificate.pem is lost. */
static enum result keep_together(const char *path, EVP_PKEY *key, X509 *certificate, struct error *err)
{
    struct buf both;
    char *key_pem = pki_key_pem(key), *cert_pem = pki_cert_pem(certificate);
    buf_init(&both, OWN_MAX);
    enum result r = buf_append_str(&both, key_pem);
    if (r == OK)
        r = buf_append_str(&both, cert_pem);
    if (r == OK)
        r = file_write(path, buf_data(&both), 0600, err);
    buf_free(&both);
    free(cert_pem);
    mem_free_secret(key_pem, strlen(key_pem));
    return r;
}

/* R_NOTFOUND: there is none for this key. */
static enum result load_certificate(const char *path, EVP_PKEY *key, X509 **ret, struct error *err)
{
    char *pem;
    size_t len;
    enum result r = file_read(path, OWN_MAX, &pem, &len, err);
    if (r != OK)
        return r;
    r = pki_cert_read(slice_make(pem, len), ret, err) == OK ? OK : R_NOTFOUND; /* damaged is as lost */
    mem_free_secret(pem, len);
    if (r == OK && X509_check_private_key(*ret, key) != 1) {
        X509_free(*ret);
        *ret = NULL;
        r = error_set(err, R_NOTFOUND, "it belongs to another key");
    }
    return r;
}

static enum result make_certificate(EVP_PKEY *key, int64_t now, X509 **ret, struct error *err)
{
    char guid[GUID_SIZE];
    guid_new(guid);
    struct pki_request request = {.profile = PKI_DEVICE,
                                  .common_name = guid,
                                  .not_before = now - DAY, /* for clocks that are behind */
                                  .not_after = now + (int64_t)OWN_DAYS * DAY,
                                  .subject_key = key};
    return pki_issue(&request, ret, err);
}

static enum result write_certificate(const char *path, X509 *certificate, struct error *err)
{
    char *pem = pki_cert_pem(certificate);
    enum result r = file_write(path, slice_of(pem), 0600, err);
    free(pem);
    return r;
}

static enum result find_certificate(const char *path, const char *key_path, EVP_PKEY *key, int64_t now, X509 **ret,
                                    struct error *err)
{
    X509 *beside = NULL;
    enum result r = load_certificate(path, key, ret, err), kept = load_certificate(key_path, key, &beside, NULL);
    X509_free(beside);
    if (r == OK)
        return kept == OK ? OK : keep_together(key_path, key, *ret, err);
    if (r != R_NOTFOUND)
        return r;
    r = kept == OK ? load_certificate(key_path, key, ret, err) : make_certificate(key, now, ret, err);
    if (r == OK && kept != OK)
        r = keep_together(key_path, key, *ret, err);
    return r == OK ? write_certificate(path, *ret, err) : r;
}

/* A key that can't be read any more is no loss: nothing could be signed by it. */
static enum result find_key(const char *path, EVP_PKEY **ret, struct error *err)
{
    enum result r = file_exists(path) ? load_key(path, ret, err) : R_NOTFOUND;
    return r == R_NOTFOUND || r == R_INVALID ? make_key(path, ret, err) : r;
}

enum result client_credential_forget(const char *state, struct error *err)
{
    static const char *const names[] = {"key.pem", "certificate.pem"};
    enum result r = OK;
    for (size_t i = 0; i < ARRAY_LEN(names) && r == OK; i++) {
        char *path = file_join(state, names[i]);
        if (unlink(path) != 0 && errno != ENOENT)
            r = error_set(err, R_IO, "%s: %s", path, strerror(errno));
        free(path);
    }
    return r;
}

enum result client_credential_own(const char *state, int64_t now, struct client_credential *ret, struct error *err)
{
    char *key_path = file_join(state, "key.pem"), *cert_path = file_join(state, "certificate.pem");
    *ret = (struct client_credential){0};
    enum result r = find_key(key_path, &ret->key, err);
    if (r == OK)
        r = find_certificate(cert_path, key_path, ret->key, now, &ret->leaf, err);
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
