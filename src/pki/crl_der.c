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
#include "pki/crl_der.h"

#include <stdlib.h>

#include <openssl/asn1t.h>
#include <openssl/err.h>
#include <openssl/rsa.h>
#include <openssl/x509v3.h>

#include "base/mem.h"

enum { STRENGTH_MIN = 112, REMOVE_FROM_CRL = 8 };

struct tlv {
    int tag, class;
    struct slice whole, content;
};

/* Cuts the next definite-length element from *rest. */
static bool tlv_next(struct slice *rest, struct tlv *ret)
{
    const unsigned char *at = (const unsigned char *)rest->ptr;
    long len = 0;
    if (rest->len == 0)
        return false;
    int flags = ASN1_get_object(&at, &len, &ret->tag, &ret->class, (long)rest->len);
    if (flags & 0x81) /* 0x80: malformed or too long; 0x01: indefinite length, not DER */
        return false;
    size_t head = (size_t)((const char *)at - rest->ptr);
    ret->content = slice_make(at, (size_t)len);
    ret->whole = slice_make(rest->ptr, head + (size_t)len);
    *rest = slice_skip(*rest, ret->whole.len);
    return true;
}

static bool tlv_is(const struct tlv *t, int tag)
{
    return t->class == V_ASN1_UNIVERSAL && t->tag == tag;
}

static bool tlv_take(struct slice *rest, int tag, struct tlv *ret)
{
    return tlv_next(rest, ret) && tlv_is(ret, tag);
}

static bool tlv_is_time(const struct tlv *t)
{
    return tlv_is(t, V_ASN1_UTCTIME) || tlv_is(t, V_ASN1_GENERALIZEDTIME);
}

/* --- the parts of the list --- */

struct parts {
    struct tlv tbs;
    struct slice before, after; /* of the TBS's content: around revokedCertificates */
    struct slice entries;
    struct slice trailer; /* signatureAlgorithm, signature */
};

/* Finds revokedCertificates: a SEQUENCE behind the times. */
static bool split_tbs(struct slice content, struct parts *ret)
{
    struct slice rest = content;
    struct tlv t;
    if (!tlv_next(&rest, &t) || (tlv_is(&t, V_ASN1_INTEGER) && !tlv_next(&rest, &t)))
        return false;
    if (!tlv_is(&t, V_ASN1_SEQUENCE) || !tlv_take(&rest, V_ASN1_SEQUENCE, &t)) /* signature, issuer */
        return false;
    if (!tlv_next(&rest, &t) || !tlv_is_time(&t))
        return false;
    ret->before = slice_make(content.ptr, content.len - rest.len);
    ret->after = rest;
    ret->entries = SLICE_NONE;
    while (rest.len > 0) {
        if (!tlv_next(&rest, &t))
            return false;
        if (tlv_is_time(&t)) {
            ret->before = slice_make(content.ptr, content.len - rest.len);
            ret->after = rest;
        } else if (tlv_is(&t, V_ASN1_SEQUENCE)) {
            ret->entries = t.content;
            ret->after = rest;
            break;
        }
    }
    return true; /* whatever else is wrong, OpenSSL's decoder says so */
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

/* --- entries --- */

struct entry {
    struct slice whole_serial; /* the INTEGER */
    struct slice serial;       /* its content */
    struct slice extensions;   /* content of the SEQUENCE OF, or empty */
};

static bool entry_next(struct slice *rest, struct entry *ret)
{
    struct tlv t, part;
    if (!tlv_take(rest, V_ASN1_SEQUENCE, &t))
        return false;
    struct slice in = t.content;
    if (!tlv_take(&in, V_ASN1_INTEGER, &part) || part.content.len == 0)
        return false;
    ret->whole_serial = part.whole;
    ret->serial = part.content;
    if (!tlv_next(&in, &part) || !tlv_is_time(&part))
        return false;
    ret->extensions = SLICE_NONE;
    if (in.len == 0)
        return true;
    if (!tlv_take(&in, V_ASN1_SEQUENCE, &part) || in.len != 0)
        return false;
    ret->extensions = part.content;
    return true;
}

struct entry_extension {
    struct slice oid; /* content of the OBJECT IDENTIFIER */
    bool critical;
    struct slice value; /* content of the OCTET STRING */
};

static bool entry_extension_next(struct slice *rest, struct entry_extension *ret)
{
    struct tlv t, part;
    if (!tlv_take(rest, V_ASN1_SEQUENCE, &t))
        return false;
    struct slice in = t.content;
    if (!tlv_take(&in, V_ASN1_OBJECT, &part))
        return false;
    ret->oid = part.content;
    ret->critical = false;
    if (!tlv_next(&in, &part))
        return false;
    if (tlv_is(&part, V_ASN1_BOOLEAN)) {
        ret->critical = part.content.len != 1 || part.content.ptr[0] != 0;
        if (!tlv_next(&in, &part))
            return false;
    }
    ret->value = part.content;
    return tlv_is(&part, V_ASN1_OCTET_STRING) && in.len == 0;
}

#define OID_REASON SLICE("\x55\x1d\x15") /* 2.5.29.21 id-ce-cRLReasons */

static int reason_of(struct slice value)
{
    struct tlv t;
    if (!tlv_take(&value, V_ASN1_ENUMERATED, &t) || t.content.len != 1)
        return 0;
    return (unsigned char)t.content.ptr[0];
}

/* OK; R_INVALID; R_DENIED for a critical extension that is not the reason. */
static enum result check_entry_extensions(struct slice extensions)
{
    struct entry_extension e;
    while (extensions.len > 0) {
        if (!entry_extension_next(&extensions, &e))
            return R_INVALID;
        if (e.critical && !slice_eq(e.oid, OID_REASON))
            return R_DENIED;
    }
    return OK;
}

static bool removed_from_crl(struct slice extensions)
{
    struct entry_extension e;
    while (extensions.len > 0 && entry_extension_next(&extensions, &e)) {
        if (slice_eq(e.oid, OID_REASON) && reason_of(e.value) == REMOVE_FROM_CRL)
            return true;
    }
    return false;
}

static enum result count_entries(struct slice entries, size_t *ret, struct error *err)
{
    struct entry e;
    size_t count = 0;
    while (entries.len > 0) {
        if (!entry_next(&entries, &e))
            return error_set(err, R_INVALID, "entry %zu of the CRL is malformed", count + 1);
        enum result r = check_entry_extensions(e.extensions);
        if (r == R_INVALID)
            return error_set(err, r, "an extension of entry %zu of the CRL is malformed", count + 1);
        if (r != OK)
            return error_set(err, r, "entry %zu of the CRL has a critical extension that is not known", count + 1);
        count++;
    }
    *ret = count;
    return OK;
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
        ret->entries = parts.entries;
        ret->head = decode_head(&parts);
    }
    if (!ret->head)
        (void)error_set(err, R_INVALID, "not a CRL in DER (RFC 5280 5.1)");
    else
        r = count_entries(ret->entries, &ret->count, err);
    ERR_pop_to_mark();
    if (r != OK)
        pki_crl_der_close(ret);
    return r;
}

