/* SPDX-License-Identifier: Apache-2.0 */
/* Tells what a file is by its first bytes before OpenSSL is asked, so that a wrong form is named. Reads files, opens no
 * connection. */
#include "tls/identity_file.h"

#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/pkcs12.h>
#include <stdlib.h>
#include <sys/stat.h>

#include "base/host/file.h"
#include "base/host/line.h"
#include "base/mem.h"

/* For OpenSSL: what is encrypted can't be read, and nobody is asked on a terminal. */
#define NO_PASS_PHRASE ((void *)(uintptr_t) "")

enum { FILE_MAX = 256 * 1024 };

/* --- what a file is --- */

/* Text in it that says what it is, and what to do then; %s: the file. */
struct form {
    const char *begin;
    const char *words;
};
static const struct form wrong_certificates[] = {
    {"-----BEGIN PKCS7-----", "is a PKCS#7 file (.p7b): openssl pkcs7 -print_certs -in %s -out NEW.pem"},
    {"-----BEGIN CERTIFICATE REQUEST-----", "%s is a certificate request: give the certificate that the CA made of it"},
    {"-----BEGIN NEW CERTIFICATE REQUEST-----",
     "%s is a certificate request: give the certificate that the CA made of it"},
    {"PRIVATE KEY-----", "%s holds a private key and no certificate"},
};
static const struct form wrong_keys[] = {
    {"-----BEGIN ENCRYPTED PRIVATE KEY-----", "is an encrypted key: openssl pkey -in %s -out NEW.key (mode 0600)"},
    {"Proc-Type: 4,ENCRYPTED", "is an encrypted key: openssl pkey -in %s -out NEW.key (mode 0600)"},
    {"-----BEGIN OPENSSH PRIVATE KEY-----",
     "is a key of OpenSSH: ssh-keygen -p -m PEM -f %s (it writes the same file)"},
    {"PuTTY-User-Key-File", "%s is a key of PuTTY's, which no certificate is made for"},
    {"PUBLIC KEY-----", "%s holds a public key: the private one is wanted"},
    {"-----BEGIN CERTIFICATE-----", "%s holds a certificate and no private key"},
};

static bool holds(struct slice data, const char *text)
{
    return data.ptr && data.len && memmem(data.ptr, data.len, text, strlen(text));
}

static enum result refuse(const char *file, const char *words, struct error *err)
{
    char text[ERROR_TEXT_MAX];
    (void)snprintf(text, sizeof text, words, file);
    return error_set(err, R_INVALID, "%s", text);
}

static enum result find_form(const char *file, struct slice data, const struct form *list, size_t count,
                             struct error *err)
{
    for (size_t i = 0; i < count; i++) {
        if (holds(data, list[i].begin))
            return refuse(file, list[i].words, err);
    }
    return OK;
}

typedef bool der_fn(struct slice data);

static bool is_der_certificate(struct slice data)
{
    const unsigned char *at = (const unsigned char *)data.ptr;
    X509 *x = d2i_X509(NULL, &at, (long)data.len);
    X509_free(x);
    return x != NULL;
}

static bool is_der_pkcs7(struct slice data)
{
    const unsigned char *at = (const unsigned char *)data.ptr;
    PKCS7 *p = d2i_PKCS7(NULL, &at, (long)data.len);
    PKCS7_free(p);
    return p != NULL;
}

static bool is_der_key(struct slice data)
{
    const unsigned char *at = (const unsigned char *)data.ptr;
    EVP_PKEY *k = d2i_AutoPrivateKey(NULL, &at, (long)data.len);
    EVP_PKEY_free(k);
    return k != NULL;
}

static bool is_java_store(struct slice data)
{
    return data.len >= 4 && memcmp(data.ptr, "\xfe\xed\xfe\xed", 4) == 0;
}

/* What holds for both files. */
static enum result refuse_binary(const char *file, struct slice data, struct error *err)
{
    static const struct {
        der_fn *is;
        const char *words;
    } forms[] = {
        {is_java_store, "is a Java key store: keytool -importkeystore -srckeystore %s -deststoretype PKCS12 "
                        "-destkeystore NEW.p12"},
        {is_der_certificate, "is a certificate in DER: openssl x509 -inform DER -in %s -out NEW.pem"},
        {is_der_pkcs7, "is a PKCS#7 file (.p7b): openssl pkcs7 -inform DER -print_certs -in %s -out NEW.pem"},
        {is_der_key, "is a key in DER: openssl pkey -inform DER -in %s -out NEW.key"},
    };
    enum result r = data.len ? OK : refuse(file, "%s is empty", err);
    for (size_t i = 0; r == OK && i < ARRAY_LEN(forms); i++) {
        if (forms[i].is(data))
            r = refuse(file, forms[i].words, err);
    }
    ERR_clear_error();
    return r;
}

