/* SPDX-License-Identifier: Apache-2.0 */
/* OpenSSL's ends. */
#include "tls/bio.h"

#include <pthread.h>

#include "loop/watch.h"

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
    *ret = len;
    while (len) {
        if (!ends->out)
            ends->out = loop_scratch_take(ends->loop);
        size_t room = LOOP_SCRATCH_SIZE - ends->out_len, n = len < room ? len : room;
        memcpy(ends->out + ends->out_len, from, n);
        ends->out_len += n;
        from += n;
        len -= n;
        if (ends->out_len == LOOP_SCRATCH_SIZE)
            tls_bio_send(ends);
    }
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

static void make_method(void)
{
    method = BIO_meth_new(BIO_get_new_index() | BIO_TYPE_SOURCE_SINK, "slice");
    if (!method || BIO_meth_set_read_ex(method, bio_read) != 1 || BIO_meth_set_write_ex(method, bio_write) != 1 ||
        BIO_meth_set_ctrl(method, bio_ctrl) != 1)
        fatal("OpenSSL: BIO method");
}

BIO *tls_bio_new(struct tls_bio *ends)
{
    static pthread_once_t once = PTHREAD_ONCE_INIT;
    (void)pthread_once(&once, make_method);
    BIO *b = BIO_new(method);
    if (!b)
        fatal("OpenSSL: out of memory");
    BIO_set_data(b, ends);
    BIO_set_init(b, 1);
    return b;
}

void tls_bio_send(struct tls_bio *ends)
{
    if (ends->out_len && ends->below)
        net_stream_write(ends->below, slice_make(ends->out, ends->out_len));
    loop_scratch_give(ends->loop, ends->out);
    ends->out = NULL;
    ends->out_len = 0;
}
