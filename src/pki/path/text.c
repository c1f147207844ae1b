/* SPDX-License-Identifier: Apache-2.0 */
/* Sentences about certificates for people. No decision is taken here. */
#include "pki/path/text.h"

#include <stdarg.h>
#include <stdio.h>

#include <openssl/x509v3.h>

#include "base/clock.h"
#include "base/mem.h"
#include "base/utf8.h"
#include "pki/cert/cert.h"
#include "pki/cert/form.h"
#include "pki/cert/strength.h"
#include "pki/path/path.h"
#include "verdict/remedy.h"

enum { VERSION_3 = 2 };

static const char *who(int depth)
{
    return depth > 0 ? "(an issuer) " : "";
}

/* --- texts that depend on the certificate --- */

static void ended(int depth UNUSED, X509 *cert, struct pki_verdict *v)
{
    char text[CLOCK_TEXT_SIZE];
    clock_rfc3339(pki_cert_not_after(cert), text);
    pki_path_detail(v, cert, "expired %s", text);
}

static void begins(int depth UNUSED, X509 *cert, struct pki_verdict *v)
{
    char text[CLOCK_TEXT_SIZE];
    clock_rfc3339(pki_cert_not_before(cert), text);
    pki_path_detail(v, cert, "begins %s", text);
}

static void advise(struct pki_verdict *v, X509 *cert, enum verdict_remedy remedy, const char *text)
{
    pki_path_detail(v, cert, "%s", text);
    v->remedy = verdict_remedy(remedy);
}

static void no_ca(int depth, X509 *cert, struct pki_verdict *v)
{
    uint32_t flags = X509_get_extension_flags(cert);
    const char *why = "has basic constraints that do not make it a CA's (RFC 5280 4.2.1.9)";
    if (X509_get_version(cert) != VERSION_3)
        why = "is of a version before 3, which can't say that it is a CA's (RFC 5280 6.1.4 (k))";
    else if (depth == 0)
        why = "may sign certificates by its key usage, and is no CA's (RFC 5280 4.2.1.9)";
    else if (!(flags & EXFLAG_BCONS))
        why = "has no basic constraints, so that it is no CA's (RFC 5280 4.2.1.9)";
    else if ((flags & EXFLAG_CA) && (flags & EXFLAG_KUSAGE) && !(X509_get_key_usage(cert) & KU_KEY_CERT_SIGN))
        why = "has a key usage that does not let it sign certificates (RFC 5280 4.2.1.3)";
    pki_path_detail(v, cert, "%s%s", who(depth), why);
    if (depth == 0)
        v->remedy = verdict_remedy(REMEDY_NO_SIGNER);
}

static void signs_as_device(int depth, X509 *cert, struct pki_verdict *v)
{
    pki_path_detail(v, cert, "%shas a key usage that lets it sign certificates, and is no CA's (RFC 5280 4.2.1.9)",
                    who(depth));
    v->remedy = verdict_remedy(REMEDY_NO_SIGNER);
}

static void no_purpose(int depth, X509 *cert, struct pki_verdict *v)
{
    bool for_clients = X509_get_extended_key_usage(cert) & XKU_SSL_CLIENT; /* all bits: it has none */
    if (!for_clients && depth == 0)
        pki_path_detail(v, cert, "does not have the extended key usage clientAuth");
    else if (!for_clients)
        advise(v, cert, REMEDY_ISSUER_USAGE, "(an issuer) has extended key usages, and clientAuth is not among them");
    else if (depth == 0)
        advise(v, cert, REMEDY_KEY_USAGE,
               "has a key usage with neither digitalSignature nor keyAgreement, so that it can't prove "
               "its key in TLS");
    else
        no_ca(depth, cert, v);
}

