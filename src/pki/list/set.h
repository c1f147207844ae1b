/* SPDX-License-Identifier: Apache-2.0 */
/* The CRLs of a trust: which are usable, and what stands in them. Signature and scope are checked once, when the set is
 * sealed. Internal to src/pki. */
#ifndef PKI_LIST_SET_H
#define PKI_LIST_SET_H

#include <stdint.h>

#include <openssl/x509.h>

#include "base/buf.h"
#include "base/error.h"
#include "base/slice.h"
#include "pki/list/admit.h"

struct pki_crl_set;

struct pki_crl_set *pki_crl_set_new(void);
void pki_crl_set_free(struct pki_crl_set *s); /* NULL allowed */

/* One CRL in DER or several in PEM; copied. R_INVALID, R_LIMIT; nothing was added then. */
MUST_USE enum result pki_crl_set_add(struct pki_crl_set *s, struct slice data, struct error *err);

/* One in DER, mapped: its bytes are not held in memory, only the index of its entries. */
MUST_USE enum result pki_crl_set_add_file(struct pki_crl_set *s, const char *path, struct error *err);

/* Of those that are added from now on: what helps when one has ended. Copied; NULL: nothing is known. */
void pki_crl_set_remedy(struct pki_crl_set *s, const char *remedy);

/* Looks for each CRL's issuer among these, drops what can't be used (a line each into *warnings), builds the index. */
void pki_crl_set_seal(struct pki_crl_set *s, const struct pki_crl_signers *from, struct buf *warnings);

/* After sealing: the usable ones. */
size_t pki_crl_set_count(const struct pki_crl_set *s);
const struct pki_crl *pki_crl_set_at(const struct pki_crl_set *s, size_t i);

/* Does this delta add to one of the complete lists? */
bool pki_crl_set_fits(const struct pki_crl_set *s, const struct pki_crl *delta);

/* Why a CRL of this issuer was dropped, of the first one; NULL: none was. */
const char *pki_crl_set_dropped(const struct pki_crl_set *s, const X509_NAME *issuer);

enum pki_crl_entry_state { PKI_CRL_ABSENT, PKI_CRL_LISTED, PKI_CRL_REMOVED };
/* What CRL i says about this serial number of that issuer. Thread-safe once sealed. */
enum pki_crl_entry_state pki_crl_set_look_up(const struct pki_crl_set *s, size_t i, const X509_NAME *issuer,
                                             struct slice serial);

#endif
