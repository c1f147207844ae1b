/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Reasons for OpenSSL's errors. Errors that are not in the table are of constraints: basic constraints, path length,
 * name constraints, policies, critical extensions, forms that RFC 5280 forbids.
 */
#include "pki/path/fault.h"

#include <openssl/x509v3.h>

#include "pki/cert/cert.h"
#include "pki/cert/form.h"
#include "pki/path/text.h"
#include "verdict/remedy.h"

static const struct {
    int error;
    enum verdict_reason reason;
} reasons[] = {
    {X509_V_ERR_CERT_HAS_EXPIRED, REASON_CERT_EXPIRED},
    {X509_V_ERR_CERT_NOT_YET_VALID, REASON_CERT_NOT_YET_VALID},
    {X509_V_ERR_DEPTH_ZERO_SELF_SIGNED_CERT, REASON_CERT_UNTRUSTED_ROOT},
    {X509_V_ERR_SELF_SIGNED_CERT_IN_CHAIN, REASON_CERT_UNTRUSTED_ROOT},
    {X509_V_ERR_CERT_UNTRUSTED, REASON_CERT_UNTRUSTED_ROOT},
    {X509_V_ERR_CERT_REJECTED, REASON_CERT_UNTRUSTED_ROOT},
    {X509_V_ERR_UNABLE_TO_GET_ISSUER_CERT, REASON_CERT_INCOMPLETE_CHAIN},
    {X509_V_ERR_UNABLE_TO_GET_ISSUER_CERT_LOCALLY, REASON_CERT_INCOMPLETE_CHAIN},
    {X509_V_ERR_UNABLE_TO_VERIFY_LEAF_SIGNATURE, REASON_CERT_INCOMPLETE_CHAIN},
    {X509_V_ERR_CERT_SIGNATURE_FAILURE, REASON_CERT_BAD_SIGNATURE},
    {X509_V_ERR_UNABLE_TO_DECRYPT_CERT_SIGNATURE, REASON_CERT_BAD_SIGNATURE},
    {X509_V_ERR_UNABLE_TO_DECODE_ISSUER_PUBLIC_KEY, REASON_CERT_BAD_SIGNATURE},
    {X509_V_ERR_SIGNATURE_ALGORITHM_MISMATCH, REASON_CERT_BAD_SIGNATURE},
    {X509_V_ERR_SIGNATURE_ALGORITHM_INCONSISTENCY, REASON_CERT_BAD_SIGNATURE},
    {X509_V_ERR_UNSUPPORTED_SIGNATURE_ALGORITHM, REASON_CERT_BAD_SIGNATURE},
    {X509_V_ERR_NO_ISSUER_PUBLIC_KEY, REASON_CERT_BAD_SIGNATURE},
    {X509_V_ERR_SUBJECT_ISSUER_MISMATCH, REASON_CERT_BAD_SIGNATURE},
    {X509_V_ERR_AKID_SKID_MISMATCH, REASON_CERT_BAD_SIGNATURE},
    {X509_V_ERR_AKID_ISSUER_SERIAL_MISMATCH, REASON_CERT_BAD_SIGNATURE},
    {X509_V_ERR_INVALID_PURPOSE, REASON_CERT_WRONG_USAGE},
    {X509_V_ERR_EE_KEY_TOO_SMALL, REASON_CERT_WEAK_KEY},
    {X509_V_ERR_CA_KEY_TOO_SMALL, REASON_CERT_WEAK_KEY},
    {X509_V_ERR_CA_MD_TOO_WEAK, REASON_CERT_WEAK_KEY},
    {X509_V_ERR_EC_KEY_EXPLICIT_PARAMS, REASON_CERT_WEAK_KEY},
};

/* What RFC 5280 asks of a CA that issues but not of path validation (section 6): private PKIs that are old or home-made
 * lack it, and no attacker gains by it. */
