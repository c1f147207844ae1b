/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The files that devices fetch as content: below the state folder, each under its SHA-256, so that what is the same is
 * kept once. A file is there whole and on the disk, or not at all. What they are called, and who may fetch them, is in
 * the store (store/targeting/content.h). All but the paths blocks: for threads of the pool.
 */
#ifndef MP_LIBRARY_LIBRARY_H
#define MP_LIBRARY_LIBRARY_H

#include "base/error.h"
#include "digest/digest.h"

/* Lower-case hex of `text` in *ret; false: it is no SHA-256. */
bool mp_library_hash(struct slice text, char ret[DIGEST_HEX]);

char *mp_library_folder(const char *state);                   /* malloc'ed */
char *mp_library_path(const char *state, const char *sha256); /* malloc'ed */

/* Makes the folder, and removes what a crash left unfinished in it. At the start, while nobody adds. */
MUST_USE enum result mp_library_open(const char *state, struct error *err);
/* Its size; -1: it is not there. */
int64_t mp_library_size(const char *state, const char *sha256);
void mp_library_remove(const char *state, const char *sha256);

/* A file that comes in parts. */
struct mp_library_draft;
/* R_LIMIT: the file system has no room for `size` bytes (0: not known). */
MUST_USE enum result mp_library_draft_new(const char *state, const char *sha256, uint64_t size,
                                          struct mp_library_draft **ret, struct error *err);
MUST_USE enum result mp_library_draft_add(struct mp_library_draft *d, struct slice part, struct error *err);
/* R_INVALID: it is not what its hash says. */
MUST_USE enum result mp_library_draft_publish(struct mp_library_draft *d, struct error *err);
void mp_library_draft_free(struct mp_library_draft *d); /* one that was not published leaves nothing. NULL allowed */

#endif
