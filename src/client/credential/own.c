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
#include "pki/key/key.h"

enum { OWN_MAX = 16 * 1024, DAY = 86400, OWN_DAYS = 3650 };

static enum result make_key(const char *path, EVP_PKEY **ret, char **ret_text, struct error *err)
{
    EVP_PKEY *key = pki_key_new();
    char *pem = pki_key_pem(key);
    enum result r = file_write(path, slice_of(pem), 0600, err);
    if (r == OK) {
        *ret = key;
        *ret_text = pem;
        return OK;
    }
    mem_free_secret(pem, strlen(pem));
    EVP_PKEY_free(key);
    return r;
}

/* Both, for the day on which certificate.pem is lost. */
static enum result keep_together(const char *path, const char *key_text, X509 *certificate, struct error *err)
{
    struct buf both;
    char *cert_pem = pki_cert_pem(certificate);
    size_t len = strlen(key_text);
    buf_init_secret(&both, OWN_MAX);
    enum result r = buf_printf(&both, "%s%s%s", key_text, len && key_text[len - 1] == '\n' ? "" : "\n", cert_pem);
    if (r == OK)
        r = file_write(path, buf_data(&both), 0600, err);
    buf_free(&both);
    free(cert_pem);
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

static enum result find_certificate(const char *path, const char *key_path, const struct client_credential *own,
                                    int64_t now, X509 **ret, struct error *err)
{
    X509 *beside = NULL;
    enum result r = load_certificate(path, own->key, ret, err),
                kept = load_certificate(key_path, own->key, &beside, NULL);
    X509_free(beside);
    if (r == OK)
        return kept == OK ? OK : keep_together(key_path, own->key_pem, *ret, err);
    if (r != R_NOTFOUND)
        return r;
    r = kept == OK ? load_certificate(key_path, own->key, ret, err) : make_certificate(own->key, now, ret, err);
    if (r == OK && kept != OK)
        r = keep_together(key_path, own->key_pem, *ret, err);
    return r == OK ? write_certificate(path, *ret, err) : r;
}

static enum result take_kept(const char *kept, EVP_PKEY **ret, char **ret_text, struct error *err)
{
    enum result r = pki_key_take(kept, ret, ret_text, err);
    if (r != OK || pki_key_is_p256(*ret))
        return r;
    (void)error_set(err, R_INVALID, "%s is not of the curve P-256", kept);
    error_remedy(err, "make one of P-256 for DeviceKey: the tokens are signed for it by ES256");
    return R_INVALID;
}

/* One that can't be read any more is no loss: nothing could be signed by it. A TPM that does not answer is neither of
 * these faults: its key comes back. */
static enum result find_key(const char *path, const char *kept, EVP_PKEY **ret, char **ret_text, struct error *err)
{
    if (kept)
        return take_kept(kept, ret, ret_text, err);
    enum result r = file_exists(path) ? pki_key_take(path, ret, ret_text, err) : R_NOTFOUND;
    return r == R_NOTFOUND || r == R_INVALID ? make_key(path, ret, ret_text, err) : r;
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

enum result client_credential_own(const char *state, const char *kept, int64_t now, struct client_credential *ret,
                                  struct error *err)
{
    char *key_path = file_join(state, "key.pem"), *cert_path = file_join(state, "certificate.pem");
    *ret = (struct client_credential){0};
    enum result r = find_key(key_path, kept, &ret->key, &ret->key_pem, err);
    if (r == OK)
        r = find_certificate(cert_path, key_path, ret, now, &ret->leaf, err);
    if (r == OK) {
        unsigned char hash[PKI_SHA256];
        pki_key_spki_sha256(ret->key, hash);
        (void)encode_hex(slice_make(hash, sizeof hash), ret->key_id);
        ret->certificate_pem = pki_cert_pem(ret->leaf);
    } else {
        (void)error_prefix(err, "the device's own key");
        client_credential_free(ret);
    }
    free(cert_path);
    free(key_path);
    return r;
}
