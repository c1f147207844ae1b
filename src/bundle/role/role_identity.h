/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What a gateway or connector is known by: its role key and certificate, first those of the bootstrap file, later those
 * that the site renewed (PROTOCOL 1). The renewed ones are kept in the state folder, key and chain in one file, so that
 * after a crash there is the old pair or the new one and never half of each.
 */
#ifndef BUNDLE_ROLE_ROLE_IDENTITY_H
#define BUNDLE_ROLE_ROLE_IDENTITY_H

#include "bundle/role/bootstrap.h"

struct role_identity {
    char *certificate_pem; /* leaf, role CA */
    char *key_pem;         /* a secret */
    int64_t not_before, not_after;
    bool renewed; /* by the site, not the bootstrap file's */
};

/* The kept pair when it is right (this site's, this kind's and id's, its key fits), has not ended at `now` and is not
 * older than the bootstrap file's; else the bootstrap file's. *why (not NULL) says why a kept one is not used: code OK
 * when there is none or it is used. R_INVALID: the bootstrap file's own can't be read. */
MUST_USE enum result role_identity_load(const char *state, const char *kind, const struct bootstrap *b, int64_t now,
                                        struct role_identity *ret, struct error *why, struct error *err);
/* Is it this site's, this kind's and id's, in its time, with its own key? R_DENIED or R_INVALID with the cause. */
MUST_USE enum result role_identity_check(const struct role_identity *i, const char *kind, const struct bootstrap *b,
                                         int64_t now, struct error *err);
void role_identity_free(struct role_identity *i); /* all zero allowed; zeroes it */

/* Writes it to the state folder, 0600, atomically. */
MUST_USE enum result role_identity_keep(const struct role_identity *i, const char *state, struct error *err);

/* A pair made of a fresh key and what the site answered, when the certificate is for it: R_DENIED otherwise. */
MUST_USE enum result role_identity_make(const char *kind, const struct bootstrap *b, struct slice chain_pem,
                                        EVP_PKEY *key, int64_t now, struct role_identity *ret, struct error *err);

/* When to ask for the next one, in wall seconds: half of its life is over. */
int64_t role_identity_half_life(const struct role_identity *i);

#endif
