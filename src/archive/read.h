/* SPDX-License-Identifier: Apache-2.0 */
/* Opening an archive, for who made it and knows what must be in it. */
#ifndef ARCHIVE_READ_H
#define ARCHIVE_READ_H

#include "archive/archive.h"

/* As archive_read(); where `manifest` is one, R_INVALID: the list of parts is another text. */
MUST_USE enum result archive_read_listed(const char *path, const struct archive_key *key, struct slice manifest,
                                         archive_part_fn *fn, void *ctx, struct error *err);

#endif
