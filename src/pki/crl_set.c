/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Asking the CRLs. Admission (which of them may be used at all) is in crl_admit.c.
 */
#include "pki/crl_set.h"

#include <stdlib.h>

#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/x509v3.h>

#include "base/mem.h"
#include "pki/cert.h"
#include "pki/crl_admit.h"
#include "pki/crl_index.h"

enum { CRLS_MAX = 4096, CRL_BYTES_MAX = 512 * 1024 * 1024, CLOCK_LEEWAY = 300 };

struct pki_crl_set {
    struct pki_crl **crls; /* after sealing: the usable ones */
    size_t count;
    struct pki_crl_index *index; /* NULL until sealed */
};

struct pki_crl_set *pki_crl_set_new(void)
{
    return mem_zalloc(sizeof(struct pki_crl_set));
}

void pki_crl_set_free(struct pki_crl_set *s)
{
    if (!s)
        return;
    for (size_t i = 0; i < s->count; i++)
        pki_crl_free(s->crls[i]);
    free(s->crls);
    pki_crl_index_free(s->index);
    free(s);
}

/* --- adding --- */

static enum result add_der(struct pki_crl_set *s, struct slice der, struct error *err)
{
    struct pki_crl *crl;
    if (s->count == CRLS_MAX)
        return error_set(err, R_LIMIT, "more than %d CRLs", CRLS_MAX);
    enum result r = pki_crl_new(der, &crl, err);
    if (r != OK)
        return r;
    s->crls = mem_resize(s->crls, s->count + 1, sizeof *s->crls);
    s->crls[s->count++] = crl;
    return OK;
}

static int no_pass_phrase(char *buf UNUSED, int size UNUSED, int writing UNUSED, void *arg UNUSED)
{
    return -1;
}

static enum result add_pem(struct pki_crl_set *s, struct slice pem, struct error *err)
{
    enum result r = OK;
    size_t found = 0;
    BIO *bio = BIO_new_mem_buf(pem.ptr, (int)pem.len);
    if (!bio)
        fatal("pki: out of memory");
    while (r == OK) {
        unsigned char *der = NULL;
        long len = 0;
        if (!PEM_bytes_read_bio(&der, &len, NULL, PEM_STRING_X509_CRL, bio, no_pass_phrase, NULL)) {
            if (ERR_GET_REASON(ERR_peek_last_error()) != PEM_R_NO_START_LINE)
                r = error_set(err, R_INVALID, "CRL %zu of the PEM is malformed", found + 1);
            else if (found == 0)
                r = error_set(err, R_INVALID, "the PEM holds no CRL");
            break;
        }
        r = add_der(s, slice_make(der, (size_t)len), err);
        OPENSSL_free(der);
        found++;
    }
    BIO_free(bio);
    return r;
}

enum result pki_crl_set_add(struct pki_crl_set *s, struct slice data, struct error *err)
{
    size_t before = s->count;
    if (s->index)
        return error_set(err, R_INVALID, "the trust is sealed");
    if (data.len == 0 || data.len > CRL_BYTES_MAX)
        return error_set(err, data.len ? R_LIMIT : R_INVALID, "a CRL has 1 to %d bytes, this one %zu", CRL_BYTES_MAX,
                         data.len);
    ERR_set_mark();
    bool pem = data.len < 2 || data.ptr[0] != 0x30 || !((unsigned char)data.ptr[1] & 0x80); /* as in cert.c */
    enum result r = pem ? add_pem(s, data, err) : add_der(s, data, err);
    ERR_pop_to_mark();
    while (r != OK && s->count > before)
        pki_crl_free(s->crls[--s->count]);
    return r;
}

/* --- sealing --- */

struct indexing {
    struct pki_crl_index *index;
    uint32_t crl;
};

static void index_entry(void *arg, uint32_t offset, struct slice serial)
{
    struct indexing *i = arg;
    pki_crl_index_add(i->index, i->crl, offset, serial);
}

static void build_index(struct pki_crl_set *s)
{
    size_t entries = 0;
    for (size_t i = 0; i < s->count; i++)
        entries += s->crls[i]->der.count;
    s->index = pki_crl_index_new(entries);
    for (size_t i = 0; i < s->count; i++) {
        struct indexing x = {s->index, (uint32_t)i};
        pki_crl_der_each(&s->crls[i]->der, index_entry, &x);
    }
    pki_crl_index_seal(s->index);
}

