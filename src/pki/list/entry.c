/* SPDX-License-Identifier: Apache-2.0 */
/* The entries of a list straight from its DER, without OpenSSL's objects: a million of them would be some hundred
 * megabytes. */
#include "pki/list/entry.h"

#include <stdlib.h>

#include <openssl/x509v3.h>

#include "base/mem.h"
#include "der/tlv.h"

enum { REMOVE_FROM_CRL = 8, RUNS_MAX = 65536 };

struct entry {
    uint32_t offset;
    struct slice serial;     /* content of the INTEGER */
    struct slice extensions; /* content of the SEQUENCE OF, or empty */
};

static bool entry_next(struct slice *rest, struct entry *ret)
{
    struct tlv t, part;
    if (!tlv_take(rest, V_ASN1_SEQUENCE, &t))
        return false;
    struct slice in = t.content;
    if (!tlv_take(&in, V_ASN1_INTEGER, &part) || part.content.len == 0)
        return false;
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

struct extension {
    struct slice oid; /* content of the OBJECT IDENTIFIER */
    bool critical;
    struct slice value; /* content of the OCTET STRING */
};

static bool extension_next(struct slice *rest, struct extension *ret)
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
#define OID_DATE SLICE("\x55\x1d\x18")   /* 2.5.29.24 id-ce-invalidityDate: changes nothing for us */
#define OID_ISSUER SLICE("\x55\x1d\x1d") /* 2.5.29.29 id-ce-certificateIssuer */

static int reason_of(struct slice value)
{
    struct tlv t;
    if (!tlv_take(&value, V_ASN1_ENUMERATED, &t) || t.content.len != 1)
        return 0;
    return (unsigned char)t.content.ptr[0];
}

/* --- whose certificate --- */

/* A copy of the directory name among the general names; NULL: none, or malformed. */
static X509_NAME *read_issuer(struct slice value)
{
    const unsigned char *at = (const unsigned char *)value.ptr;
    X509_NAME *name = NULL;
    GENERAL_NAMES *names = d2i_GENERAL_NAMES(NULL, &at, (long)value.len);
    if (names && at == (const unsigned char *)value.ptr + value.len) {
        for (int i = 0; i < sk_GENERAL_NAME_num(names) && !name; i++) {
            const GENERAL_NAME *n = sk_GENERAL_NAME_value(names, i);
            if (n->type == GEN_DIRNAME)
                name = X509_NAME_dup(n->d.directoryName);
        }
    }
    GENERAL_NAMES_free(names);
    return name;
}

static enum result add_run(struct pki_crl_entries *e, uint32_t offset, struct slice value)
{
    X509_NAME *issuer = read_issuer(value);
    if (!issuer)
        return R_INVALID;
    if (e->run_count > 0 && X509_NAME_cmp(e->runs[e->run_count - 1].issuer, issuer) == 0) {
        X509_NAME_free(issuer);
        return OK;
    }
    if (e->run_count == RUNS_MAX) {
        X509_NAME_free(issuer);
        return R_LIMIT;
    }
    if ((e->run_count & (e->run_count - 1)) == 0) /* room doubles at each power of two */
        e->runs = mem_resize(e->runs, e->run_count ? e->run_count * 2 : 1, sizeof *e->runs);
    e->runs[e->run_count++] = (struct pki_crl_run){offset, issuer};
    return OK;
}

/* --- opening --- */

static enum result check_extensions(struct pki_crl_entries *ret, const struct entry *e)
{
    struct slice rest = e->extensions;
    struct extension x;
    enum result r = OK;
    while (rest.len > 0 && r == OK) {
        if (!extension_next(&rest, &x))
            return R_INVALID;
        if (slice_eq(x.oid, OID_ISSUER))
            r = add_run(ret, e->offset, x.value);
        else if (x.critical && !slice_eq(x.oid, OID_REASON) && !slice_eq(x.oid, OID_DATE))
            r = R_DENIED;
    }
    return r;
}

static const char *const faults[] = {[R_INVALID] = "has a malformed extension",
                                     [R_DENIED] = "has a critical extension that is not known",
                                     [R_LIMIT] = "is of one issuer too many"};

static enum result read_all(struct pki_crl_entries *ret, struct error *err)
{
    struct slice rest = ret->content;
    struct entry e;
    while (rest.len > 0) {
        e.offset = (uint32_t)(rest.ptr - ret->content.ptr);
        if (!entry_next(&rest, &e))
            return error_set(err, R_INVALID, "entry %zu of the CRL is malformed", ret->count + 1);
        enum result r = check_extensions(ret, &e);
        if (r != OK)
            return error_set(err, r, "entry %zu of the CRL %s", ret->count + 1, faults[r]);
        ret->count++;
    }
    return OK;
}

enum result pki_crl_entries_open(struct slice content, struct pki_crl_entries *ret, struct error *err)
{
    *ret = (struct pki_crl_entries){.content = content};
    enum result r = read_all(ret, err);
    if (r != OK)
        pki_crl_entries_close(ret);
    return r;
}

void pki_crl_entries_close(struct pki_crl_entries *e)
{
    for (size_t i = 0; i < e->run_count; i++)
        X509_NAME_free(e->runs[i].issuer);
    free(e->runs);
    memset(e, 0, sizeof *e);
}

/* --- asking --- */

void pki_crl_entries_each(const struct pki_crl_entries *all, pki_crl_entry_fn *fn, void *arg)
{
    struct slice rest = all->content;
    struct tlv entry, serial;
    while (rest.len > 0) {
        uint32_t offset = (uint32_t)(rest.ptr - all->content.ptr);
        if (!tlv_take(&rest, V_ASN1_SEQUENCE, &entry) || !tlv_next(&entry.content, &serial))
            return; /* can't be: all were read when the list was opened */
        fn(arg, offset, serial.content);
    }
}

struct pki_crl_entry pki_crl_entry_at(const struct pki_crl_entries *all, uint32_t offset)
{
    struct pki_crl_entry ret = {.serial = SLICE_NONE};
    struct slice rest = slice_skip(all->content, offset);
    struct entry e;
    struct extension x;
    if (!entry_next(&rest, &e))
        return ret;
    ret.serial = e.serial;
    while (e.extensions.len > 0 && extension_next(&e.extensions, &x))
        ret.removed |= slice_eq(x.oid, OID_REASON) && reason_of(x.value) == REMOVE_FROM_CRL;
    return ret;
}

const X509_NAME *pki_crl_entry_issuer(const struct pki_crl_entries *e, uint32_t offset)
{
    size_t lo = 0, hi = e->run_count;
    while (lo < hi) {
        size_t middle = lo + (hi - lo) / 2;
        if (e->runs[middle].from <= offset)
            lo = middle + 1;
        else
            hi = middle;
    }
    return lo > 0 ? e->runs[lo - 1].issuer : NULL;
}
