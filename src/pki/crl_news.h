/* SPDX-License-Identifier: Apache-2.0 */
/* May a list that was fetched take the place of the one in use? Internal to src/pki; see pki_trust_check_crl. */
#ifndef PKI_CRL_NEWS_H
#define PKI_CRL_NEWS_H

#include "pki/crl_admit.h"
#include "pki/trust.h"

MUST_USE enum result pki_crl_check_news(const struct pki_crl_signers *from, struct slice der, struct slice present,
                                        int64_t now, struct pki_crl_news *ret, struct error *err);

#endif