/* Keeps the newer of two CRLs of the same scope; true when `crl` was taken or needs no place of its own. */
static void keep_newest(struct pki_crl_set *s, size_t *kept, struct pki_crl *crl, struct buf *warnings)
{
    for (size_t i = 0; i < *kept; i++) {
        struct pki_crl *other = s->crls[i];
        if (!pki_crl_same_scope(crl, other))
            continue;
        int order = pki_crl_compare_age(crl, other);
        if (order < 0)
            pki_crl_warn(crl, warnings, "it is older than another one of this issuer (lower cRLNumber or thisUpdate)");
        if (order > 0) {
            s->crls[i] = crl;
            crl = other;
        }
        pki_crl_free(crl);
        return;
    }
    s->crls[(*kept)++] = crl;
}

void pki_crl_set_seal(struct pki_crl_set *s, STACK_OF(X509) * anchors, STACK_OF(X509) * intermediates,
                      struct buf *warnings)
{
    size_t kept = 0;
    if (s->index)
        return;
    ERR_set_mark();
    for (size_t i = 0; i < s->count; i++) {
        struct pki_crl *crl = s->crls[i];
        struct error err = {0};
        if (pki_crl_admit(crl, anchors, intermediates, &err) == OK) {
            keep_newest(s, &kept, crl, warnings);
        } else {
            pki_crl_warn(crl, warnings, err.text);
            pki_crl_free(crl);
        }
    }
    ERR_pop_to_mark();
    s->count = kept;
    build_index(s);
}

/* --- asking --- */

static bool confirm(const void *arg, uint32_t crl, uint32_t offset, struct slice serial)
{
    const struct pki_crl_set *s = arg;
    return pki_crl_serial_eq(pki_crl_der_serial(&s->crls[crl]->der, offset), serial);
}

struct question {
    X509 *cert, *issuer;
    unsigned char issuer_spki[PKI_SHA256];
    unsigned char *serial_der; /* the INTEGER */
    struct slice serial;       /* its content */
    CRL_DIST_POINTS *points;   /* of the certificate, or NULL */
};

static bool open_question(struct question *q, X509 *cert, X509 *issuer)
{
    memset(q, 0, sizeof *q);
    q->cert = cert;
    q->issuer = issuer;
    pki_cert_spki_sha256(issuer, q->issuer_spki);
    int len = i2d_ASN1_INTEGER(X509_get0_serialNumber(cert), &q->serial_der);
    const unsigned char *at = q->serial_der;
    long content = 0;
    int tag, class;
    if (len <= 0 || (ASN1_get_object(&at, &content, &tag, &class, len) & 0x80))
        return false;
    q->serial = slice_make(at, (size_t)content);
    q->points = X509_get_ext_d2i(cert, NID_crl_distribution_points, NULL, NULL);
    return true;
}

static void close_question(struct question *q)
{
    OPENSSL_free(q->serial_der);
    CRL_DIST_POINTS_free(q->points);
}

/* Takes one CRL's word into the answer. */
static void consult(const struct pki_crl_set *s, uint32_t i, const struct question *q, int64_t now,
                    struct pki_crl_answer *ret)
{
    const struct pki_crl *crl = s->crls[i];
    if (pki_crl_index_has(s->index, i, q->serial, confirm, s)) {
        ret->state = PKI_CRL_REVOKED;
    } else if (crl->this_update > now + CLOCK_LEEWAY) {
        ret->not_begun = true;
    } else if (crl->next_update < now) {
        bool later = ret->state == PKI_CRL_UNAVAILABLE || crl->next_update > ret->next_update;
        if (ret->state != PKI_CRL_GOOD && later) {
            ret->state = PKI_CRL_EXPIRED;
            ret->next_update = crl->next_update;
        }
    } else {
        bool earlier = ret->state != PKI_CRL_GOOD || crl->next_update < ret->next_update;
        ret->state = PKI_CRL_GOOD;
        if (earlier)
            ret->next_update = crl->next_update;
    }
}

void pki_crl_set_check(const struct pki_crl_set *s, X509 *cert, X509 *issuer, int64_t now, struct pki_crl_answer *ret)
{
    struct question q;
    *ret = (struct pki_crl_answer){.state = PKI_CRL_UNAVAILABLE};
    ERR_set_mark();
    if (open_question(&q, cert, issuer)) {
        for (size_t i = 0; i < s->count && ret->state != PKI_CRL_REVOKED; i++) {
            if (pki_crl_speaks_for(s->crls[i], cert, issuer, q.issuer_spki, q.points))
                consult(s, (uint32_t)i, &q, now, ret);
        }
    }
    close_question(&q);
    ERR_pop_to_mark();
}
