/* SPDX-License-Identifier: Apache-2.0 */
/* Which certificate, in a few bytes: enough to find it on its issuer's list without having it. */
#ifndef PKI_CERT_CERT_REF_H
#define PKI_CERT_CERT_REF_H

#include <stdbool.h>
#include <stdint.h>

#include <openssl/x509.h>

#include "base/attr.h"

enum {
    PKI_CERT_REF_KEY = 20,    /* bytes of a key identifier; that of SHA-1, which most are (RFC 5280 4.2.1.2) */
    PKI_CERT_REF_SERIAL = 21, /* of an INTEGER's content: 20 octets (4.1.2.2) and a sign */
};

struct pki_cert_ref {
    uint32_t issuer;                           /* of its name in canonical form (X509_NAME_hash) */
    unsigned char key[PKI_CERT_REF_KEY];       /* authorityKeyIdentifier's; a longer one is cut */
    unsigned char serial[PKI_CERT_REF_SERIAL]; /* content of the INTEGER */
    uint8_t key_len, serial_len;               /* key_len 0: it has none */
};

/* False: there is none, since it issued itself or its serial number is longer than it may be. */
MUST_USE bool pki_cert_ref_of(X509 *cert, struct pki_cert_ref *ret);

/* May this be the issuer's certificate? By name, and by key where both name one. */
bool pki_cert_ref_issued_by(const struct pki_cert_ref *r, X509 *issuer);

#endif
