/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Admission of a CRL. What can't be judged rightly is refused with a warning instead of guessing. Its issuer's
 * certificates are then crl_unavailable, which an administrator sees, rather than wrongly good.
 */
#include "pki/list/admit.h"

#include <stdlib.h>

#include "base/host/mapping.h"
#include "base/mem.h"
#include "pki/list/info.h"

enum { CRL_BYTES_MAX = 512 * 1024 * 1024, EXTENSIONS_MAX = 64 };

static enum result open_in(struct pki_crl *c, struct slice der, struct pki_crl **ret, struct error *err)
{
    enum result r = pki_crl_der_open(der, &c->der, err);
    if (r != OK) {
        pki_crl_free(c);
        c = NULL;
    }
    *ret = c;
    return r;
}

enum result pki_crl_new(struct slice der, struct pki_crl **ret, struct error *err)
{
    struct pki_crl *c = mem_zalloc(sizeof *c);
    c->bytes = slice_dup(der);
    return open_in(c, slice_make(c->bytes, der.len), ret, err);
}

enum result pki_crl_new_borrowed(struct slice der, struct pki_crl **ret, struct error *err)
{
    return open_in(mem_zalloc(sizeof(struct pki_crl)), der, ret, err);
}

enum result pki_crl_new_file(const char *path, struct pki_crl **ret, struct error *err)
{
    struct slice map;
    *ret = NULL;
    enum result r = map_open(path, CRL_BYTES_MAX, &map, err);
    if (r != OK)
        return r;
    struct pki_crl *c = mem_zalloc(sizeof *c);
    c->map = map;
    return open_in(c, map, ret, err);
}

void pki_crl_free(struct pki_crl *c)
{
    if (!c)
        return;
    ISSUING_DIST_POINT_free(c->idp);
    ASN1_INTEGER_free(c->number);
    ASN1_INTEGER_free(c->base);
    free(c->deltas);
    sk_X509_pop_free(c->signers, X509_free);
    pki_crl_der_close(&c->der);
    free(c->remedy);
    free(c->bytes);
    map_close(c->map);
    free(c);
}

/* --- scope --- */

unsigned pki_crl_reasons(const ASN1_BIT_STRING *flags)
{
    unsigned ret = 0;
    for (int bit = 1; bit <= 8; bit++)
        ret |= ASN1_BIT_STRING_get_bit(flags, bit) ? 1u << bit : 0;
    return ret;
}

static enum result check_version(const struct pki_crl *c, struct error *err)
{
    long version = X509_CRL_get_version(c->der.head);
    if (version > X509_CRL_VERSION_2)
        return error_set(err, R_DENIED, "it is of version %ld, the last one is 2 (RFC 5280 5.1.2.1)", version + 1);
    if (version < X509_CRL_VERSION_2 && X509_CRL_get_ext_count(c->der.head) > 0)
        return error_set(err, R_DENIED, "it has extensions, which only version 2 has (RFC 5280 5.1.2.1)");
    return OK;
}

static enum result check_extensions(const struct pki_crl *c, struct error *err)
{
    static const int known[] = {NID_authority_key_identifier, NID_crl_number, NID_issuing_distribution_point,
                                NID_delta_crl};
    int count = X509_CRL_get_ext_count(c->der.head);
    if (count > EXTENSIONS_MAX)
        return error_set(err, R_DENIED, "it has %d extensions, at most %d are taken", count, EXTENSIONS_MAX);
    for (int i = 0; i < count; i++) {
        X509_EXTENSION *e = X509_CRL_get_ext(c->der.head, i);
        if (X509_CRL_get_ext_by_OBJ(c->der.head, X509_EXTENSION_get_object(e), i) >= 0)
            return error_set(err, R_DENIED, "it has an extension twice (RFC 5280 4.2, 5.2)");
        bool is_known = false;
        for (size_t k = 0; k < ARRAY_LEN(known); k++)
            is_known |= OBJ_obj2nid(X509_EXTENSION_get_object(e)) == known[k];
        if (X509_EXTENSION_get_critical(e) && !is_known)
            return error_set(err, R_DENIED, "it has a critical extension that is not known");
    }
    return OK;
}

static enum result check_idp(struct pki_crl *c, struct error *err)
{
    if (c->idp->onlyattr > 0)
        return error_set(err, R_DENIED, "it covers attribute certificates only");
    if (c->idp->onlyuser > 0 && c->idp->onlyCA > 0)
        return error_set(err, R_DENIED, "its scope contradicts itself");
    if (c->idp->distpoint && !DIST_POINT_set_dpname(c->idp->distpoint, pki_crl_issuer(c)))
        return error_set(err, R_DENIED, "its distribution point's relative name is malformed");
    if (c->idp->onlysomereasons)
        c->reasons = pki_crl_reasons(c->idp->onlysomereasons);
    return c->reasons ? OK : error_set(err, R_DENIED, "it covers no reason at all");
}

