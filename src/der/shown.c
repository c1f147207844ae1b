/* SPDX-License-Identifier: Apache-2.0 */
/* Walks a Certificate message, and spoils what must not be read. */
#include "der/shown.h"

#include <string.h>

#include "der/key.h"

/* A vector behind its length of `octets` octets. False: it is cut. */
static bool take_vector(struct slice *rest, size_t octets, struct slice *ret)
{
    size_t len = 0;
    if (rest->len < octets)
        return false;
    for (size_t i = 0; i < octets; i++)
        len = len << 8 | (unsigned char)rest->ptr[i];
    struct slice behind = slice_skip(*rest, octets);
    if (behind.len < len)
        return false;
    *ret = slice_make(behind.ptr, len);
    *rest = slice_skip(behind, len);
    return true;
}

enum { HEADER = 4, LENGTH = 3, CONTEXT = 1, EXTENSIONS = 2 };

static bool open_list(int version, struct slice message, struct slice *ret)
{
    struct slice rest = slice_skip(message, HEADER), context;
    return message.len >= HEADER && (version != TLS1_3_VERSION || take_vector(&rest, CONTEXT, &context)) &&
           take_vector(&rest, LENGTH, ret);
}

/* *ret is set as well where its extensions are cut: OpenSSL reads it before them. */
static bool take_certificate(int version, struct slice *list, struct slice *ret)
{
    struct slice extensions;
    *ret = SLICE_NONE;
    return take_vector(list, LENGTH, ret) && (version != TLS1_3_VERSION || take_vector(list, EXTENSIONS, &extensions));
}

size_t der_shown_len(int version, struct slice message)
{
    struct slice list, cert;
    size_t ret = 0;
    if (!open_list(version, message, &list))
        return SIZE_MAX;
    while (list.len > 0) {
        if (!take_certificate(version, &list, &cert))
            return SIZE_MAX;
        ret += cert.len;
    }
    return ret;
}

/* What is malformed, OpenSSL refuses. */
static enum result check(int version, struct slice message, struct error *err)
{
    struct slice list, cert;
    if (!open_list(version, message, &list))
        return OK;
    for (size_t i = 1; list.len > 0; i++) {
        bool whole = take_certificate(version, &list, &cert);
        const char *slow = cert.ptr ? der_key_slow(cert) : NULL;
        if (slow)
            return error_set(err, R_DENIED, "certificate %zu of those that the peer shows %s", i, slow);
        if (!whole)
            break;
    }
    return OK;
}

void der_shown_stop_slow(int version, const void *message, size_t len, struct error *why)
{
    if (len > HEADER && check(version, slice_make(message, len), why) != OK)
        memset((unsigned char *)(uintptr_t)message + HEADER, 0xff, len - HEADER);
}

static void on_message(int is_out, int version, int type, const void *message, size_t len, SSL *ssl, void *arg)
{
    (void)ssl;
    if (!is_out && type == SSL3_RT_HANDSHAKE && len && *(const unsigned char *)message == SSL3_MT_CERTIFICATE)
        der_shown_stop_slow(version, message, len, arg);
}

void der_shown_guard(SSL_CTX *context, struct error *why)
{
    (void)SSL_CTX_set_options(context, DER_SHOWN_OPTIONS);
    SSL_CTX_set_msg_callback(context, on_message);
    SSL_CTX_set_msg_callback_arg(context, why);
}
