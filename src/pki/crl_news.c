/* SPDX-License-Identifier: Apache-2.0 */
#include "pki/crl_news.h"

#include <limits.h>
#include <stdlib.h>

#include <openssl/bn.h>
#include <openssl/err.h>
#include <openssl/pem.h>

#include "base/clock.h"
#include "base/mem.h"

enum { CLOCK_LEEWAY = 300, NUMBER_TEXT = 64 };

static void number_text(const struct pki_crl *c, char ret[NUMBER_TEXT])
{
    BIGNUM *n = c->number ? ASN1_INTEGER_to_BN(c->number, NULL) : NULL;
    char *text = n ? BN_bn2dec(n) : NULL;
    (void)snprintf(ret, NUMBER_TEXT, "%s", text ? text : "none");
    OPENSSL_free(text);
    BN_free(n);
}

/* The same issuer, distribution point and completeness; the key may be another one, after a change of keys. */
static bool successor(struct pki_crl *fresh, struct pki_crl *present)
{
    memcpy(present->signer_spki, fresh->signer_spki, PKI_SHA256);
    return !fresh->base == !present->base && pki_crl_same_scope(fresh, present);
}

static enum result check_age(struct pki_crl *fresh, struct slice der, struct error *err)
{
    struct pki_crl *present;
    char a[NUMBER_TEXT], b[NUMBER_TEXT], x[CLOCK_TEXT_SIZE], y[CLOCK_TEXT_SIZE];
    enum result r = OK;
    if (pki_crl_new_borrowed(der, &present, NULL) != OK)
        return OK; /* what can't be read is no reason to keep it */
    if (pki_crl_read(present, NULL) == OK && successor(fresh, present) && pki_crl_compare_age(fresh, present) < 0) {
        number_text(fresh, a);
        number_text(present, b);
        clock_rfc3339(fresh->this_update, x);
        clock_rfc3339(present->this_update, y);
        r = error_set(
            err, R_DENIED,
            "it is older than the list in use: cRLNumber %s of %s after %s of %s; the publisher has gone back", a, x, b,
            y);
    }
    pki_crl_free(present);
    return r;
}

static enum result check_begun(const struct pki_crl *c, int64_t now, struct error *err)
{
    char when[CLOCK_TEXT_SIZE];
    if (c->this_update <= now + CLOCK_LEEWAY)
        return OK;
    clock_rfc3339(c->this_update, when);
    return error_set(err, R_DENIED, "its thisUpdate %s lies in the future; check the clocks", when);
}

static enum result check(struct pki_crl *c, const struct pki_crl_signers *from, struct slice present, int64_t now,
                         struct error *err)
{
    enum result r = pki_crl_admit(c, from, err);
    if (r == OK)
        r = check_begun(c, now, err);
    return r == OK && present.ptr ? check_age(c, present, err) : r;
}

enum result pki_crl_check_news(const struct pki_crl_signers *from, struct slice der, struct slice present, int64_t now,
                               struct pki_crl_news *ret, struct error *err)
{
    struct pki_crl *c;
    *ret = (struct pki_crl_news){.unchanged = present.ptr && slice_eq(der, present)};
    ERR_set_mark();
    enum result r = pki_crl_new_borrowed(der, &c, err);
    if (r == OK) {
        r = ret->unchanged ? pki_crl_read(c, err) : check(c, from, present, now, err);
        ret->this_update = c->this_update;
        ret->next_update = c->next_update;
        ret->entries = c->der.entries.count;
        pki_crl_free(c);
    }
    ERR_pop_to_mark();
    return r;
}

static int no_pass_phrase(char *buf UNUSED, int size UNUSED, int writing UNUSED, void *arg UNUSED)
{
    return -1;
}

static enum result pem_to_der(struct slice pem, char **ret, size_t *ret_len, struct error *err)
{
    unsigned char *der = NULL, *more = NULL;
    long len = 0, more_len;
    BIO *bio = pem.len <= INT_MAX ? BIO_new_mem_buf(pem.ptr, (int)pem.len) : NULL;
    bool good = bio && PEM_bytes_read_bio(&der, &len, NULL, PEM_STRING_X509_CRL, bio, no_pass_phrase, NULL);
    if (good && PEM_bytes_read_bio(&more, &more_len, NULL, PEM_STRING_X509_CRL, bio, no_pass_phrase, NULL)) {
        OPENSSL_free(more);
        good = false;
    }
    BIO_free(bio);
    if (good) {
        *ret = mem_zalloc((size_t)len);
        *ret_len = (size_t)len;
        memcpy(*ret, der, (size_t)len);
    }
    OPENSSL_free(der);
    return good ? OK : error_set(err, R_INVALID, "it is not one CRL, in DER or PEM");
}

enum result pki_crl_to_der(struct slice data, char **ret, size_t *ret_len, struct error *err)
{
    *ret = NULL;
    *ret_len = data.len;
    if (data.len == 0)
        return error_set(err, R_INVALID, "it is empty");
    if (data.ptr[0] == 0x30 && data.len > 1 && ((unsigned char)data.ptr[1] & 0x80)) {
        *ret = mem_zalloc(data.len);
        memcpy(*ret, data.ptr, data.len);
        return OK;
    }
    ERR_set_mark();
    enum result r = pem_to_der(data, ret, ret_len, err);
    ERR_pop_to_mark();
    return r;
}
