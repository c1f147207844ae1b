/* SPDX-License-Identifier: Apache-2.0 */
/* Secrets that the store keeps for the site: sealed by AES-256-GCM (NIST SP 800-38D) under a key that HKDF (RFC 5869)
 * makes of the role CA's key, so that who holds a copy of the store alone can't read them; and bound to what they are
 * for, so that who can change the store can't have them sent elsewhere. */
#ifndef MP_WATCH_SEAL_H
#define MP_WATCH_SEAL_H

#include "mp/keys.h"

enum { MP_SEAL_MAX = 8192 };

/* Base64, malloc'ed. R_INVALID: the role CA's key can't be had (it lies in a token). `what`: what it is for. */
MUST_USE enum result mp_seal(const struct mp_keys *k, struct slice what, struct slice secret, char **ret,
                             struct error *err);
/* The secret, malloc'ed with a NUL, for the caller to wipe. R_DENIED: other keys, or it is for something else. */
MUST_USE enum result mp_unseal(const struct mp_keys *k, struct slice what, struct slice sealed, char **ret,
                               struct error *err);

#endif