static enum result read_idp(struct pki_crl *c, struct error *err)
{
    int critical;
    c->reasons = PKI_CRL_REASONS_ALL;
    c->idp = X509_CRL_get_ext_d2i(c->der.head, NID_issuing_distribution_point, &critical, NULL);
    if (!c->idp && critical != -1)
        return error_set(err, R_DENIED, "its issuing distribution point is malformed");
    if ((!c->idp || c->idp->indirectCRL <= 0) && c->der.entries.run_count > 0)
        return error_set(err, R_DENIED, "it has entries of other issuers and does not say that it is indirect");
    return c->idp ? check_idp(c, err) : OK;
}

static enum result read_integer(const struct pki_crl *c, int nid, ASN1_INTEGER **ret, struct error *err)
{
    int critical;
    *ret = X509_CRL_get_ext_d2i(c->der.head, nid, &critical, NULL);
    const char *what = nid == NID_delta_crl ? "base number" : "cRLNumber";
    if ((!*ret && critical != -1) || (*ret && (ASN1_STRING_type(*ret) & V_ASN1_NEG)))
        return error_set(err, R_DENIED, "its %s is malformed", what);
    if (*ret && ASN1_STRING_length(*ret) > PKI_LIST_NUMBER_MAX)
        return error_set(err, R_DENIED, "its %s has more than %d octets (RFC 5280 5.2.3: 20 at most)", what,
                         PKI_LIST_NUMBER_MAX);
    if (*ret && nid == NID_crl_number && critical)
        return error_set(err, R_DENIED, "its cRLNumber is critical, which it must not be (RFC 5280 5.2.3)");
    return OK;
}

static enum result read_numbers(struct pki_crl *c, struct error *err)
{
    enum result r = read_integer(c, NID_crl_number, &c->number, err);
    if (r == OK)
        r = read_integer(c, NID_delta_crl, &c->base, err);
    if (r == OK && c->base && !c->number)
        r = error_set(err, R_DENIED, "it is a delta CRL without a cRLNumber (RFC 5280 5.2.3)");
    return r;
}

static enum result read_times(struct pki_crl *c, struct error *err)
{
    if (!pki_time_read(X509_CRL_get0_lastUpdate(c->der.head), &c->this_update))
        return error_set(err, R_DENIED, "its thisUpdate is malformed");
    const ASN1_TIME *next_update = X509_CRL_get0_nextUpdate(c->der.head);
    if (!next_update)
        return error_set(err, R_DENIED, "it has no nextUpdate (RFC 5280 5.1.2.5), so its age can't be judged");
    if (!pki_time_read(next_update, &c->next_update))
        return error_set(err, R_DENIED, "its nextUpdate is malformed");
    return OK;
}

/* --- issuer --- */

const X509_NAME *pki_crl_issuer(const struct pki_crl *c)
{
    return X509_CRL_get_issuer(c->der.head);
}

bool pki_crl_may_sign(X509 *cert)
{
    return !(X509_get_extension_flags(cert) & EXFLAG_KUSAGE) || (X509_get_key_usage(cert) & KU_CRL_SIGN);
}

/* How near the certificates at hand came to the one that signed it. */
enum nearness { NO_NAME, ANOTHER_KEY, NOT_FOR_LISTS, TRIED };

/* TRIED: name, key identifier and usage say that this certificate's key may have signed the CRL. */
static enum nearness nearness_of(const struct pki_crl *c, X509 *issuer, const AUTHORITY_KEYID *aki)
{
    if (X509_NAME_cmp(X509_get_subject_name(issuer), pki_crl_issuer(c)) != 0)
        return NO_NAME;
    if (aki && X509_check_akid(issuer, aki) != X509_V_OK)
        return ANOTHER_KEY;
    return pki_crl_may_sign(issuer) ? TRIED : NOT_FOR_LISTS;
}

static void add_signer(struct pki_crl *c, X509 *cert)
{
    if (!c->signers)
        c->signers = sk_X509_new_null();
    if (!c->signers || X509_up_ref(cert) != 1 || !sk_X509_push(c->signers, cert))
        fatal("pki: out of memory");
}

struct search {
    struct pki_crl *crl;
    const AUTHORITY_KEYID *aki; /* NULL: none */
    bool any_strength;
    enum nearness nearest;
    enum result result; /* R_NOTFOUND: no key was tried yet */
};

