/* SPDX-License-Identifier: Apache-2.0 */
/* Making and reading certificate signing requests with OpenSSL. */
#include "pki/issue/csr.h"

#include <openssl/err.h>
#include <openssl/pem.h>

#include "base/mem.h"
#include "der/key.h"
#include "pki/issue/names.h"
#include "pki/key/key.h"

enum { NAME_MAX_LEN = 64 }; /* RFC 5280 A.1: ub-common-name */

static bool add_names(X509_REQ *req, const char *const *hosts)
{
    if (!hosts)
        return true;
    GENERAL_NAMES *names = pki_names_new(NULL, hosts);
    STACK_OF(X509_EXTENSION) *extensions = NULL;
    bool ok = names && X509V3_add1_i2d(&extensions, NID_subject_alt_name, names, 0, X509V3_ADD_DEFAULT) == 1 &&
              X509_REQ_add_extensions(req, extensions) == 1;
    sk_X509_EXTENSION_pop_free(extensions, X509_EXTENSION_free);
    GENERAL_NAMES_free(names);
    return ok;
}

/* `common_name` NULL: an empty subject. */
static bool fill(X509_REQ *req, EVP_PKEY *key, const char *common_name, const char *const *hosts)
{
    X509_NAME *name = X509_REQ_get_subject_name(req);
    return X509_REQ_set_version(req, X509_REQ_VERSION_1) == 1 &&
           (!common_name || X509_NAME_add_entry_by_NID(name, NID_commonName, MBSTRING_UTF8,
                                                       (const unsigned char *)common_name, -1, -1, 0) == 1) &&
           X509_REQ_set_pubkey(req, key) == 1 && add_names(req, hosts) && X509_REQ_sign(req, key, EVP_sha256()) > 0;
}

static char *pem_of(X509_REQ *req)
{
    BIO *bio = BIO_new(BIO_s_mem());
    char *bytes, *text = NULL;
    if (bio && PEM_write_bio_X509_REQ(bio, req) == 1) {
        long len = BIO_get_mem_data(bio, &bytes);
        text = len > 0 ? slice_dup(slice_make(bytes, (size_t)len)) : NULL;
    }
    BIO_free(bio);
    return text;
}

static enum result make(EVP_PKEY *key, const char *common_name, const char *const *hosts, char **ret, struct error *err)
{
    *ret = NULL;
    ERR_set_mark();
    X509_REQ *req = X509_REQ_new();
    if (!req)
        fatal("pki: out of memory");
    if (fill(req, key, common_name, hosts))
        *ret = pem_of(req);
    X509_REQ_free(req);
    ERR_pop_to_mark();
    return *ret ? OK : error_set(err, R_INVALID, "the certificate request can't be made");
}

enum result pki_csr_new(EVP_PKEY *key, const char *common_name, char **ret, struct error *err)
{
    *ret = NULL;
    if (!pki_key_is_p256(key))
        return error_set(err, R_INVALID, "a request is made for a key of the curve P-256 alone");
    if (!common_name[0] || strlen(common_name) > NAME_MAX_LEN)
        return error_set(err, R_INVALID, "a common name has 1 to %d characters (RFC 5280 A.1)", NAME_MAX_LEN);
    return make(key, common_name, NULL, ret, err);
}

enum result pki_csr_for_server(EVP_PKEY *key, const char *const *hosts, char **ret, struct error *err)
{
    const char *common_name = NULL;
    for (size_t i = 0; !common_name && hosts[i]; i++)
        common_name = strlen(hosts[i]) <= NAME_MAX_LEN ? hosts[i] : NULL;
    return make(key, common_name, hosts, ret, err);
}

/* Encrypted PEM is refused, never asked about on a terminal. */
static int no_password(char *buf, int size, int rwflag, void *arg)
{
    (void)buf;
    (void)size;
    (void)rwflag;
    (void)arg;
    return -1;
}

/* A key on a curve of its maker's choice is not even read: see der/key.h. */
static X509_REQ *parse(struct slice pem)
{
    BIO *bio = BIO_new_mem_buf(pem.ptr, (int)pem.len);
    unsigned char *der = NULL;
    long len = 0;
    X509_REQ *req = NULL;
    if (!bio)
        fatal("pki: out of memory");
    bool is_pem = PEM_bytes_read_bio(&der, &len, NULL, PEM_STRING_X509_REQ, bio, no_password, NULL) == 1;
    const unsigned char *at = der;
    if (is_pem && !der_names_field(slice_make(der, (size_t)len)))
        req = d2i_X509_REQ(NULL, &at, len);
    OPENSSL_free(der);
    BIO_free(bio);
    return req;
}

static enum result take_key(X509_REQ *req, EVP_PKEY **ret, struct error *err)
{
    EVP_PKEY *key = X509_REQ_get0_pubkey(req);
    if (!pki_key_is_p256(key))
        return error_set(err, R_INVALID, "the request's key is not of the curve P-256");
    if (X509_REQ_verify(req, key) != 1)
        return error_set(err, R_DENIED, "the request is not signed by the key that it is for");
    if (EVP_PKEY_up_ref(key) != 1)
        fatal("pki: a key can't be shared");
    *ret = key;
    return OK;
}

enum result pki_csr_read(struct slice pem, EVP_PKEY **ret, struct error *err)
{
    *ret = NULL;
    if (pem.len > PKI_CSR_MAX)
        return error_set(err, R_LIMIT, "the certificate request is longer than %d bytes", PKI_CSR_MAX);
    if (pem.len == 0)
        return error_set(err, R_INVALID, "there is no certificate request");
    ERR_set_mark();
    X509_REQ *req = parse(pem);
    enum result r =
        req ? take_key(req, ret, err) : error_set(err, R_INVALID, "what came is no certificate request (PKCS#10 PEM)");
    X509_REQ_free(req);
    ERR_pop_to_mark();
    return r;
}
