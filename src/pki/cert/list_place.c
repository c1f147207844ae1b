/* SPDX-License-Identifier: Apache-2.0 */
/* Reads pointers out of certificates; fetches nothing and believes nothing: what comes from there is judged as any
 * list. */
#include "pki/cert/list_place.h"

#include <openssl/x509v3.h>

#include "base/slice.h"
#include "base/utf8.h"

#define AS_SOURCE "name it as a source: cmg trust add --crl-source ID --url URL"

/* Followed is http alone, the scheme of RFC 5280's lists that needs no certificate to be judged in turn. */
static const struct {
    struct slice prefix;
    const char *unfollowed;
} schemes[] = {
    {{"http://", 7}, NULL},
    {{"https://", 8}, "https is not followed; " AS_SOURCE},
    {{"ldap:///", 8}, "it names no server; " AS_SOURCE " --via connector, with the directory's host in the URL"},
    {{"ldap://", 7}, "ldap is not followed; " AS_SOURCE " --via connector"},
    {{"ldaps://", 8}, "ldaps is not followed; " AS_SOURCE " --via connector"},
};

static bool is_printable(struct slice url)
{
    for (size_t i = 0; i < url.len; i++) {
        if (url.ptr[i] <= 0x20 || url.ptr[i] > 0x7e)
            return false;
    }
    return true;
}

static const char *why_unfollowed(struct slice url)
{
    for (size_t i = 0; i < ARRAY_LEN(schemes); i++) {
        if (!slice_starts_nocase(url, schemes[i].prefix))
            continue;
        if (schemes[i].unfollowed)
            return schemes[i].unfollowed;
        if (!is_printable(url))
            return "it holds blanks or what else no URL holds (RFC 3986 2); " AS_SOURCE ", percent-encoded";
        return url.len < PKI_LIST_URL_SIZE ? NULL : "it is longer than 511 characters; " AS_SOURCE;
    }
    return "only http is followed; " AS_SOURCE;
}

static bool is_there(const struct pki_list_places *p, const struct pki_list_place *x)
{
    for (size_t i = 0; i < p->count; i++) {
        if (strcmp(p->list[i].url, x->url) == 0 && memcmp(p->list[i].anchor, x->anchor, PKI_SHA256) == 0)
            return true;
    }
    return false;
}

static void add(struct pki_list_places *p, struct slice url, const unsigned char anchor[PKI_SHA256])
{
    struct pki_list_place x = {.unfollowed = why_unfollowed(url)};
    memcpy(x.anchor, anchor, PKI_SHA256);
    utf8_escape(url, x.url, sizeof x.url); /* changes nothing in one that is followed */
    if (p->count < PKI_LIST_PLACES_MAX && !is_there(p, &x))
        p->list[p->count++] = x;
}

static void add_names(struct pki_list_places *p, const GENERAL_NAMES *names, const unsigned char anchor[PKI_SHA256])
{
    for (int i = 0; i < sk_GENERAL_NAME_num(names); i++) {
        const GENERAL_NAME *n = sk_GENERAL_NAME_value(names, i);
        if (n->type == GEN_URI)
            add(p,
                slice_make(ASN1_STRING_get0_data(n->d.uniformResourceIdentifier),
                           (size_t)ASN1_STRING_length(n->d.uniformResourceIdentifier)),
                anchor);
    }
}

void pki_list_places_add(struct pki_list_places *p, X509 *cert, X509 *anchor)
{
    static const int extensions[] = {NID_crl_distribution_points, NID_freshest_crl};
    unsigned char hash[PKI_SHA256];
    pki_cert_sha256(anchor, hash);
    for (size_t e = 0; e < ARRAY_LEN(extensions); e++) {
        CRL_DIST_POINTS *points = X509_get_ext_d2i(cert, extensions[e], NULL, NULL);
        for (int i = 0; i < sk_DIST_POINT_num(points); i++) {
            const DIST_POINT_NAME *name = sk_DIST_POINT_value(points, i)->distpoint;
            if (name && name->type == 0)
                add_names(p, name->name.fullname, hash);
        }
        CRL_DIST_POINTS_free(points);
    }
}
