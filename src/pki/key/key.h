/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A private key wherever its administrator keeps it: in PEM, or in a TPM or HSM, which sign and never give it away. The
 * latter is told by a URI (handle:0x81000001, object:FILE, pkcs11:token=…;object=…, RFC 7512) or by the PEM that
 * tpm2-openssl makes (TSS2 PRIVATE KEY), and read by OpenSSL's provider for it.
 */
#ifndef PKI_KEY_KEY_H
#define PKI_KEY_KEY_H

#include <openssl/evp.h>

#include "base/error.h"
#include "base/slice.h"

enum { PKI_KEY_URI_MAX = 1024 };

/* Is it such a URI rather than a file's path? */
bool pki_key_is_uri(struct slice text);
/* Does the text (of a file, or a URI) tell of a key that stays in its TPM or HSM? */
bool pki_key_is_kept(struct slice text);
/* A URI as a setting takes it: no PIN is in it, where whoever lists settings or processes sees it. */
MUST_USE enum result pki_key_check_uri(struct slice uri, struct error *err);

/* A text as pki_key_is_kept() knows it. The caller EVP_PKEY_free()s *ret, which signs in every library context and
 * can't be written as PEM. R_IO: no such provider, or no such key; R_DENIED: the PIN, or its file; R_INVALID: no URI.
 * The text never holds a PIN. */
MUST_USE enum result pki_key_open_kept(struct slice text, EVP_PKEY **ret, struct error *err);

/* Was it read so? */
bool pki_key_stays(const EVP_PKEY *key);

/* What an administrator named as a key: a URI, or the path of a file (0600) that holds PEM, or such a URI in one line.
 * *ret_text tells the key again, malloc'ed, a secret (mem_free_secret): PEM of the key alone, or what
 * pki_key_open_kept() takes; NULL: not wanted. The text names the file or the URI. */
MUST_USE enum result pki_key_take(const char *where, EVP_PKEY **ret, char **ret_text, struct error *err);
/* The same of text that was such a file's. */
MUST_USE enum result pki_key_of(struct slice text, EVP_PKEY **ret, char **ret_text, struct error *err);

bool pki_key_is_p256(const EVP_PKEY *key); /* NULL is not */

#endif
