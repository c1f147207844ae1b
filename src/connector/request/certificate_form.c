/* SPDX-License-Identifier: Apache-2.0 */
/* Other servers' fields for a certificate, made of its DER. Where a name does not fit a field it makes none, rather
 * than one that could be read differently. Pure. */
#include "connector/request/certificate_form.h"

#include <openssl/pem.h>
#include <openssl/x509.h>
#include <stdlib.h>

#include "base/mem.h"
#include "base/text/encode.h"
#include "base/text/percent.h"
#include "der/key.h"

/* What stays of a long-lived reader's own rules: a field's value loses the blanks around it, and a name that they
 * belong to would turn into another's. */
static bool is_sendable(struct slice value)
{
    return value.len && http_is_field_value(value) && slice_trim(value).len == value.len;
}

static enum result add(struct http_fields *fields, struct arena *arena, struct slice name, struct slice value)
{
    return value.ptr ? http_fields_add(fields, arena, name, value) : R_LIMIT;
}

/* The bytes of a memory BIO, in the arena; frees it. */
static struct slice take_text(BIO *bio, struct arena *arena)
{
    char *text;
    long len = BIO_get_mem_data(bio, &text);
    struct slice ret = len > 0 ? arena_dup(arena, slice_make(text, (size_t)len)) : SLICE("");
    BIO_free(bio);
    return ret;
}

static BIO *new_text(void)
{
    BIO *bio = BIO_new(BIO_s_mem());
    if (!bio)
        fatal("OpenSSL: out of memory");
    return bio;
}

/* --- Puppet --- */

/* As nginx's $ssl_client_s_dn: RFC 2253, all of it ASCII, since other bytes and controls are escaped. */
static struct slice subject(X509 *certificate, struct arena *arena)
{
    BIO *bio = new_text();
    (void)X509_NAME_print_ex(bio, X509_get_subject_name(certificate), 0, XN_FLAG_RFC2253);
    return take_text(bio, arena);
}

/* As nginx's $ssl_client_escaped_cert: PEM, each byte that is not unreserved (RFC 3986 2.3) escaped. */
static struct slice escaped_pem(X509 *certificate, struct arena *arena)
{
    BIO *bio = new_text();
    (void)PEM_write_bio_X509(bio, certificate);
    struct slice pem = take_text(bio, arena);
    char *text = arena_alloc(arena, PERCENT_MAX * pem.len);
    return text ? slice_make(text, percent_encode(pem, PERCENT_UNRESERVED, text)) : SLICE_NONE;
}

static enum result add_puppet(X509 *certificate, struct http_fields *fields, struct arena *arena)
{
    struct slice dn = subject(certificate, arena);
    if (!is_sendable(dn))
        return dn.ptr ? OK : R_LIMIT;
    enum result r = add(fields, arena, SLICE("x-client-verify"), SLICE("SUCCESS"));
    if (r == OK)
        r = add(fields, arena, SLICE("x-client-dn"), dn);
    return r == OK ? add(fields, arena, SLICE("x-client-cert"), escaped_pem(certificate, arena)) : r;
}

/* --- hawkBit --- */

/* The only common name, as UTF-8. .len 0: there is none, or more than one, of which each reader could take another. */
static struct slice common_name(X509 *certificate, struct arena *arena)
{
    X509_NAME *name = X509_get_subject_name(certificate);
    int at = X509_NAME_get_index_by_NID(name, NID_commonName, -1);
    if (at < 0 || X509_NAME_get_index_by_NID(name, NID_commonName, at) >= 0)
        return SLICE("");
    unsigned char *utf8 = NULL;
    int len = ASN1_STRING_to_UTF8(&utf8, X509_NAME_ENTRY_get_data(X509_NAME_get_entry(name, at)));
    struct slice ret = len > 0 ? arena_dup(arena, slice_make((char *)utf8, (size_t)len)) : SLICE("");
    OPENSSL_free(utf8);
    return ret;
}

static enum result add_hawkbit(X509 *certificate, struct http_fields *fields, struct arena *arena)
{
    struct slice cn = common_name(certificate, arena);
    if (!is_sendable(cn))
        return cn.ptr ? OK : R_LIMIT;
    enum result r = add(fields, arena, SLICE("x-ssl-client-cn"), cn);
    struct slice hash = arena_printf(arena, "%08lx", X509_issuer_name_hash(certificate));
    return r == OK ? add(fields, arena, SLICE("x-ssl-issuer-hash-1"), hash) : r;
}

/* --- */

/* ":<base64>:" (RFC 9440). */
static X509 *read_certificate(struct slice field)
{
    if (field.len < 2)
        return NULL;
    struct slice text = slice_make(field.ptr + 1, field.len - 2);
    unsigned char *der = mem_zalloc(text.len + 1);
    size_t len = 0;
    const unsigned char *at = der;
    bool read = decode_base64(text, der, text.len, &len) && !der_key_slow(slice_make(der, len));
    X509 *certificate = read ? d2i_X509(NULL, &at, (long)len) : NULL;
    free(der);
    return certificate;
}

enum result certificate_form_add(enum bundle_headers form, struct slice client_cert, struct http_fields *fields,
                                 struct arena *arena)
{
    typedef enum result add_fn(X509 *, struct http_fields *, struct arena *);
    static add_fn *const forms[] = {[BUNDLE_HEADERS_PUPPET] = add_puppet, [BUNDLE_HEADERS_HAWKBIT] = add_hawkbit};
    if (form == BUNDLE_HEADERS_CMG)
        return OK;
    X509 *certificate = read_certificate(client_cert);
    enum result r = certificate ? forms[form](certificate, fields, arena) : R_INVALID;
    X509_free(certificate);
    return r;
}
