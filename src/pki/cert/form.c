/* SPDX-License-Identifier: Apache-2.0 */
/* Walks all of a certificate by rules that OpenSSL's verification leaves out. Says the first fault only; values are
 * looked at in form_value.c. */
#include "pki/cert/form.h"

#include <stdio.h>

#include <openssl/err.h>
#include <openssl/x509v3.h>

#include "base/mem.h"
#include "base/slice.h"
#include "der/tlv.h"
#include "pki/cert/form_value.h"

/* Certificates of the field have a dozen; with many it would take long to find one that stands twice. */
enum { EXTENSIONS_MAX = 64, VERSION_3 = 2, DEPTH_MAX = 32 };

static void name_of(X509_EXTENSION *extension, char *ret, size_t size)
{
    if (OBJ_obj2txt(ret, (int)size, X509_EXTENSION_get_object(extension), 0) <= 0)
        (void)snprintf(ret, size, "?");
}

/* --- DER --- */

/* All the way in. What is in an octet or bit string has a reader of its own. */
static bool is_der(struct slice rest, int depth)
{
    struct tlv t;
    while (rest.len > 0) {
        if (depth == DEPTH_MAX || !tlv_next(&rest, &t) || (tlv_has_parts(&t) && !is_der(t.content, depth + 1)))
            return false;
    }
    return true;
}

static bool cert_is_der(X509 *cert)
{
    unsigned char *der = NULL;
    int len = i2d_X509(cert, &der);
    bool ok = len > 0 && is_der(slice_make(der, (size_t)len), 0);
    OPENSSL_free(der);
    return ok;
}

/* --- all of them --- */

static bool extensions_ok(X509 *cert, char *why, size_t size)
{
    char name[80];
    int count = X509_get_ext_count(cert);
    if (X509_get0_extensions(cert) && count == 0) {
        (void)snprintf(why, size, "has an empty list of extensions (RFC 5280 4.1.2.9)");
        return false;
    }
    if (count > EXTENSIONS_MAX) {
        (void)snprintf(why, size, "has %d extensions, at most %d are taken", count, EXTENSIONS_MAX);
        return false;
    }
    for (int i = 0; i < count; i++) {
        X509_EXTENSION *extension = X509_get_ext(cert, i);
        const char *wrong = pki_form_extension(extension);
        name_of(extension, name, sizeof name);
        if (X509_get_ext_by_OBJ(cert, X509_EXTENSION_get_object(extension), i) >= 0)
            (void)snprintf(why, size, "has the extension '%s' twice (RFC 5280 4.2)", name);
        else if (wrong)
            (void)snprintf(why, size, "has an extension '%s' that %s", name, wrong);
        else
            continue;
        return false;
    }
    return true;
}

static bool names_ok(X509 *cert, char *why, size_t size)
{
    const char *wrong = pki_form_name(X509_get_subject_name(cert));
    if (!wrong)
        wrong = pki_form_name(X509_get_issuer_name(cert));
    if (wrong)
        (void)snprintf(why, size, "%s", wrong);
    return !wrong;
}

static enum verdict_reason check(X509 *cert, char *why, size_t size)
{
    if (!cert_is_der(cert)) {
        (void)snprintf(why, size, "is not encoded in DER (RFC 5280 4.1)");
        return REASON_CERT_CONSTRAINT_VIOLATED;
    }
    if (X509_get_version(cert) > VERSION_3) {
        (void)snprintf(why, size, "is of version %ld, the last one is 3 (RFC 5280 4.1.2.1)",
                       X509_get_version(cert) + 1);
        return REASON_CERT_CONSTRAINT_VIOLATED;
    }
    if (!names_ok(cert, why, size) || !extensions_ok(cert, why, size))
        return REASON_CERT_CONSTRAINT_VIOLATED;
    if (X509_get_ext_by_NID(cert, NID_name_constraints, -1) >= 0 && !(X509_get_extension_flags(cert) & EXFLAG_CA)) {
        (void)snprintf(why, size, "has name constraints and is no CA's (RFC 5280 4.2.1.10)");
        return REASON_CERT_CONSTRAINT_VIOLATED;
    }
    if (X509_get_extension_flags(cert) & EXFLAG_INVALID) {
        (void)snprintf(why, size, "has an extension whose value contradicts RFC 5280 4.2");
        return REASON_CERT_CONSTRAINT_VIOLATED;
    }
    if (!X509_get0_pubkey(cert)) {
        (void)snprintf(why, size, "has a public key of an unknown or broken kind");
        return REASON_CERT_WEAK_KEY;
    }
    if (X509_get_signature_nid(cert) == NID_undef) {
        (void)snprintf(why, size, "is signed by an algorithm that is not known");
        return REASON_CERT_BAD_SIGNATURE;
    }
    return REASON_OK;
}

enum verdict_reason pki_form_check(X509 *cert, char *why, size_t size)
{
    ERR_set_mark();
    enum verdict_reason reason = check(cert, why, size);
    ERR_pop_to_mark();
    return reason;
}
