/* SPDX-License-Identifier: Apache-2.0 */
/* Cuts a file into its lists; looks at none of them. */
#include "pki/list/read.h"

#include <limits.h>
#include <stdlib.h>

#include <openssl/err.h>
#include <openssl/pem.h>

#include "base/mem.h"
#include "pki/cert/cert.h"

static int no_pass_phrase(char *buf UNUSED, int size UNUSED, int writing UNUSED, void *arg UNUSED)
{
    return -1;
}

static void push(struct slice **list, size_t *count, const void *der, size_t len)
{
    *list = mem_resize(*list, *count + 1, sizeof **list);
    (*list)[*count].ptr = slice_dup(slice_make(der, len));
    (*list)[(*count)++].len = len;
}

static enum result read_pem(struct slice pem, size_t max, struct slice **ret, size_t *ret_count, struct error *err)
{
    BIO *bio = pem.len <= INT_MAX ? BIO_new_mem_buf(pem.ptr, (int)pem.len) : NULL;
    enum result r = OK;
    for (bool more = bio != NULL; more && r == OK;) {
        unsigned char *der = NULL;
        long len = 0;
        more = PEM_bytes_read_bio(&der, &len, NULL, PEM_STRING_X509_CRL, bio, no_pass_phrase, NULL);
        if (more && *ret_count == max)
            r = error_set(err, R_LIMIT, "it holds more than %zu CRL%s", max, max == 1 ? "" : "s");
        else if (more)
            push(ret, ret_count, der, (size_t)len);
        else if (ERR_GET_REASON(ERR_peek_last_error()) != PEM_R_NO_START_LINE)
            r = error_set(err, R_INVALID, "CRL %zu of the PEM is malformed", *ret_count + 1);
        OPENSSL_free(der);
    }
    BIO_free(bio);
    return r;
}

enum result pki_crls_read(struct slice data, size_t max, struct slice **ret, size_t *ret_count, struct error *err)
{
    enum result r = OK;
    *ret = NULL;
    *ret_count = 0;
    if (data.len == 0)
        return error_set(err, R_INVALID, "it is empty");
    ERR_set_mark();
    if (data.ptr[0] == 0x30 && data.len > 1 && ((unsigned char)data.ptr[1] & 0x80))
        push(ret, ret_count, data.ptr, data.len);
    else
        r = read_pem(data, max, ret, ret_count, err);
    ERR_pop_to_mark();
    const char *hint = pki_cert_hint(data);
    if (r == OK && *ret_count == 0)
        r = error_set(err, R_INVALID, "it is not one CRL, in DER or PEM%s%s", hint ? ": " : "", hint ? hint : "");
    if (r != OK) {
        pki_crls_free(*ret, *ret_count);
        *ret = NULL;
        *ret_count = 0;
    }
    return r;
}

void pki_crls_free(struct slice *list, size_t count)
{
    for (size_t i = 0; i < count; i++)
        free((char *)(uintptr_t)list[i].ptr);
    free(list);
}

enum result pki_crl_to_der(struct slice data, char **ret, size_t *ret_len, struct error *err)
{
    struct slice *list;
    size_t count;
    *ret = NULL;
    *ret_len = data.len;
    enum result r = pki_crls_read(data, 1, &list, &count, err);
    if (r != OK)
        return r == R_LIMIT ? error_set(err, R_INVALID, "it is not one CRL, but several") : r;
    *ret = (char *)(uintptr_t)list[0].ptr;
    *ret_len = list[0].len;
    free(list);
    return OK;
}
