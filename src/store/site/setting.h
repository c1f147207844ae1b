/* SPDX-License-Identifier: Apache-2.0 */
/* The site's settings: a table of what there is, its default, and what values it takes. */
#ifndef STORE_SITE_SETTING_H
#define STORE_SITE_SETTING_H

#include "store/store.h"

struct store_setting_info {
    const char *name;
    const char *fallback;
    const char *choices; /* "on|off"; NULL: see below */
    int64_t min, max;    /* seconds, when max > 0 */
    const char *help;    /* one line */
};
extern const struct store_setting_info store_settings[]; /* ends with a NULL name */
const struct store_setting_info *store_setting_find(struct slice name);

/* The value or its default, malloc'ed; the caller frees it. R_NOTFOUND: no such setting. */
MUST_USE enum result store_setting_get(struct store *s, const char *name, char **ret, struct error *err);
MUST_USE enum result store_setting_get_int(struct store *s, const char *name, int64_t *ret, struct error *err);
/* Is it this word? */
MUST_USE enum result store_setting_is(struct store *s, const char *name, const char *word, bool *ret,
                                      struct error *err);

/* Checks and stores, and bumps the bundle. R_INVALID with what it takes. */
MUST_USE enum result store_setting_put(struct store *s, const char *name, struct slice value, struct error *err);

#endif
