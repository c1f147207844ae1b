/* SPDX-License-Identifier: Apache-2.0 */
/* OpenSSL's ends without a socket: it reads from a slice that is being fed in, and writes into a buffer. */
#ifndef TLS_BIO_H
#define TLS_BIO_H

#include <openssl/bio.h>

#include "base/buf.h"

struct tls_bio {
    struct slice in; /* borrowed: not read yet */
    struct buf out;  /* not sent yet */
};

/* One BIO for both directions; `ends` is borrowed and outlives it. SSL_set_bio takes it. */
BIO *tls_bio_new(struct tls_bio *ends);

#endif
