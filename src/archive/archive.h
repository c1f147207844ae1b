/* SPDX-License-Identifier: Apache-2.0 */
/*
 * One encrypted file of named parts: an age file (https://age-encryption.org/v1) of a tar archive, so that
 * `age --decrypt FILE | tar --extract` opens it, too. The last part, manifest.json, lists the others with their hashes.
 * Parts are held in memory one at a time; a large thing is many parts.
 */
#ifndef ARCHIVE_ARCHIVE_H
#define ARCHIVE_ARCHIVE_H

#include "archive/lock.h"

enum { ARCHIVE_PART_MAX = 256 * 1024 * 1024, ARCHIVE_NAME_MAX = 99 };

/* --- making one --- */

struct archive;
struct archive_made {
    uint64_t bytes; /* of the file */
    uint64_t parts;
};

/* Below a temporary name beside `path`, mode 0600. R_CONFLICT: there is such a file, and `over` is false. */
MUST_USE enum result archive_make(const char *path, bool over, const struct archive_lock *lock, struct archive **ret,
                                  struct error *err);
/* `name`: at most ARCHIVE_NAME_MAX bytes, once. R_LIMIT: the part is over ARCHIVE_PART_MAX. */
MUST_USE enum result archive_add(struct archive *a, const char *name, struct slice data, struct error *err);
/* Ends it, brings it to the disk, opens it as archive_read() does, by its passphrase or, of certificates, by the key
 * that they lead to, compares every part with what was added, and gives it its name. */
MUST_USE enum result archive_end(struct archive *a, struct archive_made *ret, struct error *err);
/* Of one that was not ended nothing stays. NULL allowed. */
void archive_free(struct archive *a);

/* --- opening one --- */

/* How is it opened? R_NOTFOUND, R_IO; R_INVALID: it is no archive. */
MUST_USE enum result archive_kind(const char *path, enum archive_kind *ret, struct error *err);

/* `data` is borrowed; what fails here ends the reading. */
typedef enum result archive_part_fn(void *ctx, const char *name, struct slice data, struct error *err);
/* Each part, in the order in which they were added; R_DENIED: another key. R_INVALID: altered, cut off, or not whole:
 * that of all parts nothing is missing is known when it returns OK. */
MUST_USE enum result archive_read(const char *path, const struct archive_key *key, archive_part_fn *fn, void *ctx,
                                  struct error *err);

#endif
