/* SPDX-License-Identifier: Apache-2.0 */
/* Client settings: the default ones and custom ones for a collection, by priority; and what each device fetched. */
#ifndef STORE_TARGETING_CLIENT_SETTINGS_H
#define STORE_TARGETING_CLIENT_SETTINGS_H

#include "base/arena.h"
#include "store/store.h"

#define STORE_CLIENT_SETTINGS_DEFAULT "default"
enum { STORE_CLIENT_SETTINGS_LAST = 10000, STORE_CLIENT_SETTINGS_MAX = 500 };

struct store_client_settings {
    const char *name;
    int64_t priority;       /* 1 wins over 2; the default ones come last */
    const char *collection; /* NULL: the default ones, of every device */
    const char *settings;   /* a JSON object: name → value */
    int64_t changed;
};

/* New ones, or others under this name. R_CONFLICT: the priority is taken, or there is no such collection. */
MUST_USE enum result store_client_settings_put(struct store *s, const struct store_client_settings *c,
                                               struct error *err);
MUST_USE enum result store_client_settings_get(struct store *s, struct arena *arena, const char *name,
                                               struct store_client_settings *ret, struct error *err);
/* The first wins. */
MUST_USE enum result store_client_settings_list(struct store *s, struct arena *arena,
                                                struct store_client_settings **ret, size_t *ret_count,
                                                struct error *err);
MUST_USE enum result store_client_settings_remove(struct store *s, const char *name, struct error *err);

/* --- what a device has --- */

struct store_device_settings {
    int64_t sequence; /* of the document; 0: it never fetched one */
    const char *content;
    int64_t fetched; /* when last, in wall seconds */
};
/* sequence 0 when there is none. */
MUST_USE enum result store_device_settings_get(struct store *s, struct arena *arena, const char *guid,
                                               struct store_device_settings *ret, struct error *err);
MUST_USE enum result store_device_settings_put(struct store *s, const char *guid, const struct store_device_settings *d,
                                               struct error *err);

#endif
