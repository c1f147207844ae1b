/* SPDX-License-Identifier: Apache-2.0 */
/* OpenSSL's ends without a socket: it reads straight from the slice that is being fed in, and writes into a buffer of
 * the loop, which goes to the stream below in one piece. */
#ifndef TLS_BIO_H
#define TLS_BIO_H

#include <openssl/bio.h>

#include "loop/loop.h"
#include "net/stream.h"

struct tls_bio {
    struct loop *loop;
    struct net_stream *below; /* NULL: what is written is dropped */
    struct slice in;          /* borrowed: not read yet */
    char *out;                /* one scratch buffer of the loop's, or NULL: nothing is waiting */
    size_t out_len;
};

/* One BIO for both directions; `ends` is borrowed and outlives it. SSL_set_bio takes it. */
BIO *tls_bio_new(struct tls_bio *ends);

/* Gives what OpenSSL has written to the stream below, and the buffer back to the loop. */
void tls_bio_send(struct tls_bio *ends);

#endif
