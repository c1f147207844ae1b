/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Names come from whoever asked the CA for the certificate: one with NUL, control characters, a changed direction or
 * too much of it is passed over instead of being cut, because a cut name could be another device's.
 */
#include "pki/cert/identity.h"

#include <arpa/inet.h>

#include <openssl/err.h>
#include <openssl/x509v3.h>

#include "base/utf8.h"
#include "pki/cert/cert.h"

static bool take(struct slice text, char *ret, size_t size)
{
    return text.len > 0 && utf8_all_shown(text) && slice_to_cstr(text, ret, size);
}

static bool take_string(const ASN1_STRING *s, char *ret, size_t size)
{
    unsigned char *utf8 = NULL;
    int len = ASN1_STRING_to_UTF8(&utf8, s);
    bool ok = len > 0 && take(slice_make(utf8, (size_t)len), ret, size);
    OPENSSL_free(utf8);
    return ok;
}

static bool common_name(X509 *cert, char *ret, size_t size)
{
    const X509_NAME *name = X509_get_subject_name(cert);
    int last = -1;
    for (int at = -1; (at = X509_NAME_get_index_by_NID(name, NID_commonName, at)) >= 0;)
        last = at;
    return last >= 0 && take_string(X509_NAME_ENTRY_get_data(X509_NAME_get_entry(name, last)), ret, size);
}

static bool address(const ASN1_OCTET_STRING *ip, char *ret, size_t size)
{
    int family = ASN1_STRING_length(ip) == 4 ? AF_INET : AF_INET6;
    return (family == AF_INET || ASN1_STRING_length(ip) == 16) &&
           inet_ntop(family, ASN1_STRING_get0_data(ip), ret, (socklen_t)size);
}

static bool general_name(const GENERAL_NAME *name, char *ret, size_t size)
{
    switch (name->type) {
    case GEN_DNS:
    case GEN_EMAIL:
    case GEN_URI:
        return take_string(name->d.ia5, ret, size);
    case GEN_IPADD:
        return address(name->d.iPAddress, ret, size);
    case GEN_OTHERNAME: /* a Windows user principal name */
        return OBJ_obj2nid(name->d.otherName->type_id) == NID_ms_upn &&
               name->d.otherName->value->type == V_ASN1_UTF8STRING &&
               take_string(name->d.otherName->value->value.utf8string, ret, size);
    default:
        return false;
    }
}

static bool alternative_name(X509 *cert, char *ret, size_t size)
{
    bool found = false;
    GENERAL_NAMES *names = X509_get_ext_d2i(cert, NID_subject_alt_name, NULL, NULL);
    for (int i = 0; i < sk_GENERAL_NAME_num(names) && !found; i++)
        found = general_name(sk_GENERAL_NAME_value(names, i), ret, size);
    GENERAL_NAMES_free(names);
    return found;
}

static bool subject(X509 *cert, char *ret, size_t size)
{
    const X509_NAME *name = X509_get_subject_name(cert);
    bool says_something = false;
    for (int i = 0; i < X509_NAME_entry_count(name); i++)
        says_something |= ASN1_STRING_length(X509_NAME_ENTRY_get_data(X509_NAME_get_entry(name, i))) > 0;
    if (says_something)
        pki_cert_subject(cert, ret, size);
    return says_something && ret[0] != '\0';
}

bool pki_identity(X509 *cert, char *ret, size_t size)
{
    ERR_set_mark();
    bool found = common_name(cert, ret, size) || alternative_name(cert, ret, size) || subject(cert, ret, size);
    ERR_pop_to_mark();
    if (!found)
        ret[0] = '\0';
    return found;
}
