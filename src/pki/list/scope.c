/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A certificate names the places of its CRLs (distribution points), a CRL may name the place that it is of. Besides
 * the points of the certificate there is always one more, without a name of its own: CRLs of the certificate's issuer,
 * whatever the certificate says (the last paragraph of RFC 5280 6.3.3).
 */
#include "pki/list/scope.h"

static const X509_NAME *first_directory(const GENERAL_NAMES *names)
{
    for (int i = 0; i < sk_GENERAL_NAME_num(names); i++) {
        if (sk_GENERAL_NAME_value(names, i)->type == GEN_DIRNAME)
            return sk_GENERAL_NAME_value(names, i)->d.directoryName;
    }
    return NULL;
}

/* A name relative to the CRL issuer (RFC 5280 4.2.1.13) becomes a whole one. */
static bool complete_points(const struct pki_crl_subject *s)
{
    for (int i = 0; i < sk_DIST_POINT_num(s->points); i++) {
        const DIST_POINT *p = sk_DIST_POINT_value(s->points, i);
        const X509_NAME *above = p->CRLissuer ? first_directory(p->CRLissuer) : X509_get_issuer_name(s->cert);
        if (p->distpoint && p->distpoint->type == 1 && (!above || !DIST_POINT_set_dpname(p->distpoint, above)))
            return false;
    }
    return true;
}

bool pki_crl_subject_open(struct pki_crl_subject *s, X509 *cert)
{
    memset(s, 0, sizeof *s);
    s->cert = cert;
    s->is_ca = X509_get_extension_flags(cert) & EXFLAG_CA;
    int len = i2d_ASN1_INTEGER(X509_get0_serialNumber(cert), &s->serial_der);
    const unsigned char *at = s->serial_der;
    long content = 0;
    int tag, class;
    if (len <= 0 || (ASN1_get_object(&at, &content, &tag, &class, len) & 0x80))
        return false;
    s->serial = slice_make(at, (size_t)content);
    s->points = X509_get_ext_d2i(cert, NID_crl_distribution_points, NULL, NULL);
    return complete_points(s);
}

void pki_crl_subject_close(struct pki_crl_subject *s)
{
    OPENSSL_free(s->serial_der);
    CRL_DIST_POINTS_free(s->points);
}

/* --- names --- */

/* A place: general names, or one directory name. */
struct place {
    const GENERAL_NAMES *names;
    const X509_NAME *directory;
};

static bool name_is(const GENERAL_NAME *name, const X509_NAME *directory)
{
    return name->type == GEN_DIRNAME && X509_NAME_cmp(name->d.directoryName, directory) == 0;
}

static bool names_hold(const GENERAL_NAMES *names, const X509_NAME *directory)
{
    for (int i = 0; i < sk_GENERAL_NAME_num(names); i++) {
        if (name_is(sk_GENERAL_NAME_value(names, i), directory))
            return true;
    }
    return false;
}

/* Have the two places a name in common? */
static bool meet(const struct place *a, const struct place *b)
{
    if (a->directory && b->directory)
        return X509_NAME_cmp(a->directory, b->directory) == 0;
    if (a->directory)
        return names_hold(b->names, a->directory);
    if (b->directory)
        return names_hold(a->names, b->directory);
    for (int i = 0; i < sk_GENERAL_NAME_num(a->names); i++) {
        for (int k = 0; k < sk_GENERAL_NAME_num(b->names); k++) {
            if (GENERAL_NAME_cmp(sk_GENERAL_NAME_value(a->names, i), sk_GENERAL_NAME_value(b->names, k)) == 0)
                return true;
        }
    }
    return false;
}

static struct place place_of(const DIST_POINT_NAME *n)
{
    if (n->type == 0)
        return (struct place){.names = n->name.fullname};
    return (struct place){.directory = n->dpname};
}

/* --- points --- */

/* Is the CRL one of this point's, as far as the places go? A point without a place is that of its CRL issuer. */
static bool at_point(const struct pki_crl *c, const DIST_POINT *p)
{
    if (!c->idp || !c->idp->distpoint)
        return true;
    struct place here = p->distpoint ? place_of(p->distpoint) : (struct place){.names = p->CRLissuer};
    struct place wanted = place_of(c->idp->distpoint);
    return (here.names || here.directory) && meet(&here, &wanted);
}

static unsigned reasons_at(const struct pki_crl *c, const DIST_POINT *p, const X509_NAME *cert_issuer)
{
    bool direct = X509_NAME_cmp(pki_crl_issuer(c), cert_issuer) == 0;
    bool indirect = c->idp && c->idp->indirectCRL > 0;
    if (p->CRLissuer ? !indirect || !names_hold(p->CRLissuer, pki_crl_issuer(c)) : !direct)
        return 0;
    if (!at_point(c, p))
        return 0;
    return p->reasons ? c->reasons & pki_crl_reasons(p->reasons) : c->reasons;
}

/* The point that every certificate has: its issuer's own CRL. */
static unsigned reasons_at_issuer(const struct pki_crl *c, const X509_NAME *cert_issuer)
{
    if (X509_NAME_cmp(pki_crl_issuer(c), cert_issuer) != 0)
        return 0;
    if (!c->idp || !c->idp->distpoint)
        return c->reasons;
    struct place here = {.directory = cert_issuer}, wanted = place_of(c->idp->distpoint);
    return meet(&here, &wanted) ? c->reasons : 0;
}

unsigned pki_crl_scope(const struct pki_crl *c, const struct pki_crl_subject *s)
{
    const X509_NAME *issuer = X509_get_issuer_name(s->cert);
    if (c->idp && ((c->idp->onlyuser > 0 && s->is_ca) || (c->idp->onlyCA > 0 && !s->is_ca)))
        return 0;
    unsigned ret = reasons_at_issuer(c, issuer);
    for (int i = 0; i < sk_DIST_POINT_num(s->points) && ret != c->reasons; i++)
        ret |= reasons_at(c, sk_DIST_POINT_value(s->points, i), issuer);
    return ret;
}