static const int tolerated[] = {
    X509_V_ERR_MISSING_AUTHORITY_KEY_IDENTIFIER,
    X509_V_ERR_MISSING_SUBJECT_KEY_IDENTIFIER,
    X509_V_ERR_AUTHORITY_KEY_IDENTIFIER_CRITICAL,
    X509_V_ERR_SUBJECT_KEY_IDENTIFIER_CRITICAL,
    X509_V_ERR_CA_BCONS_NOT_CRITICAL,
    X509_V_ERR_CA_CERT_MISSING_KEY_USAGE, /* 6.1.4 (n): keyCertSign only where there is a key usage */
    X509_V_ERR_EMPTY_SUBJECT_SAN_NOT_CRITICAL,
    X509_V_ERR_EMPTY_SUBJECT_ALT_NAME,
};

/* A CA whose extended key usage is "any" may issue for clients: OpenSSL wants the very usage. */
static bool is_ca_for_any_usage(X509 *cert)
{
    return (X509_get_extension_flags(cert) & EXFLAG_XKUSAGE) && (X509_get_extended_key_usage(cert) & XKU_ANYEKU) &&
           X509_check_ca(cert) == 1;
}

bool pki_path_tolerable(X509_STORE_CTX *ctx)
{
    int error = X509_STORE_CTX_get_error(ctx), depth = X509_STORE_CTX_get_error_depth(ctx);
    X509 *cert = X509_STORE_CTX_get_current_cert(ctx);
    for (size_t i = 0; i < ARRAY_LEN(tolerated); i++) {
        if (tolerated[i] == error)
            return true;
    }
    if (error == X509_V_ERR_SUBJECT_NAME_EMPTY)
        return depth == 0; /* name_missing is judged later, in its own words */
    return error == X509_V_ERR_INVALID_PURPOSE && depth > 0 && cert && is_ca_for_any_usage(cert);
}

static enum verdict_reason reason_of(int error)
{
    for (size_t i = 0; i < ARRAY_LEN(reasons); i++) {
        if (reasons[i].error == error)
            return reasons[i].reason;
    }
    return REASON_CERT_CONSTRAINT_VIOLATED;
}

/* --- a missing issuer --- */

enum near_miss { NOBODY, OTHER_KIND, OTHER_KEY, MAY_NOT_SIGN, BAD_FORM };

struct near {
    enum near_miss miss;
    enum verdict_reason reason; /* of BAD_FORM, and why */
    char why[240];
};

static enum near_miss why_not_issued(int error)
{
    if (error == X509_V_ERR_KEYUSAGE_NO_CERTSIGN)
        return MAY_NOT_SIGN;
    return error == X509_V_ERR_SIGNATURE_ALGORITHM_MISMATCH ? OTHER_KIND : OTHER_KEY;
}

static struct near why_passed_over(X509 *issuer, X509 *subject)
{
    struct near ret = {.miss = BAD_FORM};
    ret.reason = pki_form_check(issuer, ret.why, sizeof ret.why);
    if (ret.reason == REASON_OK)
        ret.miss = why_not_issued(X509_check_issued(issuer, subject));
    return ret;
}

/* Is there a certificate of the missing issuer's name after all, and why was it passed over? */
static void look_for_name(STACK_OF(X509) * certs, X509 *subject, struct near *ret)
{
    for (int i = 0; i < sk_X509_num(certs); i++) {
        X509 *issuer = sk_X509_value(certs, i);
        if (X509_cmp(issuer, subject) == 0 ||
            X509_NAME_cmp(X509_get_subject_name(issuer), X509_get_issuer_name(subject)) != 0)
            continue;
        struct near near = why_passed_over(issuer, subject);
        if (near.miss > ret->miss)
            *ret = near;
    }
}

