/* SPDX-License-Identifier: Apache-2.0 */
#include "pki/list_place.h"

#include <openssl/x509v3.h>

#include "base/slice.h"

/* The scheme of RFC 5280's lists that needs no certificate to be judged in turn. */
static bool is_plain_url(struct slice url)
{
    if (!slice_starts_nocase(url, SLICE("http://")) || url.len >= PKI_LIST_URL_SIZE)
        return false;
    for (size_t i = 0; i < url.len; i++) {
        if (url.ptr[i] <= 0x20 || url.ptr[i] > 0x7e)
            return false;
    }
    return true;
}

static void add(struct pki_list_places *p, struct slice url, const unsigned char anchor[PKI_SHA256])
{
    for (size_t i = 0; i < p->count; i++) {
        if (slice_eq(slice_of(p->list[i].url), url) && memcmp(p->list[i].anchor, anchor, PKI_SHA256) == 0)
            return;
    }
    if (p->count == PKI_LIST_PLACES_MAX || !is_plain_url(url))
        return;
    struct pki_list_place *place = &p->list[p->count];
    memcpy(place->anchor, anchor, PKI_SHA256);
    p->count += slice_to_cstr(url, place->url, sizeof place->url);
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
