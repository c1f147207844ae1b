/* SPDX-License-Identifier: Apache-2.0 */
/* Rows of table nonce. */
#include "store/device/nonce.h"

#include <stdio.h>

enum { VALUE_MAX = 192 };

static enum result use(struct store *s, const char *value, int64_t now, struct error *err)
{
    int64_t added;
    enum result r =
        store_exec(s, "DELETE FROM nonce WHERE seen < $1", STORE_PARAMS(STORE_N(now - STORE_NONCE_KEEP_S)), NULL, err);
    if (r == OK)
        r = store_exec(s, "INSERT INTO nonce (value, seen) VALUES ($1, $2) ON CONFLICT (value) DO NOTHING",
                       STORE_PARAMS(STORE_T(value), STORE_N(now)), &added, err);
    if (r == OK && added == 0)
        return error_set(err, R_CONFLICT, "this nonce was used before");
    return r;
}

enum result store_nonce_use(struct store *s, const char *keyid, const char *nonce, int64_t now, struct error *err)
{
    char value[VALUE_MAX];
    if (snprintf(value, sizeof value, "%s:%s", keyid, nonce) >= VALUE_MAX)
        return error_set(err, R_INVALID, "the nonce is too long");
    enum result r = store_begin(s, STORE_QUICK, err);
    if (r != OK)
        return r;
    return store_end(s, use(s, value, now, err), err);
}