/* Every key is tried once: the signature covers the whole list, which may be long. */
static void try_signers(struct search *s, STACK_OF(X509) * certs, struct error *err)
{
    for (int i = 0; i < sk_X509_num(certs); i++) {
        X509 *cert = sk_X509_value(certs, i);
        EVP_PKEY *key = X509_get0_pubkey(cert);
        unsigned char spki[PKI_SHA256];
        enum nearness near = key ? nearness_of(s->crl, cert, s->aki) : NO_NAME;
        if (near > s->nearest)
            s->nearest = near;
        if (near != TRIED)
            continue;
        pki_cert_spki_sha256(cert, spki);
        if (s->result == OK) {
            if (memcmp(spki, s->crl->signer_spki, PKI_SHA256) == 0)
                add_signer(s->crl, cert);
            continue;
        }
        s->result = pki_crl_der_verify(&s->crl->der, key, s->any_strength, err);
        if (s->result != OK)
            continue;
        memcpy(s->crl->signer_spki, spki, PKI_SHA256);
        add_signer(s->crl, cert);
    }
}

static enum result no_signer(enum nearness nearest, struct error *err)
{
    if (nearest == NO_NAME)
        return error_set(err, R_NOTFOUND,
                         "no anchor or intermediate bears its issuer's name; upload the CA's certificate");
    if (nearest == ANOTHER_KEY)
        return error_set(err, R_DENIED,
                         "it was signed by another key than those of the anchors and intermediates of that name; "
                         "upload the CA's certificate with that key");
    return error_set(err, R_DENIED,
                     "no anchor or intermediate with that name and key may sign CRLs (key usage cRLSign, RFC 5280 "
                     "6.3.3 (f))");
}

static enum result check_signature(struct pki_crl *c, const struct pki_crl_signers *from, struct error *err)
{
    int critical;
    AUTHORITY_KEYID *aki = X509_CRL_get_ext_d2i(c->der.head, NID_authority_key_identifier, &critical, NULL);
    if (!aki && critical != -1)
        return error_set(err, R_DENIED, "its authority key identifier is malformed");
    struct search s = {.crl = c, .aki = aki, .any_strength = from->any_strength, .result = R_NOTFOUND};
    try_signers(&s, from->anchors, err);
    try_signers(&s, from->intermediates, err);
    AUTHORITY_KEYID_free(aki);
    return s.result == R_NOTFOUND ? no_signer(s.nearest, err) : s.result;
}

enum result pki_crl_read(struct pki_crl *c, struct error *err)
{
    enum result r = check_version(c, err);
    if (r == OK)
        r = check_extensions(c, err);
    if (r == OK)
        r = read_idp(c, err);
    if (r == OK)
        r = read_numbers(c, err);
    return r == OK ? read_times(c, err) : r;
}

enum result pki_crl_admit(struct pki_crl *c, const struct pki_crl_signers *from, struct error *err)
{
    enum result r = pki_crl_read(c, err);
    if (r == OK)
        r = check_signature(c, from, err);
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
    if (memcmp(a->signer_spki, b->signer_spki, PKI_SHA256) != 0 ||
        X509_NAME_cmp(X509_CRL_get_issuer(a->der.head), X509_CRL_get_issuer(b->der.head)) != 0)
        return false;
    const ASN1_OCTET_STRING *x = raw_idp(a), *y = raw_idp(b);
    return (!x && !y) || (x && y && ASN1_OCTET_STRING_cmp(x, y) == 0);
}

int pki_crl_compare_age(const struct pki_crl *a, const struct pki_crl *b)
{
    int time = (a->this_update > b->this_update) - (a->this_update < b->this_update);
    int number = a->number && b->number ? ASN1_INTEGER_cmp(a->number, b->number) : 0;
    if (time == 0)
        return number;
    return (time > 0 && number < 0) || (time < 0 && number > 0) ? 0 : time;
}

bool pki_crl_same(const struct pki_crl *a, const struct pki_crl *b)
{
    return slice_eq(a->der.tbs, b->der.tbs);
}

bool pki_crl_delta_fits(const struct pki_crl *delta, const struct pki_crl *complete)
{
    return delta->base && !complete->base && complete->number && pki_crl_same_scope(delta, complete) &&
           ASN1_INTEGER_cmp(delta->base, complete->number) <= 0 &&
           ASN1_INTEGER_cmp(delta->number, complete->number) > 0;
}

void pki_crl_warn(const struct pki_crl *c, struct buf *warnings, const char *why)
{
    char name[256];
    pki_name_text(pki_crl_issuer(c), name, sizeof name);
    enum result r = buf_printf(warnings, "CRL of '%s' is not used: %s\n", name, why);
    (void)r; /* full: thousands of lines are there already */
}
