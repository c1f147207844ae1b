/* SPDX-License-Identifier: Apache-2.0 */
/* Which provider reads a key is told by how its text begins; OpenSSL's words about a failure become ours. */
#include "pki/key/key.h"

#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/provider.h>
#include <openssl/store.h>
#include <openssl/ui.h>
#include <openssl/x509.h>
#include <stdlib.h>
#include <string.h>

#include "base/host/file.h"
#include "base/mem.h"
#include "pki/cert/cert.h"
#include "pki/key/provider.h"

enum { TEXT_MAX = 256 * 1024 };

static const struct kept {
    const char *begin;
    bool is_uri;
    enum pki_key_provider provider;
} forms[] = {
    {"handle:", true, PKI_KEY_TPM2},
    {"object:", true, PKI_KEY_TPM2},
    {"pkcs11:", true, PKI_KEY_PKCS11},
    {"-----BEGIN TSS2 PRIVATE KEY-----", false, PKI_KEY_TPM2},
};

/* Without what an editor leaves around it: line ends, too. */
static struct slice bare(struct slice text)
{
    while (text.len && (unsigned char)text.ptr[0] <= ' ')
        text = slice_skip(text, 1);
    while (text.len && (unsigned char)text.ptr[text.len - 1] <= ' ')
        text.len--;
    return text;
}

/* A URI stands in front; a PEM may have certificates before it, too. */
static const struct kept *form_of(struct slice text)
{
    for (size_t i = 0; i < ARRAY_LEN(forms); i++) {
        struct slice begin = slice_of(forms[i].begin);
        if (forms[i].is_uri ? slice_starts(text, begin) : slice_find_slice(text, begin) != SIZE_MAX)
            return &forms[i];
    }
    return NULL;
}

bool pki_key_is_uri(struct slice text)
{
    const struct kept *form = form_of(text);
    return form && form->is_uri;
}

bool pki_key_is_kept(struct slice text)
{
    return form_of(bare(text)) != NULL;
}

/* --- URIs --- */

enum result pki_key_check_uri(struct slice uri, struct error *err)
{
    if (uri.len > PKI_KEY_URI_MAX)
        return error_set(err, R_LIMIT, "a key's URI is longer than %d bytes", PKI_KEY_URI_MAX);
    for (size_t i = 0; i < uri.len; i++) {
        if (uri.ptr[i] <= ' ' || uri.ptr[i] > '~')
            return error_set(err, R_INVALID,
                             "a key's URI has a blank or another character that is none of a URI's "
                             "(RFC 7512 writes it as %%20)");
    }
    if (slice_find_slice(uri, SLICE("pin-value=")) == SIZE_MAX)
        return OK;
    (void)error_set(err, R_INVALID, "a key's URI holds the PIN, which everybody who sees the setting would know");
    error_remedy(err, "write the PIN into a file of mode 0600, and pin-source=file:/PATH instead of pin-value");
    return R_INVALID;
}

/* The file that RFC 7512's pin-source names is its owner's alone. */
static enum result check_pin_file(struct slice uri, struct error *err)
{
    static const char attribute[] = "pin-source=";
    size_t at = slice_find_slice(uri, slice_of(attribute));
    if (at == SIZE_MAX)
        return OK;
    struct slice rest = slice_skip(uri, at + strlen(attribute)), path = slice_cut(&rest, '&');
    if (slice_starts(path, SLICE("file://")))
        path = slice_skip(path, strlen("file://"));
    else if (slice_starts(path, SLICE("file:")))
        path = slice_skip(path, strlen("file:"));
    if (!slice_starts(path, SLICE("/")))
        return error_set(err, R_INVALID, "the pin-source of a key's URI is no file: write pin-source=file:/PATH");
    char *file = slice_dup(path);
    enum result r = file_exists(file) ? file_check_private(file, err)
                                      : error_set(err, R_IO, "%s: the file of the PIN is not there", file);
    free(file);
    return r;
}

/* --- reading --- */

