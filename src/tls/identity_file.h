/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A server's certificate and key from files: PEM, or PKCS#12 (.p12, .pfx; RFC 7292). Whatever else is found there (DER,
 * .p7b, an encrypted key, text of UTF-16, a certificate before its own) is refused with what it is and the command that
 * makes the right thing of it.
 */
#ifndef TLS_IDENTITY_FILE_H
#define TLS_IDENTITY_FILE_H

#include "tls/context.h"

struct tls_identity_files {
    const char *certificate;   /* PEM: the certificate, then its intermediates; or PKCS#12 with the key */
    const char *key;           /* PEM; NULL where `certificate` is PKCS#12 */
    const char *password_file; /* of the PKCS#12, its first line; NULL: it has none */
};

/* PEM, malloc'ed; the key unencrypted. */
struct tls_identity_text {
    char *certificate, *key;
    size_t certificate_len, key_len;
};

/* The certificate is the key's. *ret wants tls_identity_text_free, also after a fault. R_NOTFOUND, R_IO: a file;
 * R_INVALID: what is in it. The text names the file. */
MUST_USE enum result tls_identity_read(const struct tls_identity_files *files, struct tls_identity_text *ret,
                                       struct error *err);
void tls_identity_text_free(struct tls_identity_text *t);
struct tls_identity tls_identity_of(const struct tls_identity_text *t); /* borrows */

#endif
