/* SPDX-License-Identifier: Apache-2.0 */
/* Reading certificates: PEM and DER in and out, names, fingerprints. */
#ifndef PKI_CERT_CERT_H
#define PKI_CERT_CERT_H

#include <openssl/x509.h>

#include "base/error.h"
#include "base/slice.h"
#include "base/text/encode.h"

#define PKI_SHA256 32
#define PKI_HASH_HEX HEX_SIZE(PKI_SHA256)

/* First certificate of PEM or DER; the caller X509_free()s it. One whose key takes long to be read (der/key.h) is none
 * here. */
MUST_USE enum result pki_cert_read(struct slice data, X509 **ret, struct error *err);
/* Of the certificates above its own that a device tells when it registers (wire.md 6), in PEM. */
enum { PKI_TOLD_MAX = 8, PKI_TOLD_BYTES = 32 * 1024 };

/* All of a PEM (or the one of a DER), at most max. The caller sk_X509_pop_free()s. */
MUST_USE enum result pki_cert_read_all(struct slice data, size_t max, STACK_OF(X509) * *ret, struct error *err);
/* The same of what an administrator gave, whatever the keys are. */
MUST_USE enum result pki_cert_read_given(struct slice data, size_t max, STACK_OF(X509) * *ret, struct error *err);
/* What `data` is instead of PEM or DER of certificates or lists, and how to make that of it; NULL: nobody knows. */
const char *pki_cert_hint(struct slice data);
/* PEM private key, unencrypted; the caller EVP_PKEY_free()s it. */
MUST_USE enum result pki_key_read(struct slice pem, EVP_PKEY **ret, struct error *err);

char *pki_cert_pem(X509 *cert);   /* malloc'ed */
char *pki_key_pem(EVP_PKEY *key); /* PKCS#8, malloc'ed; a secret: mem_free_secret */
/* Standard base64 of the DER, malloc'ed (RFC 9440 puts ":" around it for Client-Cert). */
char *pki_cert_base64(X509 *cert);

void pki_cert_sha256(X509 *cert, unsigned char ret[PKI_SHA256]);      /* of the DER: x5t#S256, the fingerprint */
void pki_cert_spki_sha256(X509 *cert, unsigned char ret[PKI_SHA256]); /* of SubjectPublicKeyInfo */
void pki_cert_sha256_hex(X509 *cert, char ret[PKI_HASH_HEX]);
void pki_cert_spki_hex(X509 *cert, char ret[PKI_HASH_HEX]);
void pki_key_spki_sha256(EVP_PKEY *key, unsigned char ret[PKI_SHA256]);

/* RFC 4514 text of a name, of the subject or of the issuer, cut to size between characters: UTF-8 in which controls,
 * and what sets the direction of text, are escaped. */
void pki_name_text(const X509_NAME *name, char *ret, size_t size);
void pki_cert_subject(X509 *cert, char *ret, size_t size);
void pki_cert_issuer(X509 *cert, char *ret, size_t size);
void pki_cert_serial_hex(X509 *cert, char *ret, size_t size);
/* Wall seconds; false when there is none or it is malformed. */
MUST_USE bool pki_time_read(const ASN1_TIME *t, int64_t *ret);
int64_t pki_cert_not_after(X509 *cert); /* wall seconds */
int64_t pki_cert_not_before(X509 *cert);
/* Issuer and subject are the same name (RFC 5280 6.1), by whatever key. */
bool pki_cert_self_issued(X509 *cert);
/* Does it say clientAuth? OpenSSL accepts a leaf without any extended key usage; we want it said. */
bool pki_cert_for_clients(X509 *cert);
/* First URI SAN that starts with `prefix`, as C string; false when there is none or it does not fit. */
MUST_USE bool pki_cert_uri(X509 *cert, const char *prefix, char *ret, size_t size);

#endif
