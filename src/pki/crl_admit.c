/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Admission of a CRL. What this version can't judge rightly it refuses with a warning instead of guessing: indirect
 * CRLs, deltas, CRLs for some reasons only, unknown critical extensions. Its issuer's certificates are then
 * crl_unavailable, which an administrator sees, rather than wrongly good.
 */
#include "pki/crl_admit.h"

#include <stdlib.h>
#include <time.h>

#include "base/mem.h"

enum result pki_crl_new(struct slice der, struct pki_crl **ret, struct error *err)
{
    struct pki_crl *c = mem_zalloc(sizeof *c);
    *ret = NULL;
    c->bytes = mem_zalloc(der.len + 1);
    memcpy(c->bytes, der.ptr, der.len);
    enum result r = pki_crl_der_open(slice_make(c->bytes, der.len), &c->der, err);
    if (r != OK) {
        free(c->bytes);
        free(c);
        return r;
    }
    *ret = c;
    return OK;
}

void pki_crl_free(struct pki_crl *c)
{
    if (!c)
        return;
    ISSUING_DIST_POINT_free(c->idp);
    ASN1_INTEGER_free(c->number);
    pki_crl_der_close(&c->der);
    free(c->bytes);
    free(c);
}

/* --- scope --- */

static enum result check_extensions(const struct pki_crl *c, struct error *err)
{
    static const int known[] = {NID_authority_key_identifier, NID_crl_number, NID_issuing_distribution_point};
    if (X509_CRL_get_ext_by_NID(c->der.head, NID_delta_crl, -1) >= 0)
        return error_set(err, R_DENIED, "it is a delta CRL; give the full one");
    for (int i = 0; i < X509_CRL_get_ext_count(c->der.head); i++) {
        X509_EXTENSION *e = X509_CRL_get_ext(c->der.head, i);
        bool is_known = false;
        for (size_t k = 0; k < ARRAY_LEN(known); k++)
            is_known |= OBJ_obj2nid(X509_EXTENSION_get_object(e)) == known[k];
        if (X509_EXTENSION_get_critical(e) && !is_known)
            return error_set(err, R_DENIED, "it has a critical extension that is not known");
    }
    return OK;
}

static enum result read_idp(struct pki_crl *c, struct error *err)
{
    int critical;
    c->idp = X509_CRL_get_ext_d2i(c->der.head, NID_issuing_distribution_point, &critical, NULL);
    if (!c->idp)
        return critical == -1 ? OK : error_set(err, R_DENIED, "its issuing distribution point is malformed");
    if (c->idp->indirectCRL > 0)
        return error_set(err, R_DENIED, "it is an indirect CRL, which is not supported");
    if (c->idp->onlysomereasons)
        return error_set(err, R_DENIED, "it covers some reasons only; give one that covers all");
    if (c->idp->onlyattr > 0)
        return error_set(err, R_DENIED, "it covers attribute certificates only");
    if (c->idp->onlyuser > 0 && c->idp->onlyCA > 0)
        return error_set(err, R_DENIED, "its scope contradicts itself");
    if (c->idp->distpoint && c->idp->distpoint->type != 0)
        return error_set(err, R_DENIED, "its distribution point is named relative to its issuer: not supported");
    return OK;
}

static enum result read_number(struct pki_crl *c, struct error *err)
{
    int critical;
    c->number = X509_CRL_get_ext_d2i(c->der.head, NID_crl_number, &critical, NULL);
    if (!c->number && critical != -1)
        return error_set(err, R_DENIED, "its cRLNumber is malformed");
    return OK;
}

static bool wall_seconds(const ASN1_TIME *t, int64_t *ret)
{
    struct tm tm;
    if (!t || !ASN1_TIME_to_tm(t, &tm))
        return false;
    *ret = (int64_t)timegm(&tm);
    return true;
}

static enum result read_times(struct pki_crl *c, struct error *err)
{
    if (!wall_seconds(X509_CRL_get0_lastUpdate(c->der.head), &c->this_update))
        return error_set(err, R_DENIED, "its thisUpdate is malformed");
    if (!wall_seconds(X509_CRL_get0_nextUpdate(c->der.head), &c->next_update))
        return error_set(err, R_DENIED, "it has no nextUpdate (RFC 5280 5.1.2.5), so its age can't be judged");
    return OK;
}

/* --- issuer --- */

/* Name, key identifier and usage say that this certificate's key may have signed the CRL. */
static bool may_have_signed(const struct pki_crl *c, X509 *issuer, const AUTHORITY_KEYID *aki)
{
    if (X509_NAME_cmp(X509_get_subject_name(issuer), X509_CRL_get_issuer(c->der.head)) != 0)
        return false;
    if (aki && X509_check_akid(issuer, aki) != X509_V_OK)
        return false;
    return !(X509_get_extension_flags(issuer) & EXFLAG_KUSAGE) || (X509_get_key_usage(issuer) & KU_CRL_SIGN);
}