static void unknown_extension(int depth, X509 *cert, struct pki_verdict *v)
{
    char name[80] = "?";
    for (int i = 0; i < X509_get_ext_count(cert); i++) {
        X509_EXTENSION *extension = X509_get_ext(cert, i);
        if (!X509_EXTENSION_get_critical(extension) || X509_supported_extension(extension))
            continue;
        (void)OBJ_obj2txt(name, sizeof name, X509_EXTENSION_get_object(extension), 0);
        break;
    }
    pki_path_detail(v, cert, "%shas a critical extension '%s' that is not known or must not be critical (RFC 5280 4.2)",
                    who(depth), name);
    v->remedy = verdict_remedy(REMEDY_CRITICAL_EXTENSION);
}

static void weak(int depth, X509 *cert, struct pki_verdict *v)
{
    char why[PKI_STRENGTH_TEXT] = "has a key that is too weak";
    (void)!pki_strength_key_ok(cert, why, sizeof why);
    pki_path_detail(v, cert, "%s%s", who(depth), why);
}

/* OpenSSL says that it is wrong, the form says what is. */
static void bad_extension(int depth, X509 *cert, struct pki_verdict *v)
{
    char why[240];
    if (pki_form_check(cert, why, sizeof why) == REASON_OK)
        (void)snprintf(why, sizeof why, "has an extension that contradicts another one, or itself (RFC 5280 4.2)");
    pki_path_detail(v, cert, "%s%s", who(depth), why);
    v->remedy = verdict_remedy(REMEDY_FORM);
}

typedef void describe_fn(int depth, X509 *cert, struct pki_verdict *v);

/* --- the table --- */