static const struct {
    const char *words; /* in what OpenSSL or the provider says */
    enum result code;
    const char *what, *remedy;
} failures[] = {
    {"auth", R_DENIED, "the TPM's key wants a password",
     "make the key without one: what protects it here is that it can't leave the TPM"},
    {"calling stat(pkcs11:", R_IO, "the provider pkcs11 does not reach the HSM",
     "name the HSM's module in PKCS11_PROVIDER_MODULE, or as pkcs11-module-path in /etc/ssl/openssl.cnf"},
};

/* What OpenSSL says when the loaders that don't know a URI were asked, too. */
static const char *const noise[] = {"calling stat(", "unregistered scheme", "unsupported"};

static bool is_noise(const char *line)
{
    for (size_t i = 0; i < ARRAY_LEN(noise); i++) {
        if (strstr(line, noise[i]))
            return true;
    }
    return false;
}

static enum result explain_known(const char *line, struct error *err)
{
    for (size_t i = 0; i < ARRAY_LEN(failures); i++) {
        if (!strstr(line, failures[i].words))
            continue;
        (void)error_set(err, failures[i].code, "%s", failures[i].what);
        error_remedy(err, failures[i].remedy);
        return failures[i].code;
    }
    return OK;
}

/* From the queue, which is emptied: the first complaint that says something to people. The provider pkcs11 has none. */
static enum result explain(const struct kept *form, struct error *err)
{
    char line[256], said[256] = "";
    const char *data;
    int flags;
    enum result known = OK;
    for (unsigned long code; (code = ERR_get_error_all(NULL, NULL, NULL, &data, &flags));) {
        const char *reason = ERR_reason_error_string(code);
        (void)snprintf(line, sizeof line, "%s%s%s", reason ? reason : "", reason && *data ? ": " : "",
                       flags & ERR_TXT_STRING ? data : "");
        if (known == OK)
            known = explain_known(line, err);
        if (!*said && !is_noise(line))
            (void)snprintf(said, sizeof said, " (%s)", line);
    }
    if (known != OK)
        return known;
    bool pkcs11 = form->provider == PKI_KEY_PKCS11;
    (void)error_set(err, R_IO, "there is no such private key%s%s", pkcs11 ? ", or the PIN is not the token's" : "",
                    said);
    error_remedy(err, pkcs11 ? "look by: openssl storeutl -provider pkcs11 'pkcs11:'; a token locks itself after some "
                               "wrong PINs"
                             : "look by: openssl storeutl -provider tpm2 URI; tpm2_getcap handles-persistent");
    return R_IO;
}

static EVP_PKEY *read_uri(struct slice uri, OSSL_LIB_CTX *library, const char *query)
{
    EVP_PKEY *ret = NULL;
    char text[PKI_KEY_URI_MAX + 1];
    if (!slice_to_cstr(uri, text, sizeof text))
        return NULL;
    /* nobody is asked on a terminal */
    OSSL_STORE_CTX *store = OSSL_STORE_open_ex(text, library, query, UI_null(), NULL, NULL, NULL, NULL);
    if (!store)
        return NULL;
    (void)OSSL_STORE_expect(store, OSSL_STORE_INFO_PKEY);
    while (!ret && !OSSL_STORE_eof(store)) {
        OSSL_STORE_INFO *found = OSSL_STORE_load(store);
        if (!found)
            break;
        if (OSSL_STORE_INFO_get_type(found) == OSSL_STORE_INFO_PKEY)
            ret = OSSL_STORE_INFO_get1_PKEY(found);
        OSSL_STORE_INFO_free(found);
    }
    (void)OSSL_STORE_close(store);
    return ret;
}

static int no_pass_phrase(char *buf, int size, int rwflag, void *arg)
{
    (void)buf, (void)size, (void)rwflag, (void)arg;
    return -1;
}

static EVP_PKEY *read_pem(struct slice text, OSSL_LIB_CTX *library, const char *query)
{
    BIO *bio = BIO_new_mem_buf(text.ptr, (int)text.len);
    if (!bio)
        fatal("OpenSSL: out of memory");
    EVP_PKEY *ret = PEM_read_bio_PrivateKey_ex(bio, NULL, no_pass_phrase, NULL, library, query);
    BIO_free(bio);
    return ret;
}