static void explain_missing_issuer(X509 *cert, const struct pki_pool *pool, struct pki_verdict *ret)
{
    char issuer[120];
    struct near near = {.miss = NOBODY};
    pki_cert_issuer(cert, issuer, sizeof issuer);
    look_for_name(pool->anchors, cert, &near);
    look_for_name(pool->untrusted, cert, &near);
    if (near.miss == BAD_FORM) {
        ret->reason = near.reason;
        pki_path_detail(ret, cert, "is issued by '%s', whose certificate %s", issuer, near.why);
        if (near.reason == REASON_CERT_CONSTRAINT_VIOLATED)
            ret->remedy = verdict_remedy(REMEDY_FORM);
    } else if (near.miss == MAY_NOT_SIGN) {
        ret->reason = REASON_CERT_CONSTRAINT_VIOLATED;
        pki_path_detail(ret, cert, "is issued by '%s', whose key usage does not let it sign certificates", issuer);
    } else {
        static const char *const texts[] = {
            [NOBODY] = "which was neither sent nor uploaded",
            [OTHER_KIND] = "of which only certificates with another kind of key are known",
            [OTHER_KEY] = "of which only certificates with another key (by key identifier or serial number) are known"};
        pki_path_detail(ret, cert, "is issued by '%s', %s", issuer, texts[near.miss]);
        if (strstr(issuer, "MS-Organization-Access")) /* Microsoft Entra's own CA for devices */
            ret->remedy = verdict_remedy(REMEDY_REGISTRATION_CERTIFICATE);
    }
}

/* --- blame --- */

static void blame(struct pki_path_blame *b, X509 *cert)
{
    if (b->count < ARRAY_LEN(b->certs))
        b->certs[b->count++] = cert;
}

static void blame_depth(struct pki_path_blame *b, STACK_OF(X509) * chain, int depth)
{
    if (depth > 0 && depth < sk_X509_num(chain))
        blame(b, sk_X509_value(chain, depth));
}

static void up_to(struct pki_path_blame *b, STACK_OF(X509) * chain, int depth)
{
    for (int i = 1; i <= depth; i++)
        blame_depth(b, chain, i);
}

/* The certificate is bad on every path. */
static void alone(struct pki_path_blame *b, STACK_OF(X509) * chain, int depth)
{
    blame_depth(b, chain, depth);
    b->alone = b->count == 1;
}

void pki_path_blame_check(struct pki_path_blame *b, STACK_OF(X509) * chain, int depth)
{
    if (depth == PKI_PATH_TOGETHER)
        up_to(b, chain, sk_X509_num(chain) - 1);
    else
        alone(b, chain, depth);
}

typedef void blame_fn(struct pki_path_blame *b, STACK_OF(X509) * chain, int depth);

/* It or the one above it, whose key does not fit its signature. */
static void edge(struct pki_path_blame *b, STACK_OF(X509) * chain, int depth)
{
    blame_depth(b, chain, depth);
    blame_depth(b, chain, depth + 1);
}

/* The certificate has no issuer among those that are left, so a good path avoids it. Exception: where a certificate
 * below it in this path could have issued it, a good path may hold it lower down, and avoids one of those up to there.
 */
static void dead_end(struct pki_path_blame *b, STACK_OF(X509) * chain, int depth)
{
    int lower = 0;
    for (int i = 1; i < depth; i++) {
        if (X509_check_issued(sk_X509_value(chain, i), sk_X509_value(chain, depth)) == X509_V_OK)
            lower = i - 1;
    }
    blame_depth(b, chain, depth);
    up_to(b, chain, lower);
}

/* A name constraint of a certificate above does not permit this one's name. Example: the leaf is a.lab.example, and the
 * intermediate permits b.example alone. On the leaf each constraint weighs, wherever it stands: they all are blamed. */
static void name_below(struct pki_path_blame *b, STACK_OF(X509) * chain, int depth)
{
    int top = 0;
    for (int i = depth + 1; i < sk_X509_num(chain); i++) {
        if (X509_get_ext_by_NID(sk_X509_value(chain, i), NID_name_constraints, -1) < 0)
            continue;
        top = i;
        if (depth == 0)
            blame_depth(b, chain, i);
    }
    if (depth > 0)
        up_to(b, chain, top);
    b->alone = depth == 0 && b->count == 1;
}

