/* SPDX-License-Identifier: Apache-2.0 */
/* Reads pointers out of certificates; fetches nothing and believes nothing: what comes from there is judged as any
 * list. */
#include "pki/cert/list_place.h"

#include <openssl/x509v3.h>

#include "base/slice.h"
#include "base/text/percent.h"
#include "base/utf8.h"
#include "digest/digest.h"

/* Followed is http alone, the scheme of RFC 5280's lists that needs no certificate to be judged in turn. What is not
 * can be a source that the administrator names, by these options of the command. */
static const struct scheme {
    struct slice prefix;
    const char *unfollowed, *options;
} schemes[] = {
    {{"http://", 7}, NULL, ""},
    {{"https://", 8}, "https is not followed", ""},
    {{"ldap://", 7}, "ldap is not followed", " --via connector"},
    {{"ldaps://", 8}, "ldaps is not followed", " --via connector"},
};

static const struct scheme *find_scheme(struct slice url)
{
    for (size_t i = 0; i < ARRAY_LEN(schemes); i++) {
        if (slice_starts_nocase(url, schemes[i].prefix))
            return &schemes[i];
    }
    return NULL;
}

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
    const struct scheme *scheme = find_scheme(url);
    if (!scheme)
        return "only http is followed";
    if (scheme->unfollowed)
        return scheme->unfollowed;
    if (!is_printable(url))
        return "it holds blanks or what else no URL holds, RFC 3986 2";
    return url.len < PKI_LIST_URL_SIZE ? NULL : "it is longer than 511 characters";
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

/* --- the way out --- */

/* As a source takes it, and a shell between quotes: what a URL does not hold is escaped, what is escaped stays. */
static void encode_url(struct slice url, char ret[PERCENT_MAX * PKI_LIST_URL_SIZE])
{
    ret[percent_encode(url, PERCENT_UNRESERVED "%:/?[]@!$&()*+,;=", ret)] = '\0';
}

/* ": cmg trust add …"; "" where no source has such a URL. */
static void put_command(const struct pki_list_place *p, const char *encoded, char *ret, size_t size)
{
    const struct scheme *scheme = find_scheme(slice_of(p->url));
    char hash[DIGEST_HEX], id[16] = "ID", url[PERCENT_MAX * PKI_LIST_URL_SIZE + 2] = "URL";
    digest_hex_of(slice_of(p->url), hash);
    if (encoded) {
        (void)snprintf(id, sizeof id, "crl-%.8s", hash);
        (void)snprintf(url, sizeof url, "'%s'", encoded);
    }
    ret[0] = '\0';
    if (scheme && p->unfollowed)
        (void)snprintf(ret, size, ": cmg trust add --crl-source %s%s --url %s", id, scheme->options, url);
}

/* With the URL filled in where `encoded` is given. False: there is no room for it all. */
static bool tell(const struct pki_list_place *p, const char *encoded, char *ret, size_t size)
{
    const char *why = p->unfollowed ? p->unfollowed : "this is no URL of a form that is followed";
    char command[PERCENT_MAX * PKI_LIST_URL_SIZE + 80];
    put_command(p, encoded, command, sizeof command);
    bool shows_it = command[0] && encoded && strcmp(encoded, p->url) == 0;
    return (size_t)snprintf(ret, size, "it points to %.150s (%s)%s", shows_it ? "a list" : p->url, why, command) < size;
}

void pki_list_place_way_out(const struct pki_list_place *p, char *ret, size_t size)
{
    char encoded[PERCENT_MAX * PKI_LIST_URL_SIZE];
    encode_url(slice_of(p->url), encoded);
    bool whole = strlen(p->url) + 1 < PKI_LIST_URL_SIZE;
    if (!whole || !tell(p, encoded, ret, size))
        (void)tell(p, NULL, ret, size);
}
