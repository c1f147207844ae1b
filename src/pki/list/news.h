/* SPDX-License-Identifier: Apache-2.0 */
/* May a list that was fetched take the place of the one in use? Internal to src/pki; see pki_trust_check_crl. */
#ifndef PKI_LIST_NEWS_H
#define PKI_LIST_NEWS_H

#include "pki/list/info.h"
#include "pki/list/set.h"

struct pki_crl_check {
    const struct pki_crl_signers *from;
    const struct pki_crl_set *set; /* what is in use elsewhere; sealed, or empty */
    struct slice present;          /* .ptr NULL: none */
    int64_t now;
};

MUST_USE enum result pki_crl_check_news(const struct pki_crl_check *q, struct slice der, struct pki_crl_news *ret,
                                        struct error *err);

#endif