/* Errors that are not in the table are of how the certificates go together. */
static const struct {
    int error;
    blame_fn *who;
} blames[] = {
    {X509_V_ERR_CERT_HAS_EXPIRED, alone},
    {X509_V_ERR_ERROR_IN_CERT_NOT_AFTER_FIELD, alone},
    {X509_V_ERR_CERT_NOT_YET_VALID, alone},
    {X509_V_ERR_ERROR_IN_CERT_NOT_BEFORE_FIELD, alone},
    {X509_V_ERR_INVALID_PURPOSE, alone},
    {X509_V_ERR_INVALID_CA, alone},
    {X509_V_ERR_UNHANDLED_CRITICAL_EXTENSION, alone},
    {X509_V_ERR_INVALID_EXTENSION, alone},
    {X509_V_ERR_INVALID_POLICY_EXTENSION, alone},
    {X509_V_ERR_UNSUPPORTED_CONSTRAINT_TYPE, alone},
    {X509_V_ERR_UNSUPPORTED_CONSTRAINT_SYNTAX, alone},
    {X509_V_ERR_UNSUPPORTED_EXTENSION_FEATURE, alone},
    {X509_V_ERR_EE_KEY_TOO_SMALL, alone},
    {X509_V_ERR_CA_KEY_TOO_SMALL, alone},
    {X509_V_ERR_EC_KEY_EXPLICIT_PARAMS, alone},
    {X509_V_ERR_KU_KEY_CERT_SIGN_INVALID_FOR_NON_CA, alone},
    {X509_V_ERR_KEYUSAGE_NO_CERTSIGN, alone},
    {X509_V_ERR_PATHLEN_INVALID_FOR_NON_CA, alone},
    {X509_V_ERR_PATHLEN_WITHOUT_KU_KEY_CERT_SIGN, alone},
    {X509_V_ERR_CA_BCONS_NOT_CRITICAL, alone},
    {X509_V_ERR_ISSUER_NAME_EMPTY, alone},
    {X509_V_ERR_SUBJECT_NAME_EMPTY, alone},
    {X509_V_ERR_EXTENSIONS_REQUIRE_VERSION_3, alone},
    {X509_V_ERR_SELF_SIGNED_CERT_IN_CHAIN, alone},
    {X509_V_ERR_DEPTH_ZERO_SELF_SIGNED_CERT, alone},
    {X509_V_ERR_CERT_SIGNATURE_FAILURE, edge},
    {X509_V_ERR_UNABLE_TO_DECRYPT_CERT_SIGNATURE, edge},
    {X509_V_ERR_SIGNATURE_ALGORITHM_MISMATCH, edge},
    {X509_V_ERR_UNABLE_TO_DECODE_ISSUER_PUBLIC_KEY, edge},
    {X509_V_ERR_NO_ISSUER_PUBLIC_KEY, edge},
    {X509_V_ERR_UNABLE_TO_GET_ISSUER_CERT, dead_end},
    {X509_V_ERR_UNABLE_TO_GET_ISSUER_CERT_LOCALLY, dead_end},
    {X509_V_ERR_UNABLE_TO_VERIFY_LEAF_SIGNATURE, dead_end},
    {X509_V_ERR_PATH_LENGTH_EXCEEDED, up_to},
    {X509_V_ERR_PERMITTED_VIOLATION, name_below},
    {X509_V_ERR_EXCLUDED_VIOLATION, name_below},
};

static void find_blame(int error, STACK_OF(X509) * chain, int depth, struct pki_path_blame *ret)
{
    for (size_t i = 0; i < ARRAY_LEN(blames); i++) {
        if (blames[i].error == error) {
            blames[i].who(ret, chain, depth);
            return;
        }
    }
    up_to(ret, chain, sk_X509_num(chain) - 1);
}

void pki_path_explain(X509_STORE_CTX *ctx, STACK_OF(X509) * chain, const struct pki_pool *pool, struct pki_verdict *ret,
                      struct pki_path_blame *who)
{
    int error = X509_STORE_CTX_get_error(ctx), depth = X509_STORE_CTX_get_error_depth(ctx);
    X509 *cert = X509_STORE_CTX_get_current_cert(ctx);
    ret->reason = reason_of(error);
    if (!cert)
        pki_path_detail(ret, X509_STORE_CTX_get0_cert(ctx), "is refused by OpenSSL: %s",
                        X509_verify_cert_error_string(error));
    else if (ret->reason == REASON_CERT_INCOMPLETE_CHAIN)
        explain_missing_issuer(cert, pool, ret);
    else
        pki_path_describe(error, depth, cert, ret);
    find_blame(error, chain, depth, who);
}