/* Of a file's text: the line of the URI, or the PEM alone. */
static struct slice cut_kept(struct slice text, const struct kept *form)
{
    static const char end[] = "-----END TSS2 PRIVATE KEY-----\n";
    if (form->is_uri)
        return bare(slice_cut(&text, '\n'));
    text = slice_skip(text, slice_find_slice(text, slice_of(form->begin)));
    size_t at = slice_find_slice(text, slice_of(end));
    return at == SIZE_MAX ? text : slice_make(text.ptr, at + strlen(end));
}

/* Of PKCS#11 the two halves are objects of their own, which only their id ties together. */
static enum result check_public_half(EVP_PKEY **key, struct error *err)
{
    if (i2d_PUBKEY(*key, NULL) > 0)
        return OK;
    EVP_PKEY_free(*key);
    *key = NULL;
    (void)error_set(err, R_IO, "the public half of this key can't be read");
    error_remedy(err, "give both halves the same id (CKA_ID): pkcs11-tool --keypairgen --id 01 …");
    return R_IO;
}

typedef EVP_PKEY *read_fn(struct slice text, OSSL_LIB_CTX *library, const char *query);

static enum result read_by(const struct kept *form, read_fn *read, struct slice text, EVP_PKEY **ret, struct error *err)
{
    OSSL_LIB_CTX *library;
    const char *query;
    enum result r = pki_key_library(form->provider, &library, &query, err);
    if (r == OK && !(*ret = read(text, library, query)))
        r = explain(form, err);
    if (r == OK)
        r = check_public_half(ret, err);
    ERR_clear_error();
    return r;
}

static enum result open_uri(struct slice uri, const struct kept *form, EVP_PKEY **ret, struct error *err)
{
    enum result r = pki_key_check_uri(uri, err);
    if (r != OK)
        return r;
    r = check_pin_file(uri, err);
    if (r == OK)
        r = read_by(form, read_uri, uri, ret, err);
    return r == OK ? OK : error_prefix(err, "%" PRIslice, SLICE_ARG(uri));
}

enum result pki_key_open_kept(struct slice text, EVP_PKEY **ret, struct error *err)
{
    struct slice rest = bare(text);
    const struct kept *form = form_of(rest);
    *ret = NULL;
    if (!form)
        return error_set(err, R_INVALID, "neither the URI nor the PEM of a key in a TPM or HSM");
    rest = cut_kept(rest, form);
    return form->is_uri ? open_uri(rest, form, ret, err) : read_by(form, read_pem, rest, ret, err);
}

bool pki_key_stays(const EVP_PKEY *key)
{
    const OSSL_PROVIDER *provider = EVP_PKEY_get0_provider(key);
    return provider && pki_key_is_shown(OSSL_PROVIDER_get0_name(provider));
}

enum result pki_key_of(struct slice text, EVP_PKEY **ret, char **ret_text, struct error *err)
{
    bool kept = pki_key_is_kept(text);
    enum result r = kept ? pki_key_open_kept(text, ret, err) : pki_key_read(text, ret, err);
    if (r == OK && ret_text)
        *ret_text = kept ? slice_dup(cut_kept(bare(text), form_of(bare(text)))) : pki_key_pem(*ret);
    return r;
}

enum result pki_key_take(const char *where, EVP_PKEY **ret, char **ret_text, struct error *err)
{
    char *text = NULL;
    size_t len = 0;
    *ret = NULL;
    if (pki_key_is_uri(slice_of(where)))
        return pki_key_of(slice_of(where), ret, ret_text, err);
    enum result r = file_check_private(where, err);
    if (r == OK)
        r = file_read_text(where, TEXT_MAX, &text, &len, err);
    if (r != OK)
        return r;
    r = pki_key_of(slice_make(text, len), ret, ret_text, err);
    mem_free_secret(text, len);
    return r == OK ? OK : error_prefix(err, "%s", where);
}

bool pki_key_is_p256(const EVP_PKEY *key)
{
    char group[32];
    size_t len;
    return key && EVP_PKEY_is_a(key, "EC") && EVP_PKEY_get_group_name(key, group, sizeof group, &len) == 1 &&
           strcmp(group, "prime256v1") == 0;
}