/* OK; R_NOTFOUND when none of these is its issuer; R_DENIED when one should be, but did not sign it. */
static enum result find_issuer(struct pki_crl *c, STACK_OF(X509) * certs, const AUTHORITY_KEYID *aki, struct error *err)
{
    enum result r = R_NOTFOUND;
    for (int i = 0; i < sk_X509_num(certs); i++) {
        X509 *issuer = sk_X509_value(certs, i);
        EVP_PKEY *key = X509_get0_pubkey(issuer);
        if (!key || !may_have_signed(c, issuer, aki))
            continue;
        r = pki_crl_der_verify(&c->der, key, err);
        if (r == OK) {
            pki_cert_spki_sha256(issuer, c->issuer_spki);
            break;
        }
    }
    return r;
}

static enum result check_signature(struct pki_crl *c, STACK_OF(X509) * anchors, STACK_OF(X509) * intermediates,
                                   struct error *err)
{
    int critical;
    AUTHORITY_KEYID *aki = X509_CRL_get_ext_d2i(c->der.head, NID_authority_key_identifier, &critical, NULL);
    if (!aki && critical != -1)
        return error_set(err, R_DENIED, "its authority key identifier is malformed");
    enum result first = find_issuer(c, anchors, aki, err);
    enum result r = first == OK ? OK : find_issuer(c, intermediates, aki, err);
    AUTHORITY_KEYID_free(aki);
    if (r == R_NOTFOUND)
        r = first;
    if (r == R_NOTFOUND)
        return error_set(err, R_DENIED,
                         "no anchor or intermediate with that name and key may sign CRLs; upload the CA's certificate");
    return r;
}

enum result pki_crl_admit(struct pki_crl *c, STACK_OF(X509) * anchors, STACK_OF(X509) * intermediates,
                          struct error *err)
{
    enum result r = check_extensions(c, err);
    if (r == OK)
        r = read_idp(c, err);
    if (r == OK)
        r = read_number(c, err);
    if (r == OK)
        r = read_times(c, err);
    if (r == OK)
        r = check_signature(c, anchors, intermediates, err);
    return r;
}

/* --- comparing --- */

static const ASN1_OCTET_STRING *raw_idp(const struct pki_crl *c)
{
    int at = X509_CRL_get_ext_by_NID(c->der.head, NID_issuing_distribution_point, -1);
    return at < 0 ? NULL : X509_EXTENSION_get_data(X509_CRL_get_ext(c->der.head, at));
}

bool pki_crl_same_scope(const struct pki_crl *a, const struct pki_crl *b)
{
    if (memcmp(a->issuer_spki, b->issuer_spki, PKI_SHA256) != 0 ||
        X509_NAME_cmp(X509_CRL_get_issuer(a->der.head), X509_CRL_get_issuer(b->der.head)) != 0)
        return false;
    const ASN1_OCTET_STRING *x = raw_idp(a), *y = raw_idp(b);
    return (!x && !y) || (x && y && ASN1_OCTET_STRING_cmp(x, y) == 0);
}

int pki_crl_compare_age(const struct pki_crl *a, const struct pki_crl *b)
{
    int order = a->number && b->number ? ASN1_INTEGER_cmp(a->number, b->number) : 0;
    return order ? order : (a->this_update > b->this_update) - (a->this_update < b->this_update);
}

/* --- speaking for a certificate --- */

/* RFC 5280 6.3.3 (b)(2)(i): a CRL of one distribution point speaks for the certificates that name that point. */
static bool names_point(const CRL_DIST_POINTS *points, const GENERAL_NAMES *wanted)
{
    for (int i = 0; i < sk_DIST_POINT_num(points); i++) {
        const DIST_POINT *p = sk_DIST_POINT_value(points, i);
        if (!p->distpoint || p->distpoint->type != 0)
            continue;
        for (int k = 0; k < sk_GENERAL_NAME_num(p->distpoint->name.fullname); k++) {
            for (int w = 0; w < sk_GENERAL_NAME_num(wanted); w++) {
                if (GENERAL_NAME_cmp(sk_GENERAL_NAME_value(p->distpoint->name.fullname, k),
                                     sk_GENERAL_NAME_value(wanted, w)) == 0)
                    return true;
            }
        }
    }
    return false;
}

bool pki_crl_speaks_for(const struct pki_crl *c, X509 *cert, X509 *issuer, const unsigned char issuer_spki[PKI_SHA256],
                        const CRL_DIST_POINTS *points)
{
    if (memcmp(c->issuer_spki, issuer_spki, PKI_SHA256) != 0 ||
        X509_NAME_cmp(X509_CRL_get_issuer(c->der.head), X509_get_subject_name(issuer)) != 0)
        return false;
    if (!c->idp)
        return true;
    bool is_ca = X509_check_ca(cert) == 1;
    if ((c->idp->onlyuser > 0 && is_ca) || (c->idp->onlyCA > 0 && !is_ca))
        return false;
    return !c->idp->distpoint || names_point(points, c->idp->distpoint->name.fullname);
}

void pki_crl_warn(const struct pki_crl *c, struct buf *warnings, const char *why)
{
    char *name = X509_NAME_oneline(X509_CRL_get_issuer(c->der.head), NULL, 0);
    enum result r = buf_printf(warnings, "CRL of '%.200s' is not used: %s\n", name ? name : "?", why);
    (void)r; /* full: thousands of lines are there already */
    OPENSSL_free(name);
}