void pki_crl_der_close(struct pki_crl_der *c)
{
    X509_CRL_free(c->head);
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

enum result pki_crl_der_verify(const struct pki_crl_der *c, EVP_PKEY *key, struct error *err)
{
    const ASN1_BIT_STRING *signature;
    const X509_ALGOR *algorithm;
    X509_CRL_get0_signature(c->head, &signature, &algorithm);
    if (broken_hash(c->head, algorithm))
        return error_set(err, R_DENIED, "it is signed with a hash that is too weak (SHA-256 or stronger is wanted)");
    /* An ASN1_TYPE that holds a SEQUENCE is written as it is: OpenSSL hashes the very bytes that were signed. */
    ASN1_TYPE *tbs = ASN1_TYPE_new();
    ASN1_STRING *bytes = ASN1_STRING_new();
    if (!tbs || !bytes || !ASN1_STRING_set(bytes, c->tbs.ptr, (int)c->tbs.len))
        fatal("pki: out of memory");
    ASN1_TYPE_set(tbs, V_ASN1_SEQUENCE, bytes);
    ERR_set_mark();
    int ok = ASN1_item_verify(ASN1_ITEM_rptr(ASN1_ANY), algorithm, signature, tbs, key);
    ERR_pop_to_mark();
    ASN1_TYPE_free(tbs);
    return ok == 1 ? OK : error_set(err, R_DENIED, "its signature is wrong");
}

void pki_crl_der_each(const struct pki_crl_der *c, pki_crl_der_fn *fn, void *arg)
{
    struct slice rest = c->entries;
    struct entry e;
    while (rest.len > 0 && entry_next(&rest, &e)) {
        if (!removed_from_crl(e.extensions))
            fn(arg, (uint32_t)(e.whole_serial.ptr - c->entries.ptr), e.serial);
    }
}

struct slice pki_crl_der_serial(const struct pki_crl_der *c, uint32_t offset)
{
    struct slice rest = slice_skip(c->entries, offset);
    struct tlv t;
    return tlv_take(&rest, V_ASN1_INTEGER, &t) ? t.content : SLICE_NONE;
}
