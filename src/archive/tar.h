/* SPDX-License-Identifier: Apache-2.0 */
/* Heads of a tar archive (POSIX.1-1988 ustar) of plain files, mode 0600, whose names are short. */
#ifndef ARCHIVE_TAR_H
#define ARCHIVE_TAR_H

#include "base/error.h"
#include "base/slice.h"

enum { TAR_BLOCK = 512, TAR_NAME = 100 };

/* Fills `ret`; behind it come `size` bytes and zeros up to a whole block. `name`: under TAR_NAME bytes. */
void tar_head(const char *name, uint64_t size, int64_t changed, char ret[TAR_BLOCK]);
/* R_EOF: zeros, the end of the archive. R_INVALID: no head, or one of something else than a plain file. */
MUST_USE enum result tar_read(const char head[TAR_BLOCK], char ret_name[TAR_NAME], uint64_t *ret_size,
                              struct error *err);
/* Zeros behind so many bytes. */
static inline size_t tar_padding(uint64_t size)
{
    return (size_t)(-size % TAR_BLOCK);
}

#endif
