/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A server's or client's certificate and key from files: PEM, or PKCS#12 (.p12, .pfx; RFC 7292). Whatever else is found
 * there (DER, .p7b, an encrypted key, text of UTF-16, a certificate before its own) is refused with what it is and the
 * command that makes the right thing of it.
 */
#ifndef TLS_IDENTITY_FILE_H
#define TLS_IDENTITY_FILE_H

#include <sys/types.h>
#include <time.h>

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

/* The certificate is the key's, and the key its owner's alone. *ret wants tls_identity_text_free, also after a fault.
 * R_NOTFOUND, R_IO: a file; R_DENIED: others can read the key; R_INVALID: what is in it. The text names the file. */
MUST_USE enum result tls_identity_read(const struct tls_identity_files *files, struct tls_identity_text *ret,
                                       struct error *err);
/* The same for who judges himself whether the two belong together. */
MUST_USE enum result tls_identity_take(const struct tls_identity_files *files, struct tls_identity_text *ret,
                                       struct error *err);
void tls_identity_text_free(struct tls_identity_text *t);
struct tls_identity tls_identity_of(const struct tls_identity_text *t); /* borrows */

/* What tells one state of the files from another; {0}: none was looked at. They are looked at rather than watched, for
 * they may be links that a renewal turns elsewhere, or on a network. */
struct tls_identity_look {
    struct {
        ino_t inode;
        off_t size;
        struct timespec changed;
    } files[3];
};

/* Has any of them changed since the last look, or come, or gone? */
bool tls_identity_changed(struct tls_identity_look *look, const struct tls_identity_files *files);

#endif