/* --- PKCS#12: in OpenSSL's own context, for that of TLS knows none of its ciphers --- */

static PKCS12 *read_pkcs12(struct slice data)
{
    BIO *bio = BIO_new_mem_buf(data.ptr, (int)data.len);
    if (!bio)
        fatal("OpenSSL: out of memory");
    PKCS12 *read = d2i_PKCS12_bio(bio, NULL);
    BIO_free(bio);
    ERR_clear_error();
    return read;
}

static char *take_pem(BIO *bio, size_t *ret_len)
{
    char *text;
    long len = BIO_get_mem_data(bio, &text);
    char *ret = mem_zalloc((size_t)len + 1);
    memcpy(ret, text, (size_t)len);
    *ret_len = (size_t)len;
    BIO_free(bio);
    return ret;
}

static void write_pem(X509 *leaf, const STACK_OF(X509) * others, EVP_PKEY *key, struct tls_identity_text *ret)
{
    BIO *certificates = BIO_new(BIO_s_mem()), *secret = BIO_new(BIO_s_secmem());
    if (!certificates || !secret || PEM_write_bio_X509(certificates, leaf) != 1 ||
        PEM_write_bio_PKCS8PrivateKey(secret, key, NULL, NULL, 0, NULL, NULL) != 1)
        fatal("OpenSSL: out of memory");
    for (int i = 0; i < sk_X509_num(others); i++)
        (void)PEM_write_bio_X509(certificates, sk_X509_value(others, i));
    ret->certificate = take_pem(certificates, &ret->certificate_len);
    ret->key = take_pem(secret, &ret->key_len);
}

static enum result unpack(PKCS12 *p, const struct tls_identity_files *files, const char *password,
                          struct tls_identity_text *ret, struct error *err)
{
    X509 *leaf = NULL;
    EVP_PKEY *key = NULL;
    STACK_OF(X509) *others = NULL;
    enum result r = OK;
    if (PKCS12_mac_present(p) && PKCS12_verify_mac(p, password, -1) != 1 &&
        (password || PKCS12_verify_mac(p, "", 0) != 1))
        r = refuse(files->certificate,
                   password ? "the password in password_file is not that of %s"
                            : "%s has a password: write it into a file of mode 0600 and name that as password_file",
                   err);
    else if (PKCS12_parse(p, password, &key, &leaf, &others) != 1)
        r = refuse(files->certificate,
                   "is encrypted as Windows and OpenSSL 1 did it (RC2, 40 bits), which is not taken: openssl pkcs12 "
                   "-legacy -nodes -in %s -out NEW.pem (mode 0600), and name that as certificate and as key",
                   err);
    else if (!leaf || !key)
        r = refuse(files->certificate, "%s holds no private key with its certificate: export it with its key", err);
    else
        write_pem(leaf, others, key, ret);
    ERR_clear_error();
    X509_free(leaf);
    EVP_PKEY_free(key);
    sk_X509_pop_free(others, X509_free);
    return r;
}

static enum result from_pkcs12(PKCS12 *p, const struct tls_identity_files *files, struct tls_identity_text *ret,
                               struct error *err)
{
    char *password = NULL;
    size_t len = 0;
    enum result r = file_check_private(files->certificate, err); /* the key is in it */
    if (r == OK && files->password_file)
        r = file_check_private(files->password_file, err);
    if (r == OK && files->password_file)
        r = line_read_password(files->password_file, &password, &len, err);
    if (r == OK)
        r = unpack(p, files, password, ret, err);
    mem_free_secret(password, len);
    return r;
}

/* --- PEM --- */

