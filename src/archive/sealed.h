/* SPDX-License-Identifier: Apache-2.0 */
/* The body of an age file: chunks of 64 KiB, each sealed under its number and whether it is the last, so that none can
 * be altered, swapped, dropped or added, nor the end be cut off. */
#ifndef ARCHIVE_SEALED_H
#define ARCHIVE_SEALED_H

#include "archive/lock.h"
#include "base/host/file.h"

enum { SEALED_CHUNK = 64 * 1024 };

/* --- writing --- */

struct sealed_writer;
/* The header is in `to` already. */
MUST_USE enum result sealed_write_begin(struct file_draft *to, const unsigned char file_key[ARCHIVE_FILE_KEY],
                                        struct sealed_writer **ret, struct error *err);
MUST_USE enum result sealed_write(struct sealed_writer *w, struct slice data, struct error *err);
/* The last chunk. */
MUST_USE enum result sealed_write_end(struct sealed_writer *w, struct error *err);
void sealed_writer_free(struct sealed_writer *w); /* NULL allowed */

/* --- reading --- */

struct sealed_reader;
/* `fd`, which the caller closes, stands behind the header. */
struct sealed_reader *sealed_read_begin(int fd, const unsigned char file_key[ARCHIVE_FILE_KEY]);
/* Exactly `size` bytes, each of which has been proven. R_EOF: the body ended, as its maker ended it, before the first
 * of them. R_INVALID: it was altered, or ends too early. */
MUST_USE enum result sealed_read(struct sealed_reader *r, void *ret, size_t size, struct error *err);
void sealed_reader_free(struct sealed_reader *r); /* NULL allowed */

#endif
