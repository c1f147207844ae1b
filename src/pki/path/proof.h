/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Signatures that this process verified and found right, by a SHA-256 of certificate and key: true for ever, whatever
 * is trusted. So an issuer's certificate costs its first device alone, and a new bundle or list costs no signature.
 * Bounded: of two in one place the later stays. Thread-safe. Internal to src/pki.
 */
#ifndef PKI_PATH_PROOF_H
#define PKI_PATH_PROOF_H

#include "base/attr.h"
#include "pki/cert/cert.h"

MUST_USE bool pki_proof_known(const unsigned char pair[PKI_SHA256]);
void pki_proof_keep(const unsigned char pair[PKI_SHA256]);

#endif
