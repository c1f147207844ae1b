/* SPDX-License-Identifier: Apache-2.0 */
/* Fetches the revocation lists that a bundle names by their hash, through a tunnel, each into a file of the state
 * folder. Lives in its home's loop. */
#ifndef GATEWAY_SNAPSHOT_CRL_PULL_H
#define GATEWAY_SNAPSHOT_CRL_PULL_H

#include "gateway/snapshot/home.h"
#include "pki/cert/cert.h"

struct crl_wanted {
    char sha256[PKI_HASH_HEX];
    int64_t size;
};

struct crl_pull;

/* done: once for each start, when each was had or can't be had now, which is logged. */
struct crl_pull *crl_pull_new(const struct snapshot_home *home, void (*done)(void *owner), void *owner);
void crl_pull_free(struct crl_pull *p); /* NULL allowed */

/* Copies `list`. Not before the last one's done. */
void crl_pull_start(struct crl_pull *p, const struct crl_wanted *list, size_t count);

#endif
