/* SPDX-License-Identifier: Apache-2.0 */
#include "tls/bio.h"

#include <pthread.h>

static int bio_read(BIO *b, char *to, size_t want, size_t *ret)
{
    struct tls_bio *ends = BIO_get_data(b);
    size_t n = want < ends->in.len ? want : ends->in.len;
    BIO_clear_retry_flags(b);
    if (n == 0) {
        BIO_set_retry_read(b);
        return 0;
    }
    memcpy(to, ends->in.ptr, n);
    ends->in = slice_skip(ends->in, n);
    *ret = n;
    return 1;
}

static int bio_write(BIO *b, const char *from, size_t len, size_t *ret)
{
    struct tls_bio *ends = BIO_get_data(b);
    BIO_clear_retry_flags(b);
    if (buf_append(&ends->out, slice_make(from, len)) != OK)
        return 0; /* over the maximum: OpenSSL fails the connection */
    *ret = len;
    return 1;
}

static long bio_ctrl(BIO *b, int cmd, long num, void *ptr)
{
    (void)b;
    (void)num;
    (void)ptr;
    return cmd == BIO_CTRL_FLUSH;
}

static BIO_METHOD *method;
static pthread_once_t once = PTHREAD_ONCE_INIT;

static void make_method(void)
{
    method = BIO_meth_new(BIO_get_new_index() | BIO_TYPE_SOURCE_SINK, "slice");
    if (!method || BIO_meth_set_read_ex(method, bio_read) != 1 || BIO_meth_set_write_ex(method, bio_write) != 1 ||
        BIO_meth_set_ctrl(method, bio_ctrl) != 1)
        fatal("OpenSSL: BIO method");
}

BIO *tls_bio_new(struct tls_bio *ends)
{
    (void)pthread_once(&once, make_method);
    BIO *b = BIO_new(method);
    if (!b)
        fatal("OpenSSL: out of memory");
    BIO_set_data(b, ends);
    BIO_set_init(b, 1);
    return b;
}