/* Does the key belong to a certificate of this PEM, and is that the first one? */
static enum result check_pair(const struct tls_identity_files *files, const struct tls_identity_text *t,
                              struct error *err)
{
    BIO *certificates = BIO_new_mem_buf(t->certificate, (int)t->certificate_len),
        *secret = BIO_new_mem_buf(t->key, (int)t->key_len);
    if (!certificates || !secret)
        fatal("OpenSSL: out of memory");
    EVP_PKEY *key = PEM_read_bio_PrivateKey(secret, NULL, NULL, NO_PASS_PHRASE);
    size_t at = 0, found = SIZE_MAX;
    for (X509 *x; key && (x = PEM_read_bio_X509(certificates, NULL, NULL, NO_PASS_PHRASE)); at++) {
        if (found == SIZE_MAX && X509_check_private_key(x, key) == 1)
            found = at;
        X509_free(x);
    }
    ERR_clear_error();
    BIO_free(certificates);
    BIO_free(secret);
    EVP_PKEY_free(key);
    if (!key || at == 0 || found == 0)
        return OK; /* what can't be read is told by who uses it */
    if (found == SIZE_MAX)
        return error_set(err, R_INVALID, "the key in %s is another certificate's", files->key);
    return error_set(err, R_INVALID,
                     "the key in %s belongs to certificate %zu of the file: put that first, its issuers behind it",
                     files->key, found + 1);
}

static enum result read_key(const struct tls_identity_files *files, struct tls_identity_text *ret, struct error *err)
{
    if (!files->key)
        return refuse(files->certificate, "%s is no PKCS#12: name the file of its private key as key", err);
    enum result r = file_check_private(files->key, err);
    if (r == OK)
        r = file_read_text(files->key, FILE_MAX, &ret->key, &ret->key_len, err);
    struct slice data = slice_make(ret->key, ret->key_len);
    if (r == OK)
        r = refuse_binary(files->key, data, err);
    if (r == OK && (!holds(data, "PRIVATE KEY-----") || holds(data, "ENCRYPTED") || holds(data, "OPENSSH")))
        r = find_form(files->key, data, wrong_keys, ARRAY_LEN(wrong_keys), err);
    return r;
}

static enum result from_pem(const struct tls_identity_files *files, struct tls_identity_text *ret, struct error *err)
{
    struct slice data = slice_make(ret->certificate, ret->certificate_len);
    enum result r = refuse_binary(files->certificate, data, err);
    if (r == OK && !holds(data, "CERTIFICATE-----"))
        r = find_form(files->certificate, data, wrong_certificates, ARRAY_LEN(wrong_certificates), err);
    if (r == OK && holds(data, "CERTIFICATE REQUEST-----") && !holds(data, "BEGIN CERTIFICATE-----"))
        r = find_form(files->certificate, data, wrong_certificates, ARRAY_LEN(wrong_certificates), err);
    return r == OK ? read_key(files, ret, err) : r;
}

enum result tls_identity_take(const struct tls_identity_files *files, struct tls_identity_text *ret, struct error *err)
{
    *ret = (struct tls_identity_text){0};
    enum result r = file_read_text(files->certificate, FILE_MAX, &ret->certificate, &ret->certificate_len, err);
    if (r != OK)
        return r;
    PKCS12 *p = read_pkcs12(slice_make(ret->certificate, ret->certificate_len));
    if (!p)
        return from_pem(files, ret, err);
    tls_identity_text_free(ret);
    r = from_pkcs12(p, files, ret, err);
    PKCS12_free(p);
    return r;
}

enum result tls_identity_read(const struct tls_identity_files *files, struct tls_identity_text *ret, struct error *err)
{
    enum result r = tls_identity_take(files, ret, err);
    return r == OK ? check_pair(files, ret, err) : r;
}

void tls_identity_text_free(struct tls_identity_text *t)
{
    free(t->certificate);
    mem_free_secret(t->key, t->key_len);
    *t = (struct tls_identity_text){0};
}

struct tls_identity tls_identity_of(const struct tls_identity_text *t)
{
    return (struct tls_identity){slice_make(t->certificate, t->certificate_len), slice_make(t->key, t->key_len)};
}

bool tls_identity_changed(struct tls_identity_look *look, const struct tls_identity_files *files)
{
    const char *const paths[] = {files->certificate, files->key, files->password_file};
    struct tls_identity_look now = {0};
    bool same = true;
    for (size_t i = 0; i < ARRAY_LEN(paths); i++) {
        struct stat st;
        if (paths[i] && stat(paths[i], &st) == 0) {
            now.files[i].inode = st.st_ino;
            now.files[i].size = st.st_size;
            now.files[i].changed = st.st_mtim;
        }
        same = same && now.files[i].inode == look->files[i].inode && now.files[i].size == look->files[i].size &&
               now.files[i].changed.tv_sec == look->files[i].changed.tv_sec &&
               now.files[i].changed.tv_nsec == look->files[i].changed.tv_nsec;
    }
    *look = now;
    return !same;
}
