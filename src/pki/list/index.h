/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Which serials are revoked: one sorted array of 16 bytes an entry over all CRLs. A hit by hash is only a candidate;
 * the caller confirms it against the bytes of the CRL, so that a collision never refuses a good certificate.
 */
#ifndef PKI_LIST_INDEX_H
#define PKI_LIST_INDEX_H

#include <stdint.h>

#include "base/attr.h"
#include "base/slice.h"

struct pki_crl_index;

/* Room for exactly `capacity` entries; adding more is a bug. */
struct pki_crl_index *pki_crl_index_new(size_t capacity);
void pki_crl_index_free(struct pki_crl_index *x); /* NULL allowed */

/* `crl`: the caller's number of the CRL; `offset`: where its serial lies there. Serial: content of an INTEGER. */
void pki_crl_index_add(struct pki_crl_index *x, uint32_t crl, uint32_t offset, struct slice serial);
void pki_crl_index_seal(struct pki_crl_index *x);

/* Does the serial at `offset` of this CRL equal the one looked for? */
typedef bool pki_crl_index_confirm(void *arg, uint32_t crl, uint32_t offset, struct slice serial);
/* Thread-safe once sealed. */
bool pki_crl_index_has(const struct pki_crl_index *x, uint32_t crl, struct slice serial, pki_crl_index_confirm *confirm,
                       void *arg);

/* Two INTEGER contents that are the same number (a superfluous leading 00 or ff is forgiven). */
bool pki_crl_serial_eq(struct slice a, struct slice b);

#endif
