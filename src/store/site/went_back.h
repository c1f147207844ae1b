/* SPDX-License-Identifier: Apache-2.0 */
/* That an older copy of this store is in use, as somebody's newer document told: what every management point of the
 * store tells until an administrator says that what was lost was made again. */
#ifndef STORE_SITE_WENT_BACK_H
#define STORE_SITE_WENT_BACK_H

#include "base/arena.h"
#include "store/store.h"

struct store_went_back {
    int64_t at; /* wall seconds when it was last heard */
    const char *whom;
    int64_t held, own;
};

/* R_NOTFOUND: nobody was heard to, or that was settled. */
MUST_USE enum result store_went_back_get(struct store *s, struct arena *a, struct store_went_back *ret,
                                         struct error *err);
/* In the place of what was heard before. */
MUST_USE enum result store_went_back_put(struct store *s, const struct store_went_back *w, struct error *err);
/* R_NOTFOUND: there is nothing to settle. */
MUST_USE enum result store_went_back_settle(struct store *s, struct error *err);

#endif
