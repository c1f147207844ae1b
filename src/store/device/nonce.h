/* SPDX-License-Identifier: Apache-2.0 */
/* Nonces of signed requests, so that none counts twice (PROTOCOL 4). */
#ifndef STORE_DEVICE_NONCE_H
#define STORE_DEVICE_NONCE_H

#include "store/store.h"

enum { STORE_NONCE_KEEP_S = 600 };

/* R_CONFLICT when this key used this nonce within the last ten minutes. Old ones are dropped on the way. */
MUST_USE enum result store_nonce_use(struct store *s, const char *keyid, const char *nonce, int64_t now,
                                     struct error *err);

#endif
