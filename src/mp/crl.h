/* SPDX-License-Identifier: Apache-2.0 */
/* What the store keeps of a CRL: who issued it, its number, when the next one comes. */
#ifndef MP_CRL_H
#define MP_CRL_H

#include "pki/cert.h"

struct mp_crl {
    char issuer_sha256[PKI_HASH_HEX]; /* of the issuer's name; of a delta CRL another than of the full one */
    char issuer[256];
    char number[64]; /* hex of even length without leading zero bytes; "" when it has none */
    int64_t next_update;
    char *base64;              /* of the DER, malloc'ed */
    char sha256[PKI_HASH_HEX]; /* of the DER */
    int64_t size;
};

/* PEM, DER, or base64 of DER. R_INVALID: none of them, or without nextUpdate. mp_crl_free in any case. */
MUST_USE enum result mp_crl_read(struct slice data, struct mp_crl *ret, struct error *err);
void mp_crl_free(struct mp_crl *c);

#endif
