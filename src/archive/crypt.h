/* SPDX-License-Identifier: Apache-2.0 */
/* What the age format (https://age-encryption.org/v1) is made of, by OpenSSL: ChaCha20-Poly1305 (RFC 8439), HKDF (RFC
 * 5869) and HMAC of SHA-256, scrypt (RFC 7914). A fault of OpenSSL's own ends the process. */
#ifndef ARCHIVE_CRYPT_H
#define ARCHIVE_CRYPT_H

#include "base/error.h"
#include "base/slice.h"

enum { CRYPT_KEY = 32, CRYPT_NONCE = 12, CRYPT_TAG = 16 };

/* `ret` has room for the tag behind it, or, opened, for `sealed` without it. */
void crypt_seal(const unsigned char key[CRYPT_KEY], const unsigned char nonce[CRYPT_NONCE], struct slice plain,
                void *ret);
/* False: another key, or it was altered. */
MUST_USE bool crypt_open(const unsigned char key[CRYPT_KEY], const unsigned char nonce[CRYPT_NONCE],
                         struct slice sealed, void *ret);

void crypt_hkdf(struct slice secret, struct slice salt, const char *info, unsigned char ret[CRYPT_KEY]);
void crypt_hmac(const unsigned char key[CRYPT_KEY], struct slice text, unsigned char ret[CRYPT_KEY]);
/* r 8, p 1: takes 2^log_n KiB. R_IO: the machine has not that much memory. */
MUST_USE enum result crypt_scrypt(struct slice passphrase, struct slice salt, unsigned log_n,
                                  unsigned char ret[CRYPT_KEY], struct error *err);

#endif
