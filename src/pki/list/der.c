/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Walking a CRL with OpenSSL's ASN1_get_object:
 *
 *     CertificateList SEQUENCE
 *       tbsCertList SEQUENCE: version?, signature, issuer, thisUpdate, nextUpdate?, revokedCertificates?, [0]
 * extensions? signatureAlgorithm, signature
 *
 * The head is the same CertificateList with revokedCertificates taken out, decoded by OpenSSL as usual; the signature
 * is verified by OpenSSL over the original bytes.
 */
#include "pki/list/der.h"

#include <stdlib.h>

#include <openssl/asn1t.h>
#include <openssl/err.h>
#include <openssl/rsa.h>
#include <openssl/x509v3.h>

#include "base/mem.h"
#include "der/tlv.h"

enum { STRENGTH_MIN = 112 };

/* --- the parts of the list --- */

struct parts {
    struct tlv tbs;
    struct slice before, after; /* of the TBS's content: around revokedCertificates */
    struct slice entries;
    struct slice algorithm; /* within */
    struct slice trailer;   /* signatureAlgorithm, signature */
};

static bool next_is(struct slice rest, bool (*is)(const struct tlv *t))
{
    struct tlv t;
    return tlv_next(&rest, &t) && is(&t);
}

static bool is_version(const struct tlv *t)
{
    return tlv_is(t, V_ASN1_INTEGER);
}

static bool is_sequence(const struct tlv *t)
{
    return tlv_is(t, V_ASN1_SEQUENCE);
}

static bool is_extensions(const struct tlv *t)
{
    return t->class == V_ASN1_CONTEXT_SPECIFIC && t->tag == 0;
}

/* Behind the times: revokedCertificates and extensions, each once or not at all, in this order, and nothing else. */
static bool split_end(struct slice content, struct slice rest, struct parts *ret)
{
    struct tlv t;
    ret->before = slice_make(content.ptr, content.len - rest.len);
    ret->entries = SLICE_NONE;
    if (next_is(rest, is_sequence)) {
        if (!tlv_next(&rest, &t))
            return false;
        ret->entries = t.content;
    }
    ret->after = rest;
    return (!next_is(rest, is_extensions) || tlv_next(&rest, &t)) && rest.len == 0;
}

/* The order of RFC 5280 5.1 and no other: what stands elsewhere would be lost when the entries are taken out. */
static bool split_tbs(struct slice content, struct parts *ret)
{
    struct slice rest = content;
    struct tlv t;
    if (next_is(rest, is_version) && !tlv_next(&rest, &t))
        return false;
    if (!tlv_take(&rest, V_ASN1_SEQUENCE, &t)) /* signature */
        return false;
    ret->algorithm = t.whole;
    if (!tlv_take(&rest, V_ASN1_SEQUENCE, &t)) /* issuer */
        return false;
    if (!tlv_next(&rest, &t) || !tlv_is_time(&t))
        return false;
    if (next_is(rest, tlv_is_time) && !tlv_next(&rest, &t)) /* nextUpdate */
        return false;
    return split_end(content, rest, ret);
}

static bool split(struct slice der, struct parts *ret)
{
    struct slice rest = der;
    struct tlv list;
    if (!tlv_take(&rest, V_ASN1_SEQUENCE, &list) || rest.len != 0)
        return false;
    struct slice inside = list.content;
    if (!tlv_take(&inside, V_ASN1_SEQUENCE, &ret->tbs))
        return false;
    ret->trailer = inside;
    return split_tbs(ret->tbs.content, ret);
}

static void put(unsigned char **at, struct slice s)
{
    if (s.len > 0)
        memcpy(*at, s.ptr, s.len);
    *at += s.len;
}

/* In DER they are the same when their octets are. */
static bool two_algorithms(const struct parts *p)
{
    struct slice rest = p->trailer;
    struct tlv outer;
    return !tlv_next(&rest, &outer) || !slice_eq(outer.whole, p->algorithm);
}

