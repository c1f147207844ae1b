/* SPDX-License-Identifier: Apache-2.0 */
/* Age, scope and place of a list as text and as hashes, for who keeps lists. Whether it is good is admit.h's. */
#include "pki/list/info.h"

#include <openssl/bn.h>

#include "base/clock.h"
#include "base/mem.h"
#include "base/utf8.h"
#include "digest/digest.h"
#include "pki/list/admit.h"

/* --- age --- */

/* Hex of whole octets: the longer is the larger. */
static int compare_numbers(const char *a, const char *b)
{
    size_t x = strlen(a), y = strlen(b);
    if (x == 0 || y == 0)
        return 0;
    return x != y ? (x > y) - (x < y) : strcmp(a, b);
}

bool pki_list_is_older(const struct pki_list_age *fresh, const struct pki_list_age *present)
{
    return fresh->this_update < present->this_update || compare_numbers(fresh->number, present->number) < 0;
}

bool pki_list_number_above(const struct pki_list_age *a, const struct pki_list_age *b)
{
    return compare_numbers(a->number, b->number) > 0;
}

void pki_list_number_text(const char *number, char ret[PKI_LIST_NUMBER_TEXT])
{
    BIGNUM *n = NULL;
    char *text = number[0] && BN_hex2bn(&n, number) > 0 ? BN_bn2dec(n) : NULL;
    (void)snprintf(ret, PKI_LIST_NUMBER_TEXT, "%s", text ? text : "none");
    OPENSSL_free(text);
    BN_free(n);
}

enum result pki_list_not_older(const struct pki_list_age *fresh, const struct pki_list_age *present, const char *what,
                               struct error *err)
{
    char a[PKI_LIST_NUMBER_TEXT], b[PKI_LIST_NUMBER_TEXT], x[CLOCK_TEXT_SIZE], y[CLOCK_TEXT_SIZE];
    if (!pki_list_is_older(fresh, present))
        return OK;
    pki_list_number_text(fresh->number, a);
    pki_list_number_text(present->number, b);
    clock_rfc3339(fresh->this_update, x);
    clock_rfc3339(present->this_update, y);
    return error_set(err, R_DENIED,
                     "it is older than %s: cRLNumber %s of %s after %s of %s; the publisher has gone back", what, a, x,
                     b, y);
}

static void read_number(const ASN1_INTEGER *number, char ret[HEX_SIZE(PKI_LIST_NUMBER_MAX)])
{
    unsigned char bytes[PKI_LIST_NUMBER_MAX] = {0};
    BIGNUM *n = number ? ASN1_INTEGER_to_BN(number, NULL) : NULL;
    int len = n ? BN_num_bytes(n) : 0;
    ret[0] = '\0';
    if (n && len <= PKI_LIST_NUMBER_MAX) {
        (void)BN_bn2bin(n, bytes);
        (void)encode_hex(slice_make(bytes, len ? (size_t)len : 1), ret); /* zero is a number too */
    }
    BN_free(n);
}

/* --- scope --- */

static void add_part(char *ret, size_t size, const char *part)
{
    size_t len = strlen(ret);
    (void)snprintf(ret + len, size - len, "%s%s", len ? ", " : "", part);
}

static void add_point(char *ret, size_t size, const DIST_POINT_NAME *point)
{
    char text[160] = "a distribution point";
    const GENERAL_NAME *first = point->type == 0 ? sk_GENERAL_NAME_value(point->name.fullname, 0) : NULL;
    if (point->dpname)
        pki_name_text(point->dpname, text, sizeof text);
    else if (first && first->type == GEN_DIRNAME)
        pki_name_text(first->d.directoryName, text, sizeof text);
    else if (first && first->type == GEN_URI)
        utf8_escape(slice_make(ASN1_STRING_get0_data(first->d.uniformResourceIdentifier),
                               (size_t)ASN1_STRING_length(first->d.uniformResourceIdentifier)),
                    text, sizeof text);
    add_part(ret, size, text);
}

static void tell_scope(const struct pki_crl *c, char *ret, size_t size)
{
    char number[HEX_SIZE(PKI_LIST_NUMBER_MAX)], text[PKI_LIST_NUMBER_TEXT];
    ret[0] = '\0';
    if (c->base) {
        read_number(c->base, number);
        pki_list_number_text(number, text);
        (void)snprintf(ret, size, "delta to %s", text);
    }
    if (c->idp && c->idp->onlyuser > 0)
        add_part(ret, size, "devices");
    if (c->idp && c->idp->onlyCA > 0)
        add_part(ret, size, "CAs");
    if (c->idp && c->idp->onlysomereasons)
        add_part(ret, size, "some reasons");
    if (c->idp && c->idp->indirectCRL > 0)
        add_part(ret, size, "indirect");
    if (c->idp && c->idp->distpoint)
        add_point(ret, size, c->idp->distpoint);
    if (!ret[0])
        (void)snprintf(ret, size, "all certificates");
}

/* --- place --- */

static void mix_extension(struct digest *d, const struct pki_crl *c, int nid)
{
    int at = X509_CRL_get_ext_by_NID(c->der.head, nid, -1);
    const ASN1_OCTET_STRING *value = at < 0 ? NULL : X509_EXTENSION_get_data(X509_CRL_get_ext(c->der.head, at));
    digest_add_counted(d, value ? slice_make(ASN1_STRING_get0_data(value), (size_t)ASN1_STRING_length(value))
                                : SLICE_NONE);
}

static void hash_place(const struct pki_crl *c, bool by_signer, unsigned char ret[PKI_SHA256])
{
    const unsigned char *name;
    size_t len;
    if (X509_NAME_get0_der(pki_crl_issuer(c), &name, &len) != 1)
        fatal("pki: out of memory");
    struct digest *d = digest_new();
    digest_add_counted(d, slice_make(name, len));
    mix_extension(d, c, NID_issuing_distribution_point);
    if (by_signer)
        digest_add_counted(d, slice_make(c->signer_spki, PKI_SHA256));
    else
        mix_extension(d, c, NID_authority_key_identifier);
    digest_end(d, ret);
}

void pki_list_tell(const struct pki_crl *c, struct pki_list_info *ret)
{
    *ret = (struct pki_list_info){.delta = c->base != NULL, .next_update = c->next_update};
    ret->age.this_update = c->this_update;
    ret->entries = c->der.entries.count;
    read_number(c->number, ret->age.number);
    pki_name_text(pki_crl_issuer(c), ret->issuer, sizeof ret->issuer);
    tell_scope(c, ret->scope, sizeof ret->scope);
    hash_place(c, false, ret->claimed);
    if (sk_X509_num(c->signers) > 0)
        hash_place(c, true, ret->place);
}