static const struct {
    int error;
    const char *text; /* NULL: describe */
    describe_fn *describe;
} texts[] = {
    {X509_V_ERR_CA_KEY_TOO_SMALL, NULL, weak},
    {X509_V_ERR_KEYUSAGE_NO_CERTSIGN, "has a key usage that does not let it sign certificates (RFC 5280 4.2.1.3)",
     NULL},
    {X509_V_ERR_UNABLE_TO_DECODE_ISSUER_PUBLIC_KEY, "has a key that can't be read", NULL},
    {X509_V_ERR_CERT_HAS_EXPIRED, NULL, ended},
    {X509_V_ERR_CERT_NOT_YET_VALID, NULL, begins},
    {X509_V_ERR_ERROR_IN_CERT_NOT_AFTER_FIELD, "has a notAfter that is malformed (RFC 5280 4.1.2.5)", NULL},
    {X509_V_ERR_ERROR_IN_CERT_NOT_BEFORE_FIELD, "has a notBefore that is malformed (RFC 5280 4.1.2.5)", NULL},
    {X509_V_ERR_INVALID_CA, NULL, no_ca},
    {X509_V_ERR_INVALID_PURPOSE, NULL, no_purpose},
    {X509_V_ERR_UNHANDLED_CRITICAL_EXTENSION, NULL, unknown_extension},
    {X509_V_ERR_DEPTH_ZERO_SELF_SIGNED_CERT, "is signed by itself, and it is not among the anchors", NULL},
    {X509_V_ERR_SELF_SIGNED_CERT_IN_CHAIN, "is a root that is not among the anchors", NULL},
    {X509_V_ERR_CERT_SIGNATURE_FAILURE, "has a signature that is not of its issuer's key", NULL},
    {X509_V_ERR_SIGNATURE_ALGORITHM_INCONSISTENCY,
     "names one signature algorithm inside and another one outside (RFC 5280 4.1.1.2)", NULL},
    {X509_V_ERR_PATH_LENGTH_EXCEEDED, "does not allow so many CAs below it (path length constraint)", NULL},
    {X509_V_ERR_CERT_CHAIN_TOO_LONG, "is too far from an anchor: paths of at most 8 intermediates are judged", NULL},
    {X509_V_ERR_PERMITTED_VIOLATION, "has a name outside of those that an issuer's name constraints permit", NULL},
    {X509_V_ERR_EXCLUDED_VIOLATION, "has a name that an issuer's name constraints exclude", NULL},
    {X509_V_ERR_NO_EXPLICIT_POLICY, "has no policy that its issuers ask for (RFC 5280 6.1.5 (g))", NULL},
    {X509_V_ERR_EC_KEY_EXPLICIT_PARAMS, "has a key on a curve of its own making (explicit parameters, RFC 5480 2.1.1)",
     NULL},
    {X509_V_ERR_ISSUER_NAME_EMPTY, "has no issuer's name (RFC 5280 4.1.2.4)", NULL},
    {X509_V_ERR_SUBJECT_NAME_EMPTY, "is a CA's and has no subject (RFC 5280 4.1.2.6)", NULL},
    {X509_V_ERR_KU_KEY_CERT_SIGN_INVALID_FOR_NON_CA, NULL, signs_as_device},
    {X509_V_ERR_PATHLEN_INVALID_FOR_NON_CA, "has a path length constraint, and is no CA's (RFC 5280 4.2.1.9)", NULL},
    {X509_V_ERR_PATHLEN_WITHOUT_KU_KEY_CERT_SIGN,
     "has a path length constraint, and a key usage that does not let it sign certificates (RFC 5280 4.2.1.9)", NULL},
    {X509_V_ERR_UNSPECIFIED, "has more names, or its issuers more constraints on names, than are compared", NULL},
    {X509_V_ERR_UNSUPPORTED_NAME_SYNTAX,
     "has a name that can't be compared with an issuer's name constraints: one or the other is malformed (RFC 5280 "
     "4.2.1.10)",
     NULL},
    {X509_V_ERR_UNSUPPORTED_CONSTRAINT_SYNTAX,
     "can't be compared with an issuer's name constraints, which are malformed (RFC 5280 4.2.1.10)", NULL},
    {X509_V_ERR_UNSUPPORTED_CONSTRAINT_TYPE,
     "has a name of a kind that an issuer constrains and that can't be compared (RFC 5280 4.2.1.10)", NULL},
    {X509_V_ERR_SUBTREE_MINMAX, "stands below name constraints with a minimum or maximum (RFC 5280 4.2.1.10)", NULL},
    {X509_V_ERR_INVALID_POLICY_EXTENSION, NULL, bad_extension},
    {X509_V_ERR_INVALID_EXTENSION, NULL, bad_extension},
    {X509_V_ERR_EXTENSIONS_REQUIRE_VERSION_3, "has extensions, which only version 3 has (RFC 5280 4.1.2.1)", NULL},
};

void pki_path_describe(int error, int depth, X509 *cert, struct pki_verdict *v)
{
    for (size_t i = 0; i < ARRAY_LEN(texts); i++) {
        if (texts[i].error != error)
            continue;
        if (texts[i].describe)
            texts[i].describe(depth, cert, v);
        else
            pki_path_detail(v, cert, "%s%s", who(depth), texts[i].text);
        return;
    }
    pki_path_detail(v, cert, "%sis refused by OpenSSL: %s", who(depth), X509_verify_cert_error_string(error));
}

void pki_path_detail(struct pki_verdict *v, X509 *cert, const char *fmt, ...)
{
    char subject[100];
    va_list args;
    bool named = X509_NAME_entry_count(X509_get_subject_name(cert)) > 0;
    if (named)
        pki_cert_subject(cert, subject, sizeof subject);
    else
        pki_cert_serial_hex(cert, subject, sizeof subject);
    int len = snprintf(v->detail, sizeof v->detail,
                       named ? "certificate '%s' " : "the certificate with serial number %s ", subject);
    va_start(args, fmt);
    if (len > 0 && (size_t)len < sizeof v->detail)
        (void)vsnprintf(v->detail + len, sizeof v->detail - (size_t)len, fmt, args);
    va_end(args);
    v->remedy = NULL;
    utf8_mend_end(v->detail);
}