/* The list without its entries, decoded. */
static X509_CRL *decode_head(const struct parts *p)
{
    int inner = (int)(p->before.len + p->after.len);
    int outer = ASN1_object_size(1, inner, V_ASN1_SEQUENCE) + (int)p->trailer.len;
    int total = ASN1_object_size(1, outer, V_ASN1_SEQUENCE);
    if (total <= 0)
        return NULL;
    unsigned char *der = mem_zalloc((size_t)total), *at = der;
    ASN1_put_object(&at, 1, outer, V_ASN1_SEQUENCE, V_ASN1_UNIVERSAL);
    ASN1_put_object(&at, 1, inner, V_ASN1_SEQUENCE, V_ASN1_UNIVERSAL);
    put(&at, p->before);
    put(&at, p->after);
    put(&at, p->trailer);
    const unsigned char *from = der;
    X509_CRL *head = d2i_X509_CRL(NULL, &from, total);
    if (head && from != der + total) {
        X509_CRL_free(head);
        head = NULL;
    }
    free(der);
    return head;
}

/* --- public --- */

enum result pki_crl_der_open(struct slice der, struct pki_crl_der *ret, struct error *err)
{
    struct parts parts;
    enum result r = R_INVALID;
    memset(ret, 0, sizeof *ret);
    if (der.len == 0 || der.len > INT32_MAX)
        return error_set(err, R_INVALID, "a CRL has 1 byte to 2 GiB, this one %zu", der.len);
    ERR_set_mark();
    if (split(der, &parts)) {
        ret->tbs = parts.tbs.whole;
        ret->head = decode_head(&parts);
        ret->two_algorithms = two_algorithms(&parts);
    }
    if (!ret->head)
        (void)error_set(err, R_INVALID, "not a CRL in DER (RFC 5280 5.1)");
    else
        r = pki_crl_entries_open(parts.entries, &ret->entries, err);
    ERR_pop_to_mark();
    if (r != OK)
        pki_crl_der_close(ret);
    return r;
}

void pki_crl_der_close(struct pki_crl_der *c)
{
    X509_CRL_free(c->head);
    pki_crl_entries_close(&c->entries);
    memset(c, 0, sizeof *c);
}

/* The hash of RSA-PSS stands in its parameters (RFC 4055 3.1; SHA-1 when it does not). */
static int pss_hash(const X509_ALGOR *algorithm)
{
    const void *value;
    int type, nid = NID_sha1;
    X509_ALGOR_get0(NULL, &type, &value, algorithm);
    RSA_PSS_PARAMS *params = type == V_ASN1_SEQUENCE ? ASN1_item_unpack(value, ASN1_ITEM_rptr(RSA_PSS_PARAMS)) : NULL;
    if (params && params->hashAlgorithm)
        nid = OBJ_obj2nid(params->hashAlgorithm->algorithm);
    RSA_PSS_PARAMS_free(params);
    return nid;
}

static bool broken_hash(const X509_CRL *head, const X509_ALGOR *algorithm)
{
    int signature = X509_CRL_get_signature_nid(head), md_nid = NID_undef;
    if (signature == NID_ED25519 || signature == NID_ED448)
        return false;
    if (signature == NID_rsassaPss)
        md_nid = pss_hash(algorithm);
    else if (!OBJ_find_sigid_algs(signature, &md_nid, NULL))
        return true;
    const EVP_MD *md = EVP_get_digestbynid(md_nid);
    return !md || md_nid == NID_sha1 || EVP_MD_get_size(md) * 4 < STRENGTH_MIN;
}

enum result pki_crl_der_verify(const struct pki_crl_der *c, EVP_PKEY *key, bool any_strength, struct error *err)
{
    const ASN1_BIT_STRING *signature;
    const X509_ALGOR *algorithm;
    X509_CRL_get0_signature(c->head, &signature, &algorithm);
    if (c->two_algorithms)
        return error_set(err, R_DENIED,
                         "it names one signature algorithm inside and another one outside (RFC 5280 5.1.1.2)");
    if (!any_strength && broken_hash(c->head, algorithm))
        return error_set(err, R_DENIED, "it is signed with a hash that is too weak (SHA-256 or stronger is wanted)");
    /* An ASN1_TYPE that holds a SEQUENCE is written as it is: OpenSSL hashes the very bytes that were signed. They stay
     * where they are, for a list may be long. */
    ASN1_STRING bytes = {
        .type = V_ASN1_SEQUENCE, .data = (unsigned char *)(uintptr_t)c->tbs.ptr, .length = (int)c->tbs.len};
    ASN1_TYPE tbs = {.type = V_ASN1_SEQUENCE, .value.sequence = &bytes};
    ERR_set_mark();
    int ok = ASN1_item_verify(ASN1_ITEM_rptr(ASN1_ANY), algorithm, signature, &tbs, key);
    ERR_pop_to_mark();
    return ok == 1 ? OK : error_set(err, R_DENIED, "its signature is wrong");
}
