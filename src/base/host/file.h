/* SPDX-License-Identifier: Apache-2.0 */
/* Whole files: read with a maximum, written so that a crash leaves the old or the new one, never half of it. */
#ifndef BASE_HOST_FILE_H
#define BASE_HOST_FILE_H

#include <stdbool.h>
#include <sys/types.h>

#include "base/error.h"
#include "base/slice.h"

/* Reads the whole file into malloc'ed memory with a NUL behind it (outside *ret_len); the caller frees it.
 * R_NOTFOUND, R_LIMIT (larger than max), R_IO. "-" is standard input. */
MUST_USE enum result file_read(const char *path, size_t max, char **ret, size_t *ret_len, struct error *err);

/* The same where somebody else may put something else there at any time: no link is followed, and nothing but a regular
 * file is read, so that it never waits. */
MUST_USE enum result file_read_of_others(const char *path, size_t max, char **ret, size_t *ret_len, struct error *err);
/* The same of what people write or save (PEM, tokens, passwords; DER and PKCS#12, too): without a byte order mark in
 * front. R_INVALID: text of UTF-16, with the command that makes the right thing of it. */
MUST_USE enum result file_read_text(const char *path, size_t max, char **ret, size_t *ret_len, struct error *err);

/* Writes a temporary file beside it, fsyncs, renames over `path` and fsyncs the folder. Keys take mode 0600. */
MUST_USE enum result file_write(const char *path, struct slice data, mode_t mode, struct error *err);

/* The same of what comes in parts: below a temporary name beside `path`, mode 0600, until it is published. */
struct file_draft;
MUST_USE enum result file_draft_new(const char *path, struct file_draft **ret, struct error *err);
int file_draft_fd(const struct file_draft *d);           /* owned by the draft */
const char *file_draft_path(const struct file_draft *d); /* of the temporary file */
MUST_USE enum result file_draft_write(struct file_draft *d, struct slice data, struct error *err);
/* It is on the disk, and so is its name. */
MUST_USE enum result file_draft_publish(struct file_draft *d, mode_t mode, struct error *err);
void file_draft_free(struct file_draft *d); /* what was not published is removed; NULL allowed */

/* Removes what writes that a crash cut off left in the folder. To be called while nobody writes there: at the start of
 * the program whose folder it is. */
void file_sweep(const char *dir);

/* The folder and all that is in it, as far as this user may; no link is followed. */
void file_remove_tree(const char *path);
/* mkdir -p; existing folders keep their mode. */
MUST_USE enum result file_make_dirs(const char *path, mode_t mode, struct error *err);

/* The same for the folder that `path` is in. */
MUST_USE enum result file_make_parent(const char *path, mode_t mode, struct error *err);

/* Can the file `path` be written, or where it is not there, be made, with the folders that lack above it? Not when it
 * is a folder. Writes nothing. */
MUST_USE enum result file_can_make(const char *path, struct error *err);

/* The same of a folder, which a file is not. */
MUST_USE enum result file_can_make_dir(const char *path, struct error *err);

bool file_exists(const char *path);
/* A file that is damaged makes place for a new one, and is kept beside it for who looks into it: "<path>.damaged". */
MUST_USE enum result file_set_aside(const char *path, struct error *err);

/* Can this user write to the folder, and has its file system room for FILE_ROOM bytes more? Else an error that says
 * what to do. Writes nothing. */
enum { FILE_ROOM = 1024 * 1024 };
MUST_USE enum result file_room(const char *folder, struct error *err);
/* Bytes of the file system of `folder` that this user may still take, and all of it. False: it can't be told. */
struct file_space {
    uint64_t free, size;
};
MUST_USE bool file_space(const char *folder, struct file_space *ret);

/* R_DENIED when a file of secrets can be read by others than its owner: files of keys are 0600. */
MUST_USE enum result file_check_private(const char *path, struct error *err);

/* "<dir>/<name>" as malloc'ed text. */
char *file_join(const char *dir, const char *name);

/* The path from "/" on, malloc'ed. Links stay in it: who renews a certificate lets a link lead to the new one. */
char *file_absolute(const char *path);

#endif
