/* SPDX-License-Identifier: Apache-2.0 */
/* Content: files under a name and a version, which never change; a policy brings them to devices. Their bytes lie
 * elsewhere, by their SHA-256. */
#ifndef STORE_TARGETING_CONTENT_H
#define STORE_TARGETING_CONTENT_H

#include "base/arena.h"
#include "store/store.h"

enum { STORE_CONTENT_FILES_MAX = 256, STORE_CONTENT_NAME_MAX = 128, STORE_CONTENT_VERSION_MAX = 64 };

struct store_content {
    const char *name, *version;
    int64_t added, files, size; /* size: bytes of all files */
};

struct store_content_file {
    const char *path; /* below the folder that they make (base/text/relative.h) */
    const char *sha256;
    int64_t size;
    bool executable;
};

/* R_CONFLICT: this name has this version already. */
MUST_USE enum result store_content_add(struct store *s, const struct store_content *c,
                                       const struct store_content_file *files, struct error *err);
/* `version` "": the one that was added last. */
MUST_USE enum result store_content_get(struct store *s, struct arena *arena, const char *name, const char *version,
                                       struct store_content *ret, struct error *err);
/* In the order of their paths. */
MUST_USE enum result store_content_files(struct store *s, struct arena *arena, const char *name, const char *version,
                                         struct store_content_file **ret, size_t *ret_count, struct error *err);
/* By "NAME/VERSION", those above `after` ("": from the first), `limit` at most. */
MUST_USE enum result store_content_page(struct store *s, struct arena *arena, const char *after, int64_t limit,
                                        struct store_content **ret, size_t *ret_count, struct error *err);
/* R_NOTFOUND; R_CONFLICT: a policy brings it, which is named. */
MUST_USE enum result store_content_remove(struct store *s, const char *name, const char *version, struct error *err);
/* In how many places is a file of this hash? */
MUST_USE enum result store_content_uses(struct store *s, const char *sha256, int64_t *ret, struct error *err);

#endif
