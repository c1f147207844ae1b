/* SPDX-License-Identifier: Apache-2.0 */
/* Who may open an archive: whoever knows a passphrase, or has the private key of one of some certificates. */
#ifndef ARCHIVE_LOCK_H
#define ARCHIVE_LOCK_H

#include <openssl/x509.h>

#include "base/buf.h"
#include "base/error.h"

enum { ARCHIVE_FILE_KEY = 16, ARCHIVE_HEADER_MAX = 64 * 1024, ARCHIVE_CERTIFICATES_MAX = 8 };

/* One of both; borrowed. */
struct archive_lock {
    struct slice passphrase;
    X509 *const *certificates;
    size_t count;
};

/* What opens it; one of the three. `file_key`: what the others lead to. */
struct archive_key {
    struct slice passphrase;
    EVP_PKEY *key;
    const unsigned char *file_key;
};

enum archive_kind { ARCHIVE_BY_PASSPHRASE, ARCHIVE_BY_CERTIFICATE };

/* Makes a file key and writes the header that leads to it (age-encryption.org/v1: one stanza `scrypt`, or for each
 * certificate a stanza `opencmg.org/cms` whose body is CMS AuthEnvelopedData, RFC 5083, AES-256-GCM, of the file key).
 * R_INVALID: a certificate whose key encrypts nothing. */
MUST_USE enum result archive_lock_write(const struct archive_lock *lock, struct buf *ret,
                                        unsigned char ret_key[ARCHIVE_FILE_KEY], struct error *err);

/* The length of the header that `data`, the beginning of a file, has. R_INVALID: it is none of ours, or of a newer
 * format; or it ends before its header does. */
MUST_USE enum result archive_lock_find(struct slice data, size_t *ret, enum archive_kind *ret_kind, struct error *err);

/* R_DENIED: another passphrase, or another key. R_INVALID: malformed or altered. */
MUST_USE enum result archive_lock_open(struct slice header, const struct archive_key *key,
                                       unsigned char ret_key[ARCHIVE_FILE_KEY], struct error *err);

#endif
